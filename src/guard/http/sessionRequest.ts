import type { ServerResponse } from 'node:http';
import type { Admitted } from './admission.ts';
import { answerFault } from './answers.ts';
import type { Gate } from './gatedCall.ts';
import { listen } from './listening.ts';
import { type OutcomeParts, passOutcome } from './outcomes.ts';
import { endSession } from './sessionEnd.ts';
import type { Exchange, ExchangeOutcome } from './sessionExchange.ts';
import { isOutdated, noteSetup } from './setupNotes.ts';

/** A request in a session. */
export interface SessionRequest extends Admitted {
  readonly exchange: Exchange;
  /** Hash of who asks. */
  readonly credential: string;
  readonly lastEventId: string | undefined;
}

export interface SessionRequestParts extends OutcomeParts {
  readonly gate: Gate;
}

/** Lets the server answer a request in a session, whatever became of the server meanwhile, and notes what the session is made of. */
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
  if (outcome?.status === 'answer') {
    noteAnswer(parts, request, outcome.response.statusCode ?? 500);
  }
  if (outcome?.status === 'whole' && outcome.refused && isNew && !recoverable) {
    answerFault({ kind: 'session-unknown' }, exchange.message?.requestIds ?? [], response);
  } else if (outcome) {
    await passOutcome(parts, exchange, outcome, response, session);
  }
}

/** @returns undefined when the client has its answer already */
function outcomeOf(parts: SessionRequestParts, request: SessionRequest, response: ServerResponse): Promise<ExchangeOutcome | undefined> {
  const { exchange, session, recoverable, lastEventId } = request;
  switch (exchange.method) {
    case 'DELETE':
      return endSession(parts, request, response);
    case 'GET':
      return listen(
        parts.exchange,
        { exchange, session, recoverable, lastEventId, server: parts.server, notice: (method) => parts.notice(method) },
        response,
        () => noteAnswer(parts, request, 200),
      );
    default:
      return parts.exchange.send(exchange, session, recoverable);
  }
}

/** After the server answered with a status. */
function noteAnswer(
  { sessions, exchange: sender }: Pick<OutcomeParts, 'sessions' | 'exchange'>,
  { exchange, session, isNew, credential }: SessionRequest,
  status: number,
): void {
  if (isNew && status < 400 && sessions.admit(session.clientId, credential).kind === 'unknown') {
    sessions.adopt(session);
  }
  sender.accepted(session, status, credential);
  noteSetup(sessions, session, exchange, status);
}
