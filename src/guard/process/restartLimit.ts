/** Automatic restarts within `stormMs` after which the guard pauses. */
export const stormLimit = 5;
/** ms. */
export const stormMs = 60_000;
const firstPauseMs = 100;
const maxPauseMs = 30_000;

/** Limits automatic restarts. Times are ms of the monotonic clock. */
export class RestartLimit {
  readonly #at: number[] = [];

  /** How long the next restart has to wait, ms: 0 for the first, then longer each time, and at the limit until the oldest is a minute old. */
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

  /** The limit is reached. */
  isStorm(now: number): boolean {
    return this.#at.filter((at) => now - at < stormMs).length >= stormLimit;
  }

  /** Counts a restart. */
  note(now: number): void {
    this.#at.push(now);
  }
}
