import { asRecord } from '../../base/json.ts';
import type { ToolAnswer } from './ownAnswers.ts';

/** The mark `refused` of the record (under `x`). */
export interface RefusedCalls {
  readonly calls: number;
  /** Why the newest of them was refused, as the caller was told. */
  readonly last: string;
  /** Time of the newest refusal, RFC 3339; for display. */
  readonly at: string;
}

/** Counts the requests that the guard answers itself. The record shows the count, because few people read the log of a client that repeats a refused call. */
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

/** The text of a refusal as the caller reads it. */
export function answerText(answer: ToolAnswer): string {
  const { result, error } = answer as { readonly result?: unknown; readonly error?: unknown };
  const [first] = listOf(memberOf(result, 'content'));
  const text = memberOf(first, 'text') ?? memberOf(error, 'message');
  return typeof text === 'string' ? text : 'refused';
}

function memberOf(value: unknown, name: string): unknown {
  return asRecord(value)?.[name];
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}
