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

/**
 * Waits until a moment lies far enough back to be told from what happens next: times of files, of git's log and of processes are coarse.
 * @param moment epoch in milliseconds
 */
export async function untilPast(moment: number, milliseconds: number): Promise<void> {
  await until(`${milliseconds} ms have passed`, () => Date.now() - moment > milliseconds);
}
