/** Milliseconds that this process has worked: what else the machine does is not in it, so that a bound on it says something about the code alone. */
export function processorTime(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1_000;
}

/**
 * Milliseconds of processor time after which a pass over hostile input counts as hanging. Each such pass takes less than 1,500 on a quiet machine. What grows with the square of
 * the input takes minutes. A shared processor can be several times slower.
 */
export const hangMs = 10_000;
