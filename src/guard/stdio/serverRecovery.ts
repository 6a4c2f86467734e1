import { reasonOf } from '../../base/errors.ts';
import { say } from '../message/ownAnswers.ts';
import type { RestartLimit } from '../process/restartLimit.ts';
import type { ServerLink } from '../relay/serverLink.ts';

/** Longest pause between two tries, ms. */
const maxPauseMs = 30_000;
const firstPauseMs = 500;

export interface RecoveryOptions {
  /** For messages. */
  readonly name: string;
  readonly limit: RestartLimit;
  /** The session ends: nobody needs a server any more. */
  readonly ending: AbortSignal;
  /** Starts a server and brings it to where the session is. @throws with the reason */
  bringUp(): Promise<ServerLink>;
  /** There is none for now. @param text for whoever asks meanwhile @param reason why */
  missing(text: string, reason: string): void;
  back(link: ServerLink): void;
}

/** Brings a server back that crashed, or that could not be replaced: again and again, less and less often, for as long as the session lasts. */
export class ServerRecovery {
  readonly #options: RecoveryOptions;
  #wake: (() => void) | undefined;
  #asking: ((outcome: ServerLink | string) => void)[] = [];
  #isRunning = false;

  constructor(options: RecoveryOptions) {
    this.#options = options;
  }

  get isRunning(): boolean {
    return this.#isRunning;
  }

  /** Tries at once what would be tried after a pause. @returns the server that came of it, or why there is none; call it while it runs */
  hurry(): Promise<ServerLink | string> {
    this.#wake?.();
    return new Promise((resolve) => this.#asking.push(resolve));
  }

  #tell(outcome: ServerLink | string): void {
    const asking = this.#asking;
    this.#asking = [];
    for (const tell of asking) {
      tell(outcome);
    }
  }

  /**
   * Does nothing while it runs already. Never rejects.
   * @param tries that failed before: after none the next one is made while calls wait, after one they are answered first
   */
  async run(why: string, tries = 0): Promise<void> {
    if (this.#isRunning) {
      return;
    }
    this.#isRunning = true;
    const { name, limit, ending, bringUp, missing, back } = this.#options;
    let reason = why;
    for (let failures = tries; !ending.aborted; failures += 1) {
      const now = performance.now();
      const pause = Math.max(limit.pauseMs(now), failures === 0 ? 0 : Math.min(firstPauseMs * 2 ** (failures - 1), maxPauseMs));
      if (failures > 0 || limit.isStorm(now)) {
        missing(this.#text(reason, limit.isStorm(now), pause), reason);
      }
      await this.#sleep(pause);
      if (ending.aborted) {
        break;
      }
      limit.note(performance.now());
      try {
        const link = await bringUp();
        this.#isRunning = false;
        back(link);
        this.#tell(link);
        return;
      } catch (error) {
        reason = reasonOf(error);
        say(`${name} could not be restarted: ${reason}`);
        this.#tell(reason);
      }
    }
    this.#isRunning = false;
    this.#tell(reason);
  }

  #text(reason: string, storm: boolean, pauseMs: number): string {
    const again = `It is tried again in ${Math.max(1, Math.ceil(pauseMs / 1_000))} s`;
    const why = storm ? `It ended too often within a minute (last: ${reason})` : reason;
    return `${this.#options.name} does not run: ${why}. ${again}. Nothing was carried out; what the server itself says stands in the client’s log.`;
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
