import type { RefusalCount } from '../message/refusedCalls.ts';
import type { CallGate } from './callGate.ts';
import type { InputRequests } from './inputRequests.ts';
import type { MessageWriter } from './messageWriter.ts';
import type { SessionMemory } from './sessionMemory.ts';

/** What both directions of one client's traffic share. */
export interface RelayContext {
  readonly memory: SessionMemory;
  readonly client: MessageWriter;
  readonly gate: CallGate | undefined;
  readonly inputRequests: InputRequests;
  /** Counts what is not passed on. */
  readonly refusals: RefusalCount;
  /** Hears who the client says it is. */
  readonly onClientInfo: ((client: { readonly name: string; readonly version: string | undefined }) => void) | undefined;
  /** Hears of the first answer of each server, before the gate does. */
  readonly onFirstAnswer: (() => void) | undefined;
  /** Sends everything that was added, to the client and to the servers. */
  flush(): void;
}
