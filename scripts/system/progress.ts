/** Receives one line about a longer step. */
export type Progress = (line: string) => void;

/** Prints progress on stderr, so that stdout stays free for results. */
export const printProgress: Progress = (line) => {
  process.stderr.write(`${line}\n`);
};

/**
 * Announces a step, runs it, and prints its duration.
 *
 * @param what the step, as a phrase before "…"
 */
export async function timed<T>(what: string, progress: Progress, step: () => Promise<T>): Promise<T> {
  const start = performance.now();
  progress(`${what} …`);
  const result = await step();
  progress(`${what}: ${((performance.now() - start) / 1000).toFixed(1)} s`);
  return result;
}
