import type { ServerResponse } from 'node:http';
import type { HttpSession } from './httpSession.ts';
import type { Exchange } from './sessionExchange.ts';

/** A POST that was not sent to the server yet. */
export interface GatedCall {
  readonly exchange: Exchange;
  readonly session: HttpSession | undefined;
  readonly response: ServerResponse;
}

/** May delay a call, or answer it in place of the server. @returns whether it answered */
export type Gate = (call: GatedCall) => Promise<boolean>;
