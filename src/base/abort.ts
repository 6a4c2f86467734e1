/** The part of `AbortSignal` that is used here; a real `AbortSignal` fits too. */
export interface AbortLike {
  readonly aborted: boolean;
  addEventListener(type: 'abort', listener: () => void, options?: { readonly once?: boolean }): void;
  removeEventListener(type: 'abort', listener: () => void): void;
}

/** Calls its listeners once, when a client has closed its connection. Made for each request, where an `AbortController` costs as much as reading the message. */
export class ClientAbort implements AbortLike {
  #aborted = false;
  readonly #listeners = new Set<() => void>();

  get aborted(): boolean {
    return this.#aborted;
  }

  addEventListener(_type: 'abort', listener: () => void): void {
    this.#listeners.add(listener);
  }

  removeEventListener(_type: 'abort', listener: () => void): void {
    this.#listeners.delete(listener);
  }

  tell(): void {
    if (!this.#aborted) {
      this.#aborted = true;
      for (const listener of [...this.#listeners]) {
        listener();
      }
      this.#listeners.clear();
    }
  }
}
