import { singleLine } from '../../base/singleLine.ts';
import type { LazyStart } from '../../model/snapshot.ts';
import type { KeptAnswers } from './answerFile.ts';

/** When and why the server of a session was started or put to sleep, for its record. */
export class StartState {
  wasAnswered = false;
  wasStarted = false;
  /** What needed the server, or why it was started with the session. */
  why: string | undefined;
  /** What keeps an idle server awake. */
  awake: string | undefined;
  #asleepSince: string | undefined;

  get isAsleep(): boolean {
    return this.#asleepSince !== undefined;
  }

  /** @param since RFC 3339 */
  sleep(since: string): void {
    this.#asleepSince = since;
  }

  /** The server is being started. @returns call it when that failed */
  wake(): () => void {
    const since = this.#asleepSince;
    this.#asleepSince = undefined;
    if (since !== undefined) {
      this.wasAnswered = true;
      this.why = `it was asleep since ${since}`;
    }
    return () => {
      this.#asleepSince = since;
      this.wasStarted = since !== undefined;
    };
  }

  /** The mark `start` of the record. */
  mark({ spared, memoryBytes }: Pick<KeptAnswers, 'spared' | 'memoryBytes'>, redact: (text: string) => string): LazyStart {
    const since = this.#asleepSince;
    const state = !this.wasStarted ? 'not-started' : this.wasAnswered ? 'on-demand' : 'at-once';
    const why = this.why === undefined ? {} : { why: singleLine(redact(this.why), 600) };
    return {
      ...(since === undefined ? { state, ...why } : { state: 'asleep', since }),
      ...(this.awake === undefined ? {} : { awake: this.awake }),
      spared,
      ...(memoryBytes === undefined ? {} : { memoryBytes }),
    };
  }
}
