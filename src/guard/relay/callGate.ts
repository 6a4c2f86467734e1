import type { Envelope } from '../message/envelope.ts';
import type { ToolAnswer } from '../message/ownAnswers.ts';
import type { ServerProcess } from '../process/serverProcess.ts';

/** A call of a tool on its way to the server. */
export interface ToolCall {
  readonly tool: string;
  /** A notification is a call that nobody can answer: it names no request. */
  readonly envelope: Envelope & { readonly kind: 'request' | 'notification' };
}

/** Decides about calls before the server sees them, and hears what it needs for that. */
export interface CallGate {
  /**
   * To the server, or an answer instead. A promise: the call waits for it, and everything else goes on.
   * @param final the call cannot wait (it is one of a batch)
   */
  admit(call: ToolCall, final: boolean): Verdict | Promise<Verdict>;
  /** The first answer of a server came; it has not been passed on yet. */
  answered(server: ServerProcess): void;
  /** From now on this server is the one that serves. */
  serves(server: ServerProcess): void;
  /** A result of `tools/list` came. @param whole it is the whole list and not a page of it */
  listed(result: unknown, whole: boolean): void;
  /** The server says that its tools changed. */
  toolsChanged(): void;
  /** It may change a result of a tool. */
  readonly amends: boolean;
  /** A result of a tool is about to go to the client. @returns what goes instead */
  amend(line: Buffer, envelope: Envelope & { readonly kind: 'response' }): Buffer;
}

export type Verdict = 'pass' | { readonly answer: ToolAnswer };
