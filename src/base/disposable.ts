/** Holds a timer, a watch or a handle until it is disposed. Same shape as `vscode.Disposable`. */
export type Disposable = { dispose(): void };

/** Owns disposables and disposes all of them, the last one first. What is added afterwards is disposed immediately, so nothing can leak. */
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
