import { identityKey, type ProcessTable } from '../../model/process.ts';

const lookEveryMs = 250;

/** Whether exactly one process still runs. @param instance the text of its identity @throws when the system has no process list */
export async function stillRuns(table: ProcessTable, instance: string): Promise<boolean> {
  return (await table.list()).some((row) => identityKey(row.identity) === instance);
}

/** Looks again and again until there is something. @param limitMs of the monotonic clock @returns what the last look gave; undefined when the time is over */
export async function waitFor<T>(
  limitMs: number,
  look: () => Promise<T | undefined | false>,
  everyMs: number = lookEveryMs,
): Promise<T | undefined> {
  for (const end = performance.now() + limitMs; ; ) {
    const seen = await look();
    if (seen) {
      return seen;
    }
    if (performance.now() >= end) {
      return undefined;
    }
    await new Promise((done) => setTimeout(done, everyMs));
  }
}
