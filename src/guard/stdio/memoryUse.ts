import type { ServerLink } from '../relay/serverLink.ts';

/** After this long without a call, a pause of some milliseconds disturbs no client, ms. */
export const restMs = 4_000;

/**
 * Collects the garbage of the start and of the last calls. V8 collects only when it needs space, so each of dozens of idle guards would keep some megabytes
 * for as long as its client runs.
 */
export class IdleCollector {
  readonly #collect: () => Promise<void> | void;
  #collectedFor: number | undefined;

  /** @param collect for tests */
  constructor(collect: () => Promise<void> | void = collectAll) {
    this.#collect = collect;
  }

  /**
   * Collects once when no call is in flight and the last one is 4 s old. Call it every few seconds.
   * @param now `performance.now()`
   */
  check(link: Pick<ServerLink, 'inFlight' | 'listening' | 'usedAt'> | undefined, now: number): void {
    if (link && link.usedAt !== this.#collectedFor && now - link.usedAt >= restMs && link.inFlight.size <= link.listening.size) {
      this.#collectedFor = link.usedAt;
      void this.#collect();
    }
  }
}

/**
 * Keeps V8's space for new objects small. A guard handles many short-lived messages, for which V8 would grow this space to 32 MB without a gain in speed
 * (measured: 144 → 97 MB). Call it after the start: loading `node:v8` takes 4 ms, for which the client would wait.
 */
export async function keepNewSpaceSmall(): Promise<void> {
  const { setFlagsFromString } = await import('node:v8');
  setFlagsFromString('--semi-space-growth-factor=1');
}

/** Runs one full garbage collection. With V8's `--expose-gc` set at run time, a new context has the function for it (nodejs.org, `v8.setFlagsFromString`). */
export async function collectAll(): Promise<void> {
  const [{ setFlagsFromString }, { runInNewContext }] = await Promise.all([import('node:v8'), import('node:vm')]);
  setFlagsFromString('--expose-gc');
  const gc: unknown = runInNewContext('globalThis.gc');
  setFlagsFromString('--no-expose-gc');
  if (typeof gc === 'function') {
    gc({ type: 'major', execution: 'sync', flavor: 'last-resort' });
  }
}
