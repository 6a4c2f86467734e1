import { singleLine } from '../../base/singleLine.ts';

/** The mark `staleWrites` of the record (under `x`): writing calls that passed while the server ran other code than was installed. No arguments. */
export interface StaleWriteSummary {
  readonly calls: number;
  /** Times of the first and the newest, RFC 3339; for display. */
  readonly from: string;
  readonly to: string;
  /** The tools of the first 16 names, in the order of their first calls. */
  readonly tools: readonly { readonly name: string; readonly calls: number }[];
}

const mostTools = 16;
const longestName = 64;
/** Least time between two reports, ms. */
const pauseMs = 1_000;

/** Counts writing calls to stale code, and reports them, at most once a second: each report writes a file. */
export class StaleWrites {
  readonly #report: (summary: StaleWriteSummary) => void;
  readonly #tools = new Map<string, number>();
  #summary: Omit<StaleWriteSummary, 'tools'> | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(report: (summary: StaleWriteSummary) => void) {
    this.#report = report;
  }

  /** @param epoch ms of the wall clock */
  note(tool: string, epoch: number = Date.now()): void {
    const name = singleLine(tool, longestName);
    const known = this.#tools.get(name);
    if (known !== undefined || this.#tools.size < mostTools) {
      this.#tools.set(name, (known ?? 0) + 1);
    }
    const to = new Date(epoch).toISOString();
    this.#summary = { calls: (this.#summary?.calls ?? 0) + 1, from: this.#summary?.from ?? to, to };
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      if (this.summary) {
        this.#report(this.summary);
      }
    }, pauseMs).unref();
  }

  /** Undefined: none passed. */
  get summary(): StaleWriteSummary | undefined {
    return this.#summary && { ...this.#summary, tools: [...this.#tools].map(([name, calls]) => ({ name, calls })) };
  }
}
