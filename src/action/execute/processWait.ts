import { identityKey, type ProcessTable } from '../../model/process.ts';

const pollMs = 250;

/** Whether exactly this process still runs. @param instance the text of its identity @throws when the system has no process table */
export async function stillRuns(table: ProcessTable, instance: string): Promise<boolean> {
  return (await table.list()).some((row) => identityKey(row.identity) === instance);
}

/** Polls until `read` gives a result. @param limitMs by the monotonic clock @returns the result; undefined when the time is over */
export async function waitFor<T>(
  limitMs: number,
  read: () => Promise<T | undefined | false>,
  everyMs: number = pollMs,
): Promise<T | undefined> {
  for (const end = performance.now() + limitMs; ; ) {
    const result = await read();
    if (result) {
      return result;
    }
    if (performance.now() >= end) {
      return undefined;
    }
    await new Promise((done) => setTimeout(done, everyMs));
  }
}
