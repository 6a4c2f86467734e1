import { timingSafeEqual } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { type AllowedNames, hostRefusal, isLoopback } from '../options/allowedHosts.ts';
import type { UpstreamHealth } from './server/upstreamServer.ts';
import type { Admissions } from './session/admission.ts';
import { answerFault, refuse } from './session/answers.ts';
import { type BeginSessionParts, beginSession } from './session/beginSession.ts';
import { type ReadParts, readClientRequest } from './session/clientRequest.ts';
import { passOutcome } from './session/passOutcome.ts';
import type { Exchange } from './session/sessionExchange.ts';
import { answerInSession, type SessionRequestParts } from './session/sessionRequest.ts';
import { credentialHash, isRenewable } from './transport/credentialHash.ts';
import { oneHeader } from './transport/headers.ts';

/** The input of all handlers of requests. */
export interface RouteParts extends BeginSessionParts, SessionRequestParts, ReadParts {
  readonly admissions: Admissions;
  readonly allowed: AllowedNames;
  /** Answers a request for one of the guard's own pages. @returns whether it was one */
  own(request: IncomingMessage, response: ServerResponse): boolean;
}

/** Answers one request of a client: checks Host and Origin, then passes it on by its kind. */
export async function routeRequest(parts: RouteParts, request: IncomingMessage, response: ServerResponse): Promise<void> {
  if (!hasOneHost(request.rawHeaders)) {
    // Node shows the first one; a proxy before the guard may have judged by another.
    refuse(response, 400, 'The request must have one Host header.');
    request.resume();
    return;
  }
  const origin = oneHeader(request.headers, 'origin');
  const isForeign = origin === undefined && request.headers['sec-fetch-site'] === 'cross-site';
  const refusal = isForeign
    ? 'A web page of another site may not ask here without an Origin; open the address itself, or use --allow-origin ORIGIN.'
    : hostRefusal(request.headers.host, origin, parts.allowed);
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

/** Not more than one; `hostRefusal` refuses none. @param raw name, value, name, value … */
function hasOneHost(raw: readonly string[]): boolean {
  return raw.filter((text, index) => index % 2 === 0 && text.toLowerCase() === 'host').length <= 1;
}

async function answerPlain(parts: SessionRequestParts, exchange: Exchange, response: ServerResponse): Promise<void> {
  if (exchange.method === 'POST' && (await parts.gate({ exchange, session: undefined, response }))) {
    return;
  }
  await passOutcome(parts, exchange, await parts.exchange.sendPlain(exchange), response);
}

interface OwnPages {
  /** Version of the running server, or `unknown`. */
  readonly version: () => string;
  readonly guardVersion: string;
  /** When the guard started, epoch milliseconds. */
  readonly started: number;
  readonly upstream: () => Promise<UpstreamHealth>;
  readonly sessions: () => { readonly open: number; readonly recovered: number };
  readonly shutdownToken: () => string | undefined;
  /** Begins to end the guard, after the answer is sent. Safe to call twice. */
  readonly shutDown: () => void;
  readonly isStopping: () => boolean;
}

/** Answers `/health` and `/shutdown`. Host and Origin were checked before. @returns whether the request was for one of them */
export function answerOwnPage(pages: OwnPages, request: IncomingMessage, response: ServerResponse): boolean {
  const path = (request.url ?? '').split('?', 1)[0];
  if (path === '/health') {
    if (request.method !== 'GET' && request.method !== 'HEAD') {
      json(response, 405, { status: 'error', message: 'use GET for /health' }, { Allow: 'GET, HEAD' });
    } else {
      void health(pages, response);
    }
    request.resume();
    return true;
  }
  if (path === '/shutdown') {
    shutdown(pages, request, response);
    request.resume();
    return true;
  }
  if (pages.isStopping()) {
    json(response, 503, { status: 'shutting_down' }, { Connection: 'close' });
    request.resume();
    return true;
  }
  return false;
}

async function health(pages: OwnPages, response: ServerResponse): Promise<void> {
  const upstream = await pages.upstream();
  json(response, 200, {
    status: pages.isStopping() ? 'shutting_down' : 'ok',
    version: pages.version(),
    pid: process.pid,
    started: new Date(pages.started).toISOString(),
    uptime: Math.round(Date.now() - pages.started) / 1_000,
    guard: { name: 'mcp-shepherd', version: pages.guardVersion },
    sessions: pages.sessions(),
    upstream,
  });
}

function shutdown(pages: OwnPages, request: IncomingMessage, response: ServerResponse): void {
  if (request.method !== 'POST') {
    json(response, 405, { status: 'error', message: 'use POST for /shutdown' }, { Allow: 'POST' });
    return;
  }
  if (!isLoopback(request.socket.remoteAddress ?? '')) {
    json(response, 403, { status: 'error', message: '/shutdown can be used from this machine only' });
    return;
  }
  const token = pages.shutdownToken();
  const given = /^Bearer\s+([0-9a-f]{64})$/i.exec(oneHeader(request.headers, 'authorization') ?? '')?.[1]?.toLowerCase();
  if (token === undefined || given === undefined || !timingSafeEqual(Buffer.from(given), Buffer.from(token))) {
    const message =
      token === undefined
        ? 'this guard has no record, so it has no secret: end it with a signal'
        : 'the secret of the guard’s record is missing or wrong';
    json(response, 401, { status: 'error', message }, { 'WWW-Authenticate': 'Bearer' });
    return;
  }
  response.once('finish', () => pages.shutDown());
  json(response, 200, { status: 'shutting_down' }, { Connection: 'close' });
}

function json(response: ServerResponse, status: number, value: unknown, headers: Readonly<Record<string, string>> = {}): void {
  const body = `${JSON.stringify(value)}\n`;
  response
    .writeHead(status, {
      'Content-Type': 'application/json',
      'Content-Length': Buffer.byteLength(body),
      'Cache-Control': 'no-store',
      ...headers,
    })
    .end(body);
}
