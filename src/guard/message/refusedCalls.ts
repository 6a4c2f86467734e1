import type { ToolAnswer } from './ownAnswers.ts';

/** As it stands in the record, under `x.refused`. */
export interface RefusedCalls {
  readonly calls: number;
  /** Why the newest of them was refused, as its caller was told. */
  readonly last: string;
  /** When that was, RFC 3339; for showing. */
  readonly at: string;
}

/** The requests that this guard answered itself instead of passing them on: a client may repeat a refused call for hours, and nobody reads its log. */
export class RefusalCount {
  #summary: RefusedCalls | undefined;

  /** @param reason what the caller is told @param epoch ms of the wall clock */
  note(reason: string, epoch: number = Date.now()): void {
    this.#summary = { calls: (this.#summary?.calls ?? 0) + 1, last: reason, at: new Date(epoch).toISOString() };
  }

  /** Undefined: none was refused. */
  get summary(): RefusedCalls | undefined {
    return this.#summary;
  }
}

/** What the caller reads of such an answer. */
export function answerText(answer: ToolAnswer): string {
  const { result, error } = answer as { readonly result?: unknown; readonly error?: unknown };
  const [first] = listOf(memberOf(result, 'content'));
  const text = memberOf(first, 'text') ?? memberOf(error, 'message');
  return typeof text === 'string' ? text : 'refused';
}

function memberOf(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined;
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}
