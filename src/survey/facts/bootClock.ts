import { uptime } from 'node:os';
import { join } from 'node:path';
import * as v from 'valibot';
import { readRecord, writeRecord } from '../../storage/jsonRecord.ts';
import { stateFolderIfPossible } from '../../storage/stateFolder.ts';

/** The two clocks; injected so that tests can set them. */
export interface Clock {
  /** Wall clock, epoch ms. */
  now(): number;
  /** Milliseconds since boot, suspend included; cannot be set. */
  uptime(): number;
  /** Milliseconds since boot without the time in which the machine slept, the same for all programs; absent where the system does not tell. */
  awake?(): number;
}

/** The machine's clocks. */
export const systemClock: Clock = {
  now: () => Date.now(),
  uptime: () => uptime() * 1_000,
  // CLOCK_MONOTONIC (clock_gettime(2)). Elsewhere Node's clock may include sleep.
  ...(process.platform === 'linux' ? { awake: () => Number(process.hrtime.bigint() / 1_000_000n) } : {}),
};

const recordSchema = v.object({ schema: v.literal(1), bootId: v.string(), offset: v.number(), since: v.number() });

/** Smaller steps lie within the two seconds that `startToleranceMs` leaves open; `os.uptime()` is coarser than this on some systems. */
const stepMs = 1_500;

/**
 * Notices that the wall clock was set. Process starts then move and file times do not, so times from before the step can no longer be compared; stored facts
 * still can.
 */
export class BootClock {
  readonly #clock: Clock;
  /** Undefined without a state folder. */
  readonly #file: string | undefined;
  readonly #bootId: string;
  #offset: number;
  /** Uptime, ms, at which the last step was noticed; 0: none is known since boot. */
  #since: number;

  /** Never throws: without a writable folder only this process knows of a step. */
  constructor(runDir: string, bootId: string, clock: Clock) {
    this.#clock = clock;
    this.#bootId = bootId;
    const folder = stateFolderIfPossible(runDir, 'facts');
    this.#file = folder && join(folder, '..', 'clock.json');
    const record = this.#file === undefined ? undefined : readRecord(this.#file, recordSchema);
    this.#offset = record?.bootId === bootId ? record.offset : clock.now() - clock.uptime();
    this.#since = record?.bootId === bootId ? record.since : 0;
    if (!this.observe() && record?.bootId !== bootId) {
      this.#save();
    }
  }

  /** Reads both clocks. @returns whether the wall clock was set since they were last read by any process that shares the state folder */
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

  /** Whether the start of a process can be compared with file times. @param startedAt epoch ms by the clock as it is now */
  timesComparable(startedAt: number): boolean {
    return this.#since === 0 || startedAt - this.#offset > this.#since;
  }

  #save(): void {
    if (this.#file === undefined) {
      return;
    }
    try {
      writeRecord(this.#file, { schema: 1, bootId: this.#bootId, offset: this.#offset, since: this.#since });
    } catch {
      // The next scan tries again; until then only this process knows of the step.
    }
  }
}
