import type { Envelope } from '../message/envelope.ts';
import type { ToolAnswer } from '../message/ownAnswers.ts';
import type { RefusalCount } from '../message/refusedCalls.ts';
import type { ServerProcess } from '../process/serverProcess.ts';
import type { InputRequests } from './inputRequests.ts';
import type { MessageWriter } from './messageWriter.ts';
import type { SessionMemory } from './sessionMemory.ts';

/** A call of a tool on its way to the server. */
export interface ToolCall {
  readonly tool: string;
  /** A notification is a call without an id: it cannot be answered. */
  readonly envelope: Envelope & { readonly kind: 'request' | 'notification' };
}

/** Decides on calls before the server gets them. The relay reports to it what the decision needs. */
export interface CallGate {
  /**
   * Decides on one call. While a promise is open the call waits, and other messages continue.
   * @param final the call cannot wait (it is part of a batch)
   */
  admit(call: ToolCall, final: boolean): Verdict | Promise<Verdict>;
  /** The first answer of a server came. It has not been forwarded yet. */
  answered(server: ServerProcess): void;
  /** New requests go to this server from now on. */
  serves(server: ServerProcess): void;
  /** A result of `tools/list` came. @param whole it is the whole list and not a page */
  listed(result: unknown, whole: boolean): void;
  /** The server sent `notifications/tools/list_changed`. */
  toolsChanged(): void;
  /** Each call passes. */
  readonly isOff: boolean;
  /** It may change results of tools. */
  readonly amends: boolean;
  /** Called before a result of a tool goes to the client. @returns the line to send */
  amend(line: Buffer, envelope: Envelope & { readonly kind: 'response' }): Buffer;
}

/** Pass the call on, or send this answer instead. */
export type Verdict = 'pass' | { readonly answer: ToolAnswer };

/** The state that both directions of a session share. */
export interface RelayContext {
  readonly memory: SessionMemory;
  readonly client: MessageWriter;
  readonly gate: CallGate | undefined;
  readonly inputRequests: InputRequests;
  /** Counts requests that the guard answers itself. */
  readonly refusals: RefusalCount;
  /** Writes a line of the guard's log. */
  readonly say: (text: string) => void;
  /** Called with the name that the client states in its handshake. */
  readonly onClientInfo: ((client: { readonly name: string; readonly version: string | undefined }) => void) | undefined;
  /** Called at the first answer of each server, before the gate is. */
  readonly onFirstAnswer: (() => void) | undefined;
  /** Sends all added messages, to the client and to the servers. */
  flush(): void;
}
