/** Milliseconds that this process has worked: what else the machine does is not in it, so that a bound on it says something about the code alone. */
export function processorTime(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1_000;
}
