/**
 * Resolves at the first Ctrl-C or other request to end, or when the process that started us is gone: npm passes SIGTERM to
 * its shell only, which dies of it without a word to us. The program ends itself then.
 */
export function interruption(): Promise<void> {
  return new Promise((resolve) => {
    for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
      // Stays installed: npm and the terminal may both pass the same signal on, and the second must not cut the clean-up short.
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
