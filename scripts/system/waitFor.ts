import { setTimeout as delay } from 'node:timers/promises';

/** A time was up before a condition held. */
export class WaitedInVain extends Error {}

/**
 * Calls `ask` until its answer is neither undefined, null nor false.
 *
 * @param what what is waited for, for the error message
 * @param ask must be cheap; its errors end the waiting
 * @param limit milliseconds after which an error is thrown
 * @param every milliseconds between two calls
 */
export async function waitFor<T>(
  what: string,
  ask: () => T | Promise<T>,
  { limit = 60_000, every = 50 }: { limit?: number; every?: number } = {},
): Promise<NonNullable<Exclude<T, false>>> {
  const end = performance.now() + limit;
  for (;;) {
    const answer = await ask();
    if (answer !== undefined && answer !== null && answer !== false) {
      return answer as NonNullable<Exclude<T, false>>;
    }
    if (performance.now() > end) {
      throw new WaitedInVain(`Waited ${limit} ms in vain for ${what}.`);
    }
    await delay(every);
  }
}
