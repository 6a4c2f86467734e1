import type { AbortLike } from '../../../base/abort.ts';
import { isRecord } from '../../../base/json.ts';
import { type RequestBody, readShortAnswer } from '../transport/bodies.ts';
import { type ClientMessage, isOnlyForTheOldServer } from '../transport/clientMessage.ts';
import type { RawHeaders } from '../transport/headers.ts';
import { ownRequest } from '../transport/ownRequest.ts';
import type { Upstream, UpstreamOutcome, UpstreamRequest } from '../transport/upstream.ts';
import type { Fault } from './faults.ts';
import type { HttpSession } from './httpSession.ts';
import { changedLists } from './listReader.ts';
import type { Recovery } from './sessionRecovery.ts';
import type { SessionTable } from './sessionTable.ts';

/** Longer bodies are no refusals; they go on as they are. */
export const maxRefusalBytes = 65_536;

/**
 * Texts with which servers refuse a session id with 400 (research/seeds-upstream.md, section 4): Python SDK up to 1.25 and the published TypeScript example
 * "No valid session ID provided", a fresh TypeScript transport "Server not initialized", and what wrappers made of them.
 */
const refusalTexts =
  /no valid session id|server not initialized|session (?:id )?(?:was |is |has )?(?:not found|expired|terminated|closed|unknown|invalid)|(?:invalid|unknown|expired)(?: or expired)? session/i;

/** Codes of JSON-RPC that a server sends with 404 or 400 although the session is fine: parse error, no such method, bad parameters. */
const otherCodes = new Set([-32_700, -32_601, -32_602]);

/**
 * Whether an answer says that the server does not know the session that the request named: then it did not execute the request.
 * Only to be asked when the request carried a session id.
 */
export function isSessionRefusal(status: number, body: string): boolean {
  if (status !== 404 && status !== 400) {
    return false;
  }
  const error = errorOf(body);
  if (error?.code !== undefined && otherCodes.has(error.code)) {
    return false;
  }
  // 404 has no other meaning for a request of a session (2025-03-26 … 2025-11-25, basic/transports).
  return status === 404 || refusalTexts.test(error?.message ?? body.slice(0, 4_096));
}

function errorOf(body: string): { readonly code?: number; readonly message?: string } | undefined {
  try {
    const value: unknown = JSON.parse(body);
    const error = isRecord(value) ? value.error : undefined;
    if (isRecord(error)) {
      return {
        ...(typeof error.code === 'number' ? { code: error.code } : {}),
        ...(typeof error.message === 'string' ? { message: error.message } : {}),
      };
    }
    return undefined;
  } catch {
    return undefined;
  }
}

/** One request of a client, ready to be sent. */
export interface Exchange {
  readonly method: string;
  readonly path: string;
  /** End to end, without the session id. */
  readonly headers: RawHeaders;
  readonly protocolVersion: string | undefined;
  readonly body?: RequestBody;
  readonly message: ClientMessage | undefined;
  readonly signal: AbortLike;
  /** A stream that only listens. */
  readonly listening: boolean;
  readonly waitMs?: number;
}

/** An answer that was read as a whole. */
export interface WholeAnswer {
  readonly status: number;
  readonly rawHeaders: readonly string[];
  readonly body: Buffer;
}

export type ExchangeOutcome =
  | Extract<UpstreamOutcome, { status: 'answer' }>
  | { readonly status: 'whole'; readonly answer: WholeAnswer; readonly refused: boolean }
  | { readonly status: 'fault'; readonly fault: Fault }
  /** Meant for a server process that is gone; the present one must not get it. */
  | { readonly status: 'outdated' }
  | { readonly status: 'aborted' };

/** A server that is replaced again while a session is set up refuses it a second time: that is another server. */
const maxAttempts = 5;
/** How long a session that was refused right after its recovery is left alone. */
const futileMs = 30_000;
/** A server that is away again is not waited for to compare lists. */
const listWaitMs = 1_000;

/** Sends the requests of sessions, and sets a session up again when the server refuses it. */
export class SessionExchange {
  readonly #upstream: Upstream;
  readonly #sessions: SessionTable;
  readonly #recovery: Recovery;
  readonly #server: string;

  /** @param server as messages name it */
  constructor(upstream: Upstream, sessions: SessionTable, recovery: Recovery, server: string) {
    this.#upstream = upstream;
    this.#sessions = sessions;
    this.#recovery = recovery;
    this.#server = server;
  }

  /** Without a session: sent once, whatever it is. */
  async sendPlain(exchange: Exchange): Promise<ExchangeOutcome> {
    return this.#faulty(await this.#upstream.send(requestOf(exchange, undefined), optionsOf(exchange)));
  }

