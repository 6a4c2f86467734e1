import { reasonOf } from '../../base/errors.ts';
import type { RestartLimit } from '../process/restartLimit.ts';
import type { ServerLink } from '../relay/serverLink.ts';

/** Longest pause between two attempts, ms. */
const maxPauseMs = 30_000;
const firstPauseMs = 500;

interface RecoveryOptions {
  /** For messages. */
  readonly name: string;
  readonly limit: RestartLimit;
  /** Writes a line of the log. */
  say(text: string): void;
  /** Aborted when the session ends. */
  readonly ending: AbortSignal;
  /** Starts a server and brings it to the state of the session. @throws with the reason */
  bringUp(): Promise<ServerLink>;
  /** There is no server for now. @param text answer to requests until there is one @param reason why */
  unavailable(text: string, reason: string): void;
  /** A server serves again. */
  recovered(link: ServerLink): void;
}

/** Starts a server again that crashed or could not be replaced. It tries for as long as the session lasts, with growing pauses. */
export class ServerRecovery {
  readonly #options: RecoveryOptions;
  #wake: (() => void) | undefined;
  #waiting: ((outcome: ServerLink | string) => void)[] = [];
  #isRunning = false;

  constructor(options: RecoveryOptions) {
    this.#options = options;
  }

  get isRunning(): boolean {
    return this.#isRunning;
  }

  /** Skips the pause before the next attempt; only while `isRunning`. @returns the new server, or why there is none */
  tryNow(): Promise<ServerLink | string> {
    this.#wake?.();
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  #tell(outcome: ServerLink | string): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const resolve of waiting) {
      resolve(outcome);
    }
  }

  /**
   * Starts a server. Does nothing while it runs already. Never rejects.
   * @param failed attempts that failed before: with none, calls are held during the first attempt, otherwise they are answered with the reason
   */
  async run(why: string, failed = 0): Promise<void> {
    if (this.#isRunning) {
      return;
    }
    this.#isRunning = true;
    const { name, limit, ending, bringUp, unavailable, recovered } = this.#options;
    let reason = why;
    for (let failures = failed; !ending.aborted; failures += 1) {
      const now = performance.now();
      const pause = Math.max(limit.pauseMs(now), failures === 0 ? 0 : Math.min(firstPauseMs * 2 ** (failures - 1), maxPauseMs));
      if (failures > 0 || limit.isStorm(now)) {
        unavailable(this.#text(reason, limit.isStorm(now), pause), reason);
      }
      await this.#sleep(pause);
      if (ending.aborted) {
        break;
      }
      limit.note(performance.now());
      try {
        const link = await bringUp();
        this.#isRunning = false;
        recovered(link);
        this.#tell(link);
        return;
      } catch (error) {
        reason = reasonOf(error);
        this.#options.say(`${name} could not be restarted: ${reason}`);
        this.#tell(reason);
      }
    }
    this.#isRunning = false;
    this.#tell(reason);
  }

  #text(reason: string, storm: boolean, pauseMs: number): string {
    const again = `The next attempt is in ${Math.max(1, Math.ceil(pauseMs / 1_000))} s`;
    const why = storm ? `It ended too often within a minute (last: ${reason})` : reason;
    return `${this.#options.name} does not run: ${why}. ${again}. Nothing was carried out; the client’s log has the server’s own messages.`;
  }

  #sleep(ms: number): Promise<void> {
    const { ending } = this.#options;
    return new Promise((resolve) => {
      const done = (): void => {
        clearTimeout(timer);
        this.#wake = undefined;
        ending.removeEventListener('abort', done);
        resolve();
      };
      const timer = setTimeout(done, ms);
      this.#wake = done;
      ending.addEventListener('abort', done);
    });
  }
}
