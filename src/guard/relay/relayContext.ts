import type { RefusalCount } from '../message/refusedCalls.ts';
import type { CallGate } from './callGate.ts';
import type { InputRequests } from './inputRequests.ts';
import type { MessageWriter } from './messageWriter.ts';
import type { SessionMemory } from './sessionMemory.ts';

/** What both directions of a session share. */
export interface RelayContext {
  readonly memory: SessionMemory;
  readonly client: MessageWriter;
  readonly gate: CallGate | undefined;
  readonly inputRequests: InputRequests;
  /** Counts requests that the guard answers itself. */
  readonly refusals: RefusalCount;
  /** Called with the name that the client states in its handshake. */
  readonly onClientInfo: ((client: { readonly name: string; readonly version: string | undefined }) => void) | undefined;
  /** Called at the first answer of each server, before the gate is. */
  readonly onFirstAnswer: (() => void) | undefined;
  /** Sends all added messages, to the client and to the servers. */
  flush(): void;
}
