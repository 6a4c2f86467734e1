/** Runs tasks that share a key one after the other, and others side by side. */
export class KeyedQueue {
  readonly #tails = new Map<string, Promise<unknown>>();

  /** Runs the task when every earlier task with one of these keys has ended, well or badly. */
  run<T>(keys: readonly string[], task: () => Promise<T>): Promise<T> {
    const before = keys.map((key) => this.#tails.get(key));
    const result = Promise.allSettled(before).then(task);
    const tail = result
      .catch(() => undefined)
      .then(() => {
        for (const key of keys) {
          if (this.#tails.get(key) === tail) {
            this.#tails.delete(key);
          }
        }
      });
    for (const key of keys) {
      this.#tails.set(key, tail);
    }
    return result;
  }
}
