import type { ServerResponse } from 'node:http';
import type { ClientMessage, RequestId } from '../transport/clientMessage.ts';
import type { Admitted } from './admission.ts';
import { answerFault, dropAnswer } from './answers.ts';
import { type HttpSession, maxStoredText, shortId, subscribe } from './httpSession.ts';
import { listenStream } from './listenStream.ts';
import { type OutcomeParts, passOutcome } from './passOutcome.ts';
import type { Exchange, ExchangeOutcome, UsedCredential } from './sessionExchange.ts';

/** A POST that was not sent to the server yet. */
export interface GatedCall {
  readonly exchange: Exchange;
  readonly session: HttpSession | undefined;
  readonly response: ServerResponse;
}

/** May delay a call, or answer it in place of the server. @returns whether it answered */
type Gate = (call: GatedCall) => Promise<boolean>;

/**
 * Handles DELETE: ends the session, even when the server does not run or does not know it; unless the server answers that clients may not end sessions (405).
 * @returns the server's answer; undefined when the guard has answered the client
 */
async function endSession(
  parts: Pick<OutcomeParts, 'sessions' | 'exchange' | 'log'>,
  { exchange, session, isNew, credential }: Pick<SessionRequest, 'session' | 'isNew' | 'credential' | 'exchange'>,
  response: ServerResponse,
): Promise<ExchangeOutcome | undefined> {
  await session.recovery;
  const outcome = await parts.exchange.send({ ...exchange, waitMs: 0 }, session, false);
  const status =
    outcome.status === 'answer' ? (outcome.response.statusCode ?? 500) : outcome.status === 'whole' ? outcome.answer.status : 0;
  // Only a server that accepts a new credential lets it end a session that is being renewed.
  const own = session.credential === credential;
  const forgotten = own && (outcome.status === 'fault' || (outcome.status === 'whole' && outcome.refused));
  const ended = status >= 200 && status < 300;
  if (isNew && ended) {
    // The session began before this guard: it is noted as ended, so that it is not set up again.
    parts.sessions.adopt(session);
  }
  if (ended || (!isNew && forgotten)) {
    parts.sessions.end(session);
    parts.log.info(`session ${shortId(session.clientId)} was ended by its client`);
  }
  if (!isNew && forgotten) {
    response.writeHead(200).end();
    return undefined;
  }
  return outcome;
}

/** Whether a message has only responses to requests of an earlier server process. The present server gets every other message. */
function isOutdated(session: HttpSession, message: ClientMessage | undefined): boolean {
  const { answerIds = [], methods = [] } = message ?? {};
  return methods.length === 0 && answerIds.length > 0 && answerIds.every((id) => isOfEarlierProcess(session, id));
}

function isOfEarlierProcess(session: HttpSession, id: RequestId): boolean {
  const generation = session.serverRequests.get(id);
  return session.generation > 0 && generation !== undefined && generation !== session.generation;
}

type SetupParts = Pick<OutcomeParts, 'sessions' | 'log'>;

/** Notes in the session what a later server process must be told again. */
function rememberSetup({ sessions, log }: SetupParts, session: HttpSession, { message }: Exchange, status: number): void {
  const { method, params } = message?.single ?? {};
  if (status >= 300 || method === undefined) {
    return;
  }
  const { setup } = session;
  const uri = typeof params?.uri === 'string' ? params.uri : undefined;
  if (method === 'notifications/initialized') {
    setup.initialized = true;
  } else if (method === 'logging/setLevel' && typeof params?.level === 'string' && params.level.length <= maxStoredText) {
    setup.logLevel = params.level;
  } else if (method === 'resources/subscribe' && uri !== undefined) {
    if (!subscribe(session, uri)) {
      log.warn(`session ${shortId(session.clientId)} has too many or too long subscriptions: one is not made again after a restart`);
      return;
    }
  } else if (method === 'resources/unsubscribe' && uri !== undefined) {
    setup.subscriptions = setup.subscriptions.filter((one) => one !== uri);
  } else {
    return;
  }
  sessions.keep(session);
}

/** A request in a session. */
interface SessionRequest extends Admitted, UsedCredential {
  readonly exchange: Exchange;
  readonly lastEventId: string | undefined;
}

export interface SessionRequestParts extends OutcomeParts {
  readonly gate: Gate;
}

/** Answers a request in a session, even when the server was replaced, and notes what is needed to set the session up again. */
export async function answerInSession(parts: SessionRequestParts, request: SessionRequest, response: ServerResponse): Promise<void> {
  const { exchange, session, recoverable, isNew } = request;
  if (isOutdated(session, exchange.message)) {
    response.writeHead(202).end();
    return;
  }
  if (exchange.method === 'POST' && (await parts.gate({ exchange, session, response }))) {
    return;
  }
  const outcome = await outcomeOf(parts, request, response);
  if (outcome?.status === 'answer' && !noteAnswer(parts, request, outcome.response.statusCode ?? 500)) {
    dropAnswer(outcome);
    answerFault({ kind: 'session-of-another' }, exchange.message?.requestIds ?? [], response);
    return;
  }
  if (outcome?.status === 'whole' && outcome.refused && isNew && !recoverable) {
    answerFault({ kind: 'session-unknown' }, exchange.message?.requestIds ?? [], response);
  } else if (outcome) {
    await passOutcome(parts, exchange, outcome, response, session);
  }
}

/** @returns undefined when the client was answered already */
function outcomeOf(parts: SessionRequestParts, request: SessionRequest, response: ServerResponse): Promise<ExchangeOutcome | undefined> {
  const { exchange, session, recoverable, lastEventId } = request;
  switch (exchange.method) {
    case 'DELETE':
      return endSession(parts, request, response);
    case 'GET':
      return listenStream(
        parts.exchange,
        { exchange, session, recoverable, lastEventId, server: parts.server, notice: (method) => parts.notice(method) },
        response,
        () => noteAnswer(parts, request, 200),
      );
    default:
      return parts.exchange.send(exchange, session, recoverable);
  }
}

/** After the server answered with a status. @returns false when the client must not get the answer */
function noteAnswer(
  { sessions, exchange: sender, log }: SetupParts & Pick<OutcomeParts, 'exchange'>,
  { exchange, session, isNew, ...used }: SessionRequest,
  status: number,
): boolean {
  if (isNew && status < 400 && sessions.admit(session.clientId, used.credential).kind === 'unknown') {
    sessions.adopt(session);
  }
  if (!sender.accepted(session, status, used)) {
    return false;
  }
  rememberSetup({ sessions, log }, session, exchange, status);
  return true;
}
