import type { IncomingMessage, ServerResponse } from 'node:http';
import { type AllowedNames, hostRefusal } from '../options/allowedHosts.ts';
import type { Admissions } from './session/admission.ts';
import { answerFault, refuse } from './session/answers.ts';
import { type BeginSessionParts, beginSession } from './session/beginSession.ts';
import { type ReadParts, readClientRequest } from './session/clientRequest.ts';
import { passOutcome } from './session/passOutcome.ts';
import type { Exchange } from './session/sessionExchange.ts';
import { answerInSession, type SessionRequestParts } from './session/sessionRequest.ts';
import { credentialHash, isRenewable } from './transport/credentialHash.ts';
import { oneHeader } from './transport/headers.ts';

/** What the handlers of requests need, all together. */
export interface RouteParts extends BeginSessionParts, SessionRequestParts, ReadParts {
  readonly admissions: Admissions;
  readonly allowed: AllowedNames;
  /** Answers a request for one of the guard's own pages. @returns whether it was one */
  own(request: IncomingMessage, response: ServerResponse): boolean;
}

/** Answers one request of a client: checks Host and Origin, then passes it on by its kind. */
export async function routeRequest(parts: RouteParts, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const origin = oneHeader(request.headers, 'origin');
  const refusal = hostRefusal(request.headers.host, origin, parts.allowed);
  if (refusal !== undefined) {
    refuse(response, 403, refusal);
    request.resume();
    return;
  }
  if (!request.url?.startsWith('/')) {
    // `GET http://other/`: that host would override the one that was checked.
    refuse(response, 400, 'The request must name a path of this server.');
    request.resume();
    return;
  }
  if (parts.own(request, response)) {
    return;
  }
  const read = await readClientRequest(request, response, parts);
  if (!read) {
    return;
  }
  const { exchange, stateless, sessionId } = read;
  const { message, protocolVersion, path } = exchange;
  if (stateless && protocolVersion !== undefined) {
    parts.spoke(protocolVersion);
  }
  if (message?.methods.includes('initialize')) {
    // A session id that the client still sends is dropped: the specification wants none here, and servers refuse ids that they do not know.
    await beginSession(parts, exchange, credentialHash(request.headers), response);
    return;
  }
  if (stateless || sessionId === undefined) {
    await answerPlain(parts, exchange, response);
    return;
  }
  const credential = credentialHash(request.headers);
  const admitted = parts.admissions.enter(sessionId, credential, path);
  if ('fault' in admitted) {
    answerFault({ kind: admitted.fault }, message?.requestIds ?? [], response);
    return;
  }
  const lastEventId = oneHeader(request.headers, 'last-event-id');
  const used = { credential, renewable: isRenewable(request.headers), begun: performance.now() };
  try {
    await answerInSession(parts, { ...admitted, ...used, exchange, lastEventId }, response);
  } finally {
    parts.admissions.leave(admitted, credential);
  }
}

async function answerPlain(parts: SessionRequestParts, exchange: Exchange, response: ServerResponse): Promise<void> {
  if (exchange.method === 'POST' && (await parts.gate({ exchange, session: undefined, response }))) {
    return;
  }
  await passOutcome(parts, exchange, await parts.exchange.sendPlain(exchange), response);
}
