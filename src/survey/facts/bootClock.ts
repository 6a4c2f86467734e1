import { uptime } from 'node:os';
import { join } from 'node:path';
import * as v from 'valibot';
import { readRecord, writeRecord } from '../../storage/jsonRecord.ts';
import { stateFolderIfPossible } from '../../storage/stateFolder.ts';

/** The two clocks; injected so that tests can set them. */
export interface Clock {
  /** Wall clock, epoch milliseconds. */
  now(): number;
  /** Milliseconds since boot, suspend included; no one can set it. */
  uptime(): number;
}

/** The machine's clocks. */
export const systemClock: Clock = { now: () => Date.now(), uptime: () => uptime() * 1_000 };

const recordSchema = v.object({ schema: v.literal(1), bootId: v.string(), offset: v.number(), since: v.number() });

/** Smaller steps stay within the two seconds that first-sighting evidence leaves open anyway; `os.uptime()` is coarser than that on some systems. */
const stepMs = 1_500;

/**
 * Notices that the wall clock was set. File times do not move with it and process starts do, so times from before the step
 * cannot be compared any more; stored facts still can.
 */
export class BootClock {
  readonly #clock: Clock;
  readonly #file: string;
  readonly #bootId: string;
  #offset: number;
  /** Uptime at which the last step was noticed; 0 = none since boot as far as known. */
  #since: number;

  /** Never throws: where nothing can be kept, this process alone knows of a step. */
  constructor(runDir: string, bootId: string, clock: Clock) {
    this.#clock = clock;
    this.#bootId = bootId;
    this.#file = join(stateFolderIfPossible(runDir, 'facts').folder, '..', 'clock.json');
    const record = readRecord(this.#file, recordSchema);
    this.#offset = record?.bootId === bootId ? record.offset : clock.now() - clock.uptime();
    this.#since = record?.bootId === bootId ? record.since : 0;
    if (!this.observe() && record?.bootId !== bootId) {
      this.#save();
    }
  }

  /** Looks at both clocks. @returns whether the wall clock was set since the last look (of any process that shares the state folder) */
  observe(): boolean {
    const offset = this.#clock.now() - this.#clock.uptime();
    const stepped = Math.abs(offset - this.#offset) > stepMs;
    if (stepped) {
      this.#since = this.#clock.uptime();
    }
    const drifted = Math.abs(offset - this.#offset) > stepMs / 3;
    this.#offset = offset;
    if (stepped || drifted) {
      this.#save();
    }
    return stepped;
  }

  /** Whether the start of a process can be put in order with file times. @param startedAt epoch ms by today's clock */
  timesComparable(startedAt: number): boolean {
    return this.#since === 0 || startedAt - this.#offset > this.#since;
  }

  #save(): void {
    try {
      writeRecord(this.#file, { schema: 1, bootId: this.#bootId, offset: this.#offset, since: this.#since });
    } catch {
      // The next look tries again; until then this process alone knows of the step.
    }
  }
}
