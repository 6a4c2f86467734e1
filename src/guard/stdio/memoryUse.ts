import type { ServerLink } from '../relay/serverLink.ts';

/** Nobody has called for so long: a pause of some milliseconds is in nobody's way, ms. */
export const restMs = 4_000;

/**
 * Gives back what the last calls, and the start, left in memory. V8 collects when it needs space, and a guard that nobody calls needs none: dozens of them
 * would keep some megabytes each for as long as their clients live.
 */
export class IdleCollector {
  readonly #collect: () => Promise<void> | void;
  #collectedFor: number | undefined;

  /** @param collect for tests */
  constructor(collect: () => Promise<void> | void = collectAll) {
    this.#collect = collect;
  }

  /**
   * Collects once when the calls have come to rest. Call it now and then.
   * @param now `performance.now()`
   */
  look(link: Pick<ServerLink, 'inFlight' | 'listening' | 'usedAt'> | undefined, now: number): void {
    if (link && link.usedAt !== this.#collectedFor && now - link.usedAt >= restMs && link.inFlight.size <= link.listening.size) {
      this.#collectedFor = link.usedAt;
      void this.#collect();
    }
  }
}

/**
 * Many short-lived messages, few that stay: V8 would make the space for new objects 32 MB large, and it serves no purpose (measured: 144 → 97 MB, not slower).
 * Not at the very start: the module that it takes costs 4 ms, for which the client would wait.
 */
export async function keepNewSpaceSmall(): Promise<void> {
  const { setFlagsFromString } = await import('node:v8');
  setFlagsFromString('--semi-space-growth-factor=1');
}

/** One full collection. Node offers it to whoever asks V8 for the function, which a new context then has (nodejs.org, `v8.setFlagsFromString`; V8's `--expose-gc`). */
export async function collectAll(): Promise<void> {
  const [{ setFlagsFromString }, { runInNewContext }] = await Promise.all([import('node:v8'), import('node:vm')]);
  setFlagsFromString('--expose-gc');
  const gc: unknown = runInNewContext('globalThis.gc');
  setFlagsFromString('--no-expose-gc');
  if (typeof gc === 'function') {
    gc({ type: 'major', execution: 'sync', flavor: 'last-resort' });
  }
}
