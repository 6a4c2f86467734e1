import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { type AllowedNames, hostRefusal } from '../options/allowedHosts.ts';
import { type ConnectionParts, serveClients } from './clientConnections.ts';
import type { Admissions } from './session/admission.ts';
import { answerFault, refuse } from './session/answers.ts';
import { answerInitialize, type InitializingParts } from './session/beginSession.ts';
import { readClientRequest } from './session/clientRequest.ts';
import { passOutcome } from './session/passOutcome.ts';
import type { Exchange } from './session/sessionExchange.ts';
import { answerInSession, type SessionRequestParts } from './session/sessionRequest.ts';
import { credentialHash } from './transport/credential.ts';
import { oneHeader } from './transport/headers.ts';

/** Each way that a request can take says what it needs; these are all together. */
export interface ProxyParts extends ConnectionParts, InitializingParts, SessionRequestParts {
  readonly admissions: Admissions;
  readonly allowed: AllowedNames;
  /** The server's own address, for a page that it serves itself. */
  ownOrigin(): string | undefined;
  /** Answers what is for the proxy itself. @returns whether it did */
  own(request: IncomingMessage, response: ServerResponse): boolean;
}

/** Clients on one side, the server on the other: each request goes the way of its kind. It does not listen yet. */
export function createProxy(parts: ProxyParts): Server {
  return serveClients(parts, (request, response) => answer(parts, request, response));
}

async function answer(parts: ProxyParts, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const origin = oneHeader(request.headers, 'origin');
  const stranger = hostRefusal(request.headers.host, origin, parts.allowed);
  if (stranger !== undefined) {
    refuse(response, 403, stranger);
    request.resume();
    return;
  }
  if (!request.url?.startsWith('/')) {
    // `GET http://other/`: the host there would stand above the one that was looked at.
    refuse(response, 400, 'The request must name a path of this server.');
    request.resume();
    return;
  }
  if (parts.own(request, response)) {
    return;
  }
  const read = await readClientRequest(request, response, () => parts.ownOrigin());
  if (!read) {
    response.destroy();
    return;
  }
  const { exchange, stateless, sessionId } = read;
  const { message, protocolVersion, path } = exchange;
  if (stateless && protocolVersion !== undefined) {
    parts.spoke(protocolVersion);
  }
  if (message?.methods.includes('initialize')) {
    // A new session, whatever id the client still has: the specification wants none here, and servers refuse one that they do not know.
    await answerInitialize(parts, exchange, credentialHash(request.headers), response);
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
  try {
    await answerInSession(parts, { ...admitted, exchange, credential, lastEventId }, response);
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
