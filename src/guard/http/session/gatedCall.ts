import type { ServerResponse } from 'node:http';
import type { HttpSession } from './httpSession.ts';
import type { Exchange } from './sessionExchange.ts';

/** A POST before it goes to the server. */
export interface GatedCall {
  readonly exchange: Exchange;
  readonly session: HttpSession | undefined;
  readonly response: ServerResponse;
}

/** May answer a call in place of the server, or let it wait. @returns whether it answered */
export type Gate = (call: GatedCall) => Promise<boolean>;
