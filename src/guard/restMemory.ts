import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import type { ServerLink } from './serverLink.ts';

/** Nobody has called for so long: a pause of some milliseconds is in nobody's way, ms. */
export const restMs = 4_000;

/**
 * Gives back what the last calls, and the start, left in memory. V8 collects when it needs space, and a guard that nobody calls needs none: dozens of them
 * would keep some megabytes each for as long as their clients live.
 */
export class RestMemory {
  readonly #collect: () => void;
  #collectedFor: number | undefined;

  /** @param collect for tests */
  constructor(collect: () => void = collectGarbage) {
    this.#collect = collect;
  }

  /**
   * Collects once when the calls have come to rest. Call it now and then.
   * @param now `performance.now()`
   */
  look(link: Pick<ServerLink, 'inFlight' | 'listening' | 'usedAt'> | undefined, now: number): void {
    if (link && link.usedAt !== this.#collectedFor && now - link.usedAt >= restMs && link.inFlight.size <= link.listening.size) {
      this.#collectedFor = link.usedAt;
      this.#collect();
    }
  }
}

/** One full collection. Node offers it to whoever asks V8 for the function, which a new context then has (nodejs.org, `v8.setFlagsFromString`; V8's `--expose-gc`). */
export function collectGarbage(): void {
  setFlagsFromString('--expose-gc');
  const gc: unknown = runInNewContext('globalThis.gc');
  setFlagsFromString('--no-expose-gc');
  if (typeof gc === 'function') {
    gc({ type: 'major', execution: 'sync', flavor: 'last-resort' });
  }
}
