import { waitFor } from '../scripts/system/waitFor.ts';

/**
 * Waits for a condition; the machine may be busy.
 * @param what what is waited for, for the error text
 * @param limit milliseconds
 * @returns the first answer that is neither undefined, null nor false
 * @throws when there is none in time
 */
export function until<T>(what: string, ask: () => T | Promise<T>, limit = 30_000): Promise<NonNullable<Exclude<T, false>>> {
  return waitFor(what, ask, { limit, every: 20 });
}
