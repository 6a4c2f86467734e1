import { keepOnly } from '../../base/keepOnly.ts';
import { busyShare, type RunawayEvidence } from '../../diagnosis/runaway.ts';
import { identityKey, type ProcessIdentity, type ProcessRow } from '../../model/process.ts';
import type { Clock } from '../facts/bootClock.ts';
import type { FactStore } from '../facts/factStore.ts';

/** Two readings this far apart are compared, ms: a shorter distance says little, a longer one may hide a rest. */
const nearestMs = 10_000;
const farthestMs = 180_000;
/** A streak is recorded from here on, for the next program. */
const recordMs = 600_000;
/** Memory is compared with what a process used at this age, ms. */
const settledMs = 600_000;

interface Reading {
  /** Ms since boot, without sleep where the system tells it. */
  readonly at: number;
  /** Processor time by process; one sum for what another program recorded. */
  readonly used: ReadonlyMap<string, number>;
  readonly total: number;
}

interface Streak {
  readonly beganAt: number;
  /** Epoch ms. */
  readonly since: number;
  /** Processor time used in it, ms. */
  readonly used: number;
}

/** Remembers how long each server uses a core, and how much memory it used in its tenth minute. */
export class BusyTimes {
  readonly #facts: FactStore;
  readonly #clock: Clock;
  readonly #readings = new Map<string, Reading>();
  readonly #streaks = new Map<string, Streak>();
  /** By `identityKey` of a process: when it was first seen (`at`), and its memory at its tenth minute. */
  readonly #first = new Map<string, number>();
  readonly #memory = new Map<string, { readonly takenAt: number; readonly bytes: number }>();

  constructor(facts: FactStore, clock: Clock) {
    this.#facts = facts;
    this.#clock = clock;
  }

  /** Takes the reading of this scan. @param tree the server first @param now epoch ms */
  observe(server: ProcessIdentity, tree: readonly ProcessRow[], now: number): Pick<RunawayEvidence, 'busy' | 'memory'> {
    const at = this.#clock.awake?.() ?? this.#clock.uptime();
    const busy = this.#busy(server, tree, at, now);
    const memory = this.#grown(server, tree, at, now);
    return { ...(busy ? { busy } : {}), ...(memory ? { memory } : {}) };
  }

  /** @param alive `identityKey` of all processes */
  keep(alive: ReadonlySet<string>): void {
    for (const map of [this.#readings, this.#streaks, this.#first, this.#memory]) {
      keepOnly(map as Map<string, unknown>, alive);
    }
  }

  #busy(server: ProcessIdentity, tree: readonly ProcessRow[], at: number, now: number): RunawayEvidence['busy'] {
    const key = identityKey(server);
    const used = new Map(tree.flatMap((row) => (row.processorMs === undefined ? [] : [[identityKey(row.identity), row.processorMs]])));
    const reading = { at, used, total: [...used.values()].reduce((sum, ms) => sum + ms, 0) };
    const before = this.#readings.get(key);
    const recorded = before ? undefined : this.#facts.fact(server, 'busy');
    const gap = at - (before?.at ?? recorded?.readAt ?? at);
    if (recorded && gap >= 0 && gap <= farthestMs) {
      this.#streaks.set(key, { beganAt: recorded.beganAt, since: recorded.takenAt, used: recorded.used });
    }
    if (gap >= 0 && gap < nearestMs) {
      if (!before) {
        this.#readings.set(key, reading);
      }
      return this.#told(key, at);
    }
    this.#readings.set(key, reading);
    // What a process of its own used before this reading and was not there at the last one, it used in between.
    const spent = before
      ? [...used].reduce((sum, [id, ms]) => sum + Math.max(0, ms - (before.used.get(id) ?? 0)), 0)
      : reading.total - (recorded?.total ?? reading.total);
    if (gap > farthestMs || gap < 0 || spent <= gap * busyShare) {
      this.#streaks.delete(key);
      return undefined;
    }
    const streak = this.#streaks.get(key) ?? { beganAt: at - gap, since: now - gap, used: 0 };
    this.#streaks.set(key, { ...streak, used: streak.used + spent });
    if (at - streak.beganAt >= recordMs) {
      const { beganAt, since } = streak;
      this.#facts.replaceFact(server, 'busy', { takenAt: since, beganAt, readAt: at, used: streak.used + spent, total: reading.total });
    }
    return this.#told(key, at);
  }

  #told(key: string, at: number): RunawayEvidence['busy'] {
    const streak = this.#streaks.get(key);
    return streak && { since: streak.since, ms: at - streak.beganAt, processorMs: streak.used };
  }

  #grown(server: ProcessIdentity, tree: readonly ProcessRow[], at: number, now: number): RunawayEvidence['memory'] {
    const known = tree.flatMap((row) => {
      const key = identityKey(row.identity);
      const first = this.#first.get(key) ?? at;
      this.#first.set(key, first);
      const settled = Math.max(now - row.startedAt, at - first) >= settledMs;
      const own = key === identityKey(server);
      let then = this.#memory.get(key) ?? (own && settled ? this.#facts.fact(server, 'memory') : undefined);
      if (!then && settled && row.rssBytes > 0 && Math.max(now - row.startedAt - this.#slept(at), at - first) >= settledMs) {
        const taken = { takenAt: now, bytes: row.rssBytes };
        then = own ? this.#facts.recordFact(server, 'memory', taken) : taken;
      }
      if (then) {
        this.#memory.set(key, then);
      }
      return then && row.rssBytes > 0 ? [{ ...then, nowBytes: row.rssBytes }] : [];
    });
    const sum = (of: (one: (typeof known)[number]) => number): number => known.reduce((total, one) => total + of(one), 0);
    return known.length === 0
      ? undefined
      : {
          at: Math.min(...known.map(({ takenAt }) => takenAt)),
          earlier: sum(({ bytes }) => bytes),
          bytes: sum(({ nowBytes }) => nowBytes),
        };
  }

  /** All sleep since boot is taken from a process's age: how much of it fell into its life is not known. */
  #slept(at: number): number {
    return this.#clock.awake ? Math.max(0, this.#clock.uptime() - at) : Number.POSITIVE_INFINITY;
  }
}
