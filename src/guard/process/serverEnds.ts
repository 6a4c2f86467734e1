import { passErrors } from '../message/ownAnswers.ts';
import { ownRedactor } from '../publish/guardRecord.ts';
import { ErrorTail } from './errorTail.ts';
import type { GuardPlace } from './guardPlace.ts';
import type { Ended, MessageSource } from './serverProcess.ts';

/** Ends that are kept, and of the last one: lines of standard error, and characters of each. */
const [maxEnds, maxLines, maxLine] = [10, 5, 200];
/** For so long the rest of standard error is waited for, ms. */
const errorsMs = 200;

/**
 * Remembers when the session's servers ended although the guard did not end them. Loaded at the first such end, so that a server that never ends keeps the guard's
 * standard error: only what is started after such an end writes through the guard.
 */
export class ServerEnds {
  readonly #redactor: ReturnType<typeof ownRedactor>;
  readonly #mark: (value: unknown) => void;
  readonly #place: Pick<GuardPlace, 'env' | 'passErrors'>;
  #last: readonly object[] = [];
  #tail: ErrorTail | undefined;

  /** @param started what the guard starts @param mark sets the mark `ends` of the record */
  constructor(
    started: Parameters<typeof ownRedactor>[0],
    mark: (value: unknown) => void,
    place: Pick<GuardPlace, 'env' | 'passErrors'> = { env: process.env, passErrors },
  ) {
    this.#redactor = ownRedactor(started, place.env);
    this.#place = place;
    this.#mark = mark;
  }

  /** Takes the standard error of the next server. */
  readonly errors = (output: MessageSource | null): void => {
    this.#tail = new ErrorTail((bytes) => this.#place.passErrors(bytes));
    this.#tail.read(output);
  };

  /** A server ended by itself. @param now epoch ms */
  async note({ code, signal }: Ended, now: number): Promise<void> {
    const tail = this.#tail;
    this.#tail = undefined;
    const end = { at: new Date(now).toISOString(), ...(code === null ? {} : { code }), ...(signal === null ? {} : { signal }) };
    this.#last = [...this.#last, end].slice(-maxEnds);
    await tail?.ended(errorsMs);
    const errors = tail?.lines((text) => this.#redactor.text(text), maxLines, maxLine) ?? [];
    this.#mark({ last: this.#last, errors });
  }
}
