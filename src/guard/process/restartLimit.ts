/** Restarts that nobody asked for: so many in such a time, then a pause. */
export const stormLimit = 5;
export const stormMs = 60_000;
const firstPauseMs = 100;
const maxPauseMs = 30_000;

/** Keeps restarts that nobody asked for from becoming a storm. Times are ms of the monotonic clock. */
export class RestartLimit {
  readonly #at: number[] = [];

  /** How long the next restart has to wait: nothing for the first, then longer each time, and at the limit until the first is a minute old. */
  pauseMs(now: number): number {
    while (this.#at[0] !== undefined && now - this.#at[0] >= stormMs) {
      this.#at.shift();
    }
    const count = this.#at.length;
    if (count >= stormLimit) {
      return (this.#at[count - stormLimit] ?? now) + stormMs - now;
    }
    return count === 0 ? 0 : Math.min(firstPauseMs * 2 ** (count - 1), maxPauseMs);
  }

  isStorm(now: number): boolean {
    return this.#at.filter((at) => now - at < stormMs).length >= stormLimit;
  }

  note(now: number): void {
    this.#at.push(now);
  }
}
