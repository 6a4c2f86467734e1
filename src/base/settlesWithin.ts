/** The part of `AbortSignal` that is used here; a real `AbortSignal` fits too. */
export interface AbortLike {
  readonly aborted: boolean;
  addEventListener(type: 'abort', listener: () => void, options?: { readonly once?: boolean }): void;
  removeEventListener(type: 'abort', listener: () => void): void;
}

/** Waits until the promise settles, the time limit passes or the signal aborts. @returns whether the promise settled */
export function settlesWithin(what: Promise<unknown>, limitMs: number, signal?: AbortLike): Promise<boolean> {
  if (limitMs <= 0 || signal?.aborted) {
    return Promise.resolve(false);
  }
  return new Promise((resolve) => {
    const finish = (came: boolean): void => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', stop);
      resolve(came);
    };
    const stop = (): void => finish(false);
    const timer = setTimeout(stop, limitMs);
    signal?.addEventListener('abort', stop, { once: true });
    void what.then(
      () => finish(true),
      () => finish(false),
    );
  });
}