  /**
   * In a session. A request that the server refuses because of the session was not executed: it is sent a second time after the recovery, and its second refusal
   * is the client's, unless the server was replaced again meanwhile.
   * @param recoverable false = the refusal is the client's at once
   */
  async send(exchange: Exchange, session: HttpSession, recoverable: boolean): Promise<ExchangeOutcome> {
    if (exchange.body?.rest && recoverable) {
      // What is too large to be kept can be sent once only: the session is tried with something smaller before.
      const tried = await this.#try(exchange, session);
      if (tried) {
        return tried;
      }
    }
    let current = exchange;
    let disturbances = -1;
    for (let attempt = 1; ; attempt += 1) {
      await session.recovery;
      const { generation } = session;
      let refused: WholeAnswer | undefined;
      if (!session.lost) {
        const outcome = await this.#refusal(
          this.#faulty(await this.#upstream.send(requestOf(current, session.upstreamId), optionsOf(exchange))),
        );
        if (outcome.status !== 'whole' || !outcome.refused || session.upstreamId === undefined) {
          return outcome;
        }
        refused = outcome.answer;
        const replaced = this.#upstream.disturbances !== disturbances && attempt < maxAttempts;
        if (attempt > 1 && !replaced) {
          // A server that knows no session for longer than a moment would be given a new one with every request.
          session.futileUntil = performance.now() + futileMs;
        }
        if (!recoverable || (attempt > 1 && !replaced) || exchange.body?.rest || performance.now() < session.futileUntil) {
          return outcome;
        }
      }
      ({ disturbances } = this.#upstream);
      const failure = await this.#recover(exchange, session, generation, refused);
      if (failure) {
        return failure;
      }
      if (exchange.message && isOnlyForTheOldServer(exchange.message)) {
        return { status: 'outdated' };
      }
      // An event of the server that is gone means nothing to this one, or something else.
      current = { ...exchange, headers: exchange.headers.filter(([name]) => name.toLowerCase() !== 'last-event-id') };
    }
  }

  async #recover(
    exchange: Exchange,
    session: HttpSession,
    generation: number,
    refused: WholeAnswer | undefined,
  ): Promise<ExchangeOutcome | undefined> {
    if (session.ended) {
      // Its client ended it while this request waited for the server.
      return { status: 'fault', fault: { kind: 'session-ended' } };
    }
    const result = await this.#recovery.recover(session, generation, exchange.headers, exchange.protocolVersion);
    switch (result.kind) {
      case 'recovered':
        return undefined;
      case 'denied':
        return { status: 'whole', answer: result.answer, refused: false };
      case 'version-changed':
        return { status: 'fault', fault: { ...result, server: this.#server } };
      case 'failed':
        return refused
          ? { status: 'whole', answer: refused, refused: true }
          : { status: 'fault', fault: { kind: 'unreachable', server: this.#server, waitedMs: 0, reason: result.reason } };
    }
  }

  /** Which lists of the session's client are others by now, as methods of notifications; asked for with the credential of its request. */
  changedLists({ headers }: Exchange, session: HttpSession): Promise<string[]> {
    const { upstreamId, setup } = session;
    return changedLists(session, async (method) => {
      const answer = await ownRequest(
        this.#upstream,
        {
          path: setup.path,
          method,
          params: {},
          asks: true,
          headers,
          ...(upstreamId === undefined ? {} : { sessionId: upstreamId }),
          ...(setup.protocolVersion === undefined ? {} : { protocolVersion: setup.protocolVersion }),
        },
        listWaitMs,
      );
      return 'failed' in answer ? undefined : answer.result;
    });
  }

  async #try(exchange: Exchange, session: HttpSession): Promise<ExchangeOutcome | undefined> {
    await session.recovery;
    const { generation, upstreamId, setup } = session;
    const { headers, protocolVersion } = exchange;
    const answer = await ownRequest(this.#upstream, {
      path: setup.path,
      method: 'ping',
      asks: true,
      headers,
      ...(upstreamId === undefined ? {} : { sessionId: upstreamId }),
      ...(protocolVersion === undefined ? {} : { protocolVersion }),
    });
    const refused = 'failed' in answer ? session.lost : session.lost || isSessionRefusal(answer.status, answer.body.toString('utf8'));
    return refused ? this.#recover(exchange, session, generation, 'failed' in answer ? undefined : answer) : undefined;
  }

  #faulty(outcome: UpstreamOutcome): ExchangeOutcome {
    switch (outcome.status) {
      case 'answer':
      case 'aborted':
        return outcome;
      case 'unreachable':
        return {
          status: 'fault',
          fault: { kind: 'unreachable', server: this.#server, waitedMs: outcome.waitedMs, reason: outcome.reason },
        };
      case 'cut':
        return { status: 'fault', fault: { kind: 'cut', server: this.#server, reason: outcome.reason } };
    }
  }

  /** Reads an answer that may be a refusal. */
  async #refusal(outcome: ExchangeOutcome): Promise<ExchangeOutcome> {
    if (outcome.status !== 'answer' || (outcome.response.statusCode !== 404 && outcome.response.statusCode !== 400)) {
      return outcome;
    }
    const { response, lease } = outcome;
    const body = await readShortAnswer(response, maxRefusalBytes);
    if (!body) {
      return outcome;
    }
    lease.end();
    const status = response.statusCode ?? 0;
    return {
      status: 'whole',
      answer: { status, rawHeaders: response.rawHeaders, body },
      refused: isSessionRefusal(status, body.toString('utf8')),
    };
  }

  /** After an answer that the server gave to somebody in a session. */
  accepted(session: HttpSession, status: number, credential: string): void {
    if (status === 401 && session.credential === credential) {
      session.renewing = true;
    } else if (status < 400 && session.credential !== credential) {
      session.credential = credential;
      session.renewing = false;
      this.#sessions.keep(session);
    }
  }
}

function requestOf(exchange: Exchange, sessionId: string | undefined): UpstreamRequest {
  const { method, path, headers, body, signal } = exchange;
  return {
    method,
    path,
    headers: sessionId === undefined ? headers : [...headers, ['Mcp-Session-Id', sessionId]],
    ...(body ? { body } : {}),
    signal,
  };
}

function optionsOf({ listening, waitMs }: Exchange): { readonly listening: boolean; readonly waitMs?: number } {
  return { listening, ...(waitMs === undefined ? {} : { waitMs }) };
}
