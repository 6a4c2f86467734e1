import { keepOnly } from '../../base/keepOnly.ts';
import { idleBoundMs, idleMs, type ServerWork } from '../../diagnosis/copies.ts';
import { identityKey, type ProcessIdentity, type ProcessRow } from '../../model/process.ts';
import type { Clock } from './bootClock.ts';
import type { FactStore } from './factStore.ts';

/** Readings of the last hour are kept at this distance, and a record is written again after this long. */
const readingMs = 300_000;
/** Where the clock counts sleep too, a longer gap between two scans may have been sleep. */
const gapMs = 600_000;

interface Reading {
  /** Milliseconds since boot. */
  readonly at: number;
  readonly ms: number;
}

/** Since when a server used no processor time worth counting. */
interface Quiet {
  readonly identity: ProcessIdentity;
  /** Of these many processes; another number means that it did something. */
  readonly processes: number;
  /** Oldest first: the first is where the time began, or the last that is at least an hour old. */
  readonly readings: readonly Reading[];
  readonly beganAt: number;
  /** Epoch ms. */
  readonly since: number;
  /** Work was seen before that time, at most an hour earlier. */
  readonly afterWork: boolean;
  readonly latest: Reading;
}

/** Remembers how much processor time each server and everything below it had used, to tell which did nothing for an hour. */
export class ProcessorTimes {
  readonly #facts: FactStore;
  readonly #clock: Clock;
  readonly #quiet = new Map<string, Quiet>();
  /** When the record of each was last written, ms since boot. */
  readonly #written = new Map<string, number>();

  constructor(facts: FactStore, clock: Clock) {
    this.#facts = facts;
    this.#clock = clock;
  }

  /** Takes the reading of this scan. @param tree the server and everything below it @param now epoch ms */
  observe(server: ProcessRow, tree: readonly ProcessRow[], now: number): ServerWork {
    const key = identityKey(server.identity);
    const ms = tree.reduce((sum, row) => sum + (row.processorMs ?? Number.NaN), 0);
    if (Number.isNaN(ms)) {
      this.#quiet.delete(key);
      return { state: 'unknown', quietMs: 0, quietSince: now };
    }
    const reading = { at: this.#clock.awake?.() ?? this.#clock.uptime(), ms };
    // A debugger has stopped it, so that it cannot be called idle.
    const stopped = tree.some(({ state }) => state === 'T' || state === 't');
    const before = this.#quiet.get(key) ?? this.#recorded(server.identity);
    const known = before && this.#isWatched(before.latest, reading) ? before : undefined;
    const goesOn = known && !stopped && known.processes === tree.length && isQuiet(known.readings, reading);
    const quiet: Quiet = goesOn
      ? { ...known, readings: withReading(known.readings, reading), latest: reading }
      : {
          identity: server.identity,
          processes: tree.length,
          readings: [reading],
          beganAt: reading.at,
          since: now,
          afterWork: stopped || (known !== undefined && reading.at - known.latest.at <= idleMs),
          latest: reading,
        };
    this.#quiet.set(key, quiet);
    const quietMs = reading.at - quiet.beganAt;
    const state = quietMs >= idleMs ? 'idle' : quiet.afterWork ? 'worked' : 'unknown';
    return { state, quietMs, quietSince: quiet.since, processorMs: ms };
  }

  /** Records the readings of these servers, so that the next program that scans knows them. @param watched by `identityKey` */
  record(watched: ReadonlySet<string>): void {
    for (const key of watched) {
      const quiet = this.#quiet.get(key);
      const [first] = quiet?.readings ?? [];
      if (!quiet || !first) {
        continue;
      }
      const { identity, processes, beganAt, since, latest } = quiet;
      const stored = this.#facts.fact(identity, 'processor');
      // The record of the time's beginning stays true as long as the time goes on.
      const due =
        stored === undefined ||
        (stored.beganAt !== beganAt && latest.at - (this.#written.get(key) ?? Number.NEGATIVE_INFINITY) >= readingMs);
      if (due) {
        this.#written.set(key, latest.at);
        this.#facts.replaceFact(identity, 'processor', { takenAt: since, processes, beganAt, ms: first.ms });
      }
    }
  }

  keep(servers: ReadonlySet<string>): void {
    keepOnly(this.#quiet, servers);
    keepOnly(this.#written, servers);
  }

  #recorded(identity: ProcessIdentity): Quiet | undefined {
    const stored = this.#facts.fact(identity, 'processor');
    const reading = stored && { at: stored.beganAt, ms: stored.ms };
    return (
      reading && {
        identity,
        processes: stored.processes,
        readings: [reading],
        beganAt: reading.at,
        since: stored.takenAt,
        afterWork: false,
        latest: reading,
      }
    );
  }

  #isWatched(before: Reading, reading: Reading): boolean {
    const gap = reading.at - before.at;
    return gap >= 0 && (this.#clock.awake !== undefined || gap <= gapMs);
  }
}

function isQuiet([first]: readonly Reading[], { ms }: Reading): boolean {
  return first !== undefined && ms >= first.ms && ms - first.ms < idleBoundMs;
}

/** Adds a reading, and drops those that are older than the last hour needs. */
function withReading(readings: readonly Reading[], reading: Reading): readonly Reading[] {
  const newest = readings.at(-1);
  const all = newest && reading.at - newest.at < readingMs ? readings : [...readings, reading];
  const first = all.findLastIndex(({ at }) => reading.at - at >= idleMs);
  return first > 0 ? all.slice(first) : all;
}
