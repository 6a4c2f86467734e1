import { isRecord } from '../../../base/json.ts';
import type { AbortLike } from '../../../base/settlesWithin.ts';
import { type RequestBody, readShortAnswer } from '../transport/bodies.ts';
import { type ClientMessage, isOnlyForTheOldServer } from '../transport/clientMessage.ts';
import type { RawHeaders } from '../transport/headers.ts';
import { ownRequest } from '../transport/ownRequest.ts';
import type { Upstream, UpstreamOutcome, UpstreamRequest } from '../transport/upstream.ts';
import type { Fault } from './faults.ts';
import type { HttpSession } from './httpSession.ts';
import { changedLists } from './listReader.ts';
import type { SessionRecovery } from './sessionRecovery.ts';
import type { SessionTable } from './sessionTable.ts';

/** Longer bodies are not refusals; they pass unchanged, bytes. */
const maxRefusalBytes = 65_536;

/**
 * Texts with which servers refuse a session id with 400: "No valid session ID provided" (Python SDK up to 1.25, example of the TypeScript SDK),
 * "Server not initialized" (a new transport of the TypeScript SDK), and what wrappers of the SDKs make of them.
 */
const refusalTexts =
  /no valid session id|server not initialized|session (?:id )?(?:was |is |has )?(?:not found|expired|terminated|closed|unknown|invalid)|(?:invalid|unknown|expired)(?: or expired)? session/i;

/** JSON-RPC codes with 404 or 400 that do not refuse the session: parse error, unknown method, bad parameters. */
const otherCodes = new Set([-32_700, -32_601, -32_602]);

/**
 * Whether an answer to a request with a session id says that the server does not know the session; the server did not execute the request then.
 */
export function isSessionRefusal(status: number, body: string): boolean {
  if (status !== 404 && status !== 400) {
    return false;
  }
  const error = errorOf(body);
  if (error?.code !== undefined && otherCodes.has(error.code)) {
    return false;
  }
  // 404 has no other meaning for a request in a session (2025-03-26 to 2025-11-25, basic/transports).
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
  /** End-to-end headers, without the session id. */
  readonly headers: RawHeaders;
  readonly protocolVersion: string | undefined;
  readonly body?: RequestBody;
  readonly message: ClientMessage | undefined;
  readonly signal: AbortLike;
  /** The answer is a stream that only listens. */
  readonly listening: boolean;
  readonly waitMs?: number;
}

/** The credential of one request. */
export interface UsedCredential {
  /** `credentialHash` of the request. */
  readonly credential: string;
  /** `isRenewable` of the request. */
  readonly renewable: boolean;
  /** When the request came, ms of the monotonic clock. */
  readonly begun: number;
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
  /** The message was meant for an earlier server process; the present one must not get it. */
  | { readonly status: 'outdated' }
  | { readonly status: 'aborted' };

/** A server that is replaced while a session is set up refuses the request again: each replacement allows one more attempt. */
const maxAttempts = 5;
/** A session that was refused right after its recovery is not set up again for this long, ms. */
const futileMs = 30_000;
/** Longest wait for a server that accepts no connections when the guard only compares lists, ms. */
const listWaitMs = 1_000;

/** Sends the requests of clients, and sets a session up again when the server refuses it. */
export class SessionExchange {
  readonly #upstream: Upstream;
  readonly #sessions: SessionTable;
  readonly #recovery: SessionRecovery;
  readonly #server: string;

  /** @param server its name in messages */
  constructor(upstream: Upstream, sessions: SessionTable, recovery: SessionRecovery, server: string) {
    this.#upstream = upstream;
    this.#sessions = sessions;
    this.#recovery = recovery;
    this.#server = server;
  }

  /** Sends a request without a session, once. */
  async sendPlain(exchange: Exchange): Promise<ExchangeOutcome> {
    return this.#withFault(await this.#upstream.send(requestOf(exchange, undefined), optionsOf(exchange)));
  }

  /**
   * Sends a request in a session. A request that the server refuses because of the session was not executed: after the recovery it is sent again, and a second
   * refusal goes to the client, unless the server was replaced in between.
   * @param recoverable false: the first refusal goes to the client
   */
  async send(exchange: Exchange, session: HttpSession, recoverable: boolean): Promise<ExchangeOutcome> {
    if (exchange.body?.rest && recoverable) {
      // A body that is too large to keep can be sent only once: the session is checked with a ping before.
      const failure = await this.#check(exchange, session);
      if (failure) {
        return failure;
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
          this.#withFault(await this.#upstream.send(requestOf(current, session.upstreamId), optionsOf(exchange))),
        );
        if (outcome.status !== 'whole' || !outcome.refused || session.upstreamId === undefined) {
          return outcome;
        }
        refused = outcome.answer;
        const replaced = this.#upstream.disturbances !== disturbances && attempt < maxAttempts;
        if (attempt > 1 && !replaced) {
          // Otherwise a server that keeps no session would get a new one with every request.
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
      // The new server does not know event ids of the earlier one.
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
      // The client ended it while this request waited.
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
      case 'too-large':
        return { status: 'fault', fault: { kind: 'session-too-large' } };
      case 'failed':
        return refused
          ? { status: 'whole', answer: refused, refused: true }
          : { status: 'fault', fault: { kind: 'unreachable', server: this.#server, waitedMs: 0, reason: result.reason } };
    }
  }

  /** Which lists have changed since the client got them, as methods of notifications; asked with the credential of its request. */
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
          sessionId: upstreamId,
          protocolVersion: setup.protocolVersion,
        },
        listWaitMs,
      );
      return 'failed' in answer ? undefined : answer.result;
    });
  }

  async #check(exchange: Exchange, session: HttpSession): Promise<ExchangeOutcome | undefined> {
    await session.recovery;
    const { generation, upstreamId, setup } = session;
    const { headers, protocolVersion } = exchange;
    const answer = await ownRequest(this.#upstream, {
      path: setup.path,
      method: 'ping',
      asks: true,
      headers,
      sessionId: upstreamId,
      protocolVersion,
    });
    const refused = 'failed' in answer ? session.lost : session.lost || isSessionRefusal(answer.status, answer.body.toString('utf8'));
    return refused ? this.#recover(exchange, session, generation, 'failed' in answer ? undefined : answer) : undefined;
  }

  #withFault(outcome: UpstreamOutcome): ExchangeOutcome {
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

  /** Reads an answer with status 404 or 400, which may refuse the session. */
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

  /**
   * Notes whether the server accepted the credential of a request in a session.
   * @returns false when the client must not get the answer: while the server worked on it, the session was renewed for another credential
   */
  accepted(session: HttpSession, status: number, { credential, renewable, begun }: UsedCredential): boolean {
    if (session.credential === credential) {
      if (status === 401 && renewable) {
        session.refused = { credential, at: performance.now() };
      } else if (status < 400 && session.refused && session.refused.at < begun) {
        delete session.refused;
      }
      return true;
    }
    if (status >= 400) {
      return true;
    }
    if (session.refused?.credential !== session.credential) {
      return false;
    }
    session.credential = credential;
    delete session.refused;
    this.#sessions.keep(session);
    return true;
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
