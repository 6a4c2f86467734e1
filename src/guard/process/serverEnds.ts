import { ownRedactor } from '../publish/guardRecord.ts';
import { lastLines } from './errorTail.ts';
import type { Ended } from './serverProcess.ts';

/** Ends that are kept, and of the last one: lines of standard error. */
const [maxEnds, maxLines] = [10, 5];

/** Remembers when the session's servers ended although the guard did not end them. Loaded at the first such end. */
export class ServerEnds {
  readonly #redactor: ReturnType<typeof ownRedactor>;
  readonly #mark: (value: unknown) => void;
  #last: readonly object[] = [];

  /** @param started what the guard starts @param mark sets the mark `ends` of the record */
  constructor(started: Parameters<typeof ownRedactor>[0], mark: (value: unknown) => void, env: Readonly<NodeJS.ProcessEnv> = process.env) {
    this.#redactor = ownRedactor(started, env);
    this.#mark = mark;
  }

  /** A server ended by itself. @param now epoch ms @param tail whole lines, the last ones that it wrote to standard error */
  note({ code, signal }: Ended, now: number, tail: string): void {
    const end = { at: new Date(now).toISOString(), ...(code === null ? {} : { code }), ...(signal === null ? {} : { signal }) };
    this.#last = [...this.#last, end].slice(-maxEnds);
    const errors = lastLines(this.#redactor.text(tail), maxLines);
    this.#mark({ last: this.#last, errors });
  }
}
