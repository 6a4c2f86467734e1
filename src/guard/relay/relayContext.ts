import type { RefusalCount } from '../message/refusedCalls.ts';
import type { CallGate } from './callGate.ts';
import type { InputRounds } from './inputRequests.ts';
import type { Outlet } from './messageWriter.ts';
import type { SessionMemory } from './sessionMemory.ts';

/** What both directions of one client's traffic share. */
export interface Conversation {
  readonly memory: SessionMemory;
  readonly client: Outlet;
  readonly gate: CallGate | undefined;
  readonly rounds: InputRounds;
  /** Counts what is not passed on. */
  readonly refusals: RefusalCount;
  /** Hears who the client says it is. */
  readonly named: ((client: { readonly name: string; readonly version: string | undefined }) => void) | undefined;
  /** Hears of the first answer of each server, before the gate does. */
  readonly answered: (() => void) | undefined;
  /** Sends everything that was added, to the client and to the servers. */
  flush(): void;
}
