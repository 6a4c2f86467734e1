/** Something that holds a timer, a watch or a handle until it is told to let go. Same shape as `vscode.Disposable`. */
export type Disposable = { dispose(): void };

/** Owns disposables and lets them all go at once. What is added after disposal is disposed immediately, so nothing can leak. */
export class DisposableStore implements Disposable {
  readonly #items = new Set<Disposable>();
  #disposed = false;

  get disposed(): boolean {
    return this.#disposed;
  }

  add<T extends Disposable>(item: T): T {
    if (this.#disposed) {
      item.dispose();
    } else {
      this.#items.add(item);
    }
    return item;
  }

  dispose(): void {
    this.#disposed = true;
    const items = [...this.#items].reverse();
    this.#items.clear();
    for (const item of items) {
      item.dispose();
    }
  }
}
