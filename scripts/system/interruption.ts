/**
 * Resolves at the first Ctrl-C or other signal to end, and when the parent process is gone: npm passes SIGTERM only to its shell, which ends without signalling
 * this process. The program then ends itself.
 */
export function interruption(): Promise<void> {
  return new Promise((resolve) => {
    for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
      // Stays installed: npm and the terminal may both send the signal, and the second one must not interrupt the clean-up.
      process.on(name, () => resolve());
    }
    const parent = process.ppid;
    setInterval(() => {
      if (process.ppid !== parent) {
        resolve();
      }
    }, 500).unref();
  });
}
