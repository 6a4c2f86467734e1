/**
 * Waits inside the extension host until the answer is something true.
 *
 * @param limit milliseconds
 */
export async function until<T>(what: string, ask: () => T | Promise<T>, limit = 30_000): Promise<NonNullable<Exclude<T, false>>> {
  const end = Date.now() + limit;
  for (;;) {
    const answer = await ask();
    if (answer !== undefined && answer !== null && answer !== false) {
      return answer as NonNullable<Exclude<T, false>>;
    }
    if (Date.now() > end) {
      throw new Error(`Waited ${limit} ms in vain for ${what}.`);
    }
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}
