import { createServer, type IncomingMessage, type Server, type ServerResponse, STATUS_CODES } from 'node:http';
import { errorCode } from '../../types/errorCode.ts';
import type { Log } from '../../types/log.ts';
import { type AllowedNames, strangerReason } from './addresses.ts';
import { answerFault, answerWhole, passAnswer } from './answers.ts';
import { readRequestBody } from './bodies.ts';
import { watchPace } from './bodyPace.ts';
import { isStatelessEra, readClientMessage } from './clientMessage.ts';
import { credentialHash } from './credential.ts';
import { Departure } from './departure.ts';
import { rpcError, sessionCode } from './faults.ts';
import { endToEnd, oneHeader, type RawHeaders } from './headerFilter.ts';
import { answerInitialize } from './initializing.ts';
import { listen } from './listening.ts';
import { readList, type ToolPage } from './listMemory.ts';
import { isEventStream } from './ownRequest.ts';
import { resume } from './resuming.ts';
import { isSessionId, newSession, type Session, shortId } from './session.ts';
import type { Exchange, ExchangeOutcome, SessionExchange } from './sessionExchange.ts';
import type { SessionTable } from './sessionTable.ts';
import { isOutdated, noteSetup } from './setupNotes.ts';
import type { Target } from './upstream.ts';

export interface ProxyParts {
  readonly sessions: SessionTable;
  readonly exchange: SessionExchange;
  readonly log: Log;
  readonly allowed: AllowedNames;
  readonly unknownSession: 'recover' | '404';
  /** For a body of any size; more of it has to come at a mean rate (`bodyPace.ts`), ms. */
  readonly bodyMs: number;
  /** As messages name the server. */
  readonly server: string;
  /** The server's own address, for a page that it serves itself. */
  ownOrigin(): string | undefined;
  /** Answers what is for the proxy itself. @returns whether it did */
  own(request: IncomingMessage, response: ServerResponse): boolean;
  /** May answer a call in place of the server, or let it wait. @returns whether it answered */
  gate?(call: GatedCall): Promise<boolean>;
  /** Told the method of each message of the server in an event stream. */
  notice?(method: string): void;
  /** Told the tools that a client was given, and by which server. */
  listed?(page: ToolPage, target: Target): void;
  /** Told the revision of the protocol that is spoken. */
  spoke?(version: string): void;
  /** Told the path of each request that may be for the server's endpoint. */
  asked?(path: string): void;
}

/** A POST before it goes to the server. */
export interface GatedCall {
  readonly exchange: Exchange;
  readonly session: Session | undefined;
  readonly response: ServerResponse;
}

/** A client that sends its head so slowly is none. */
const headersTimeoutMs = 5_000;

/** What Node says of a request that cannot be read; everything else is 400. */
const clientErrors: Readonly<Record<string, number>> = {
  HPE_HEADER_OVERFLOW: 431,
  HPE_CHUNK_EXTENSIONS_OVERFLOW: 413,
  ERR_HTTP_REQUEST_TIMEOUT: 408,
};

/** The HTTP server that clients talk to. It does not listen yet. */
export function createProxy(parts: ProxyParts): Server {
  const server = createServer({
    keepAliveTimeout: 65_000,
    headersTimeout: headersTimeoutMs,
    // How long a request may be in all is nobody's business: how fast its body comes is watched.
    requestTimeout: 0,
    connectionsCheckingInterval: 1_000,
    requireHostHeader: false,
  });
  const busy = new WeakMap<object, number>();
  server.on('request', (request, response) => {
    const { socket } = request;
    busy.set(socket, (busy.get(socket) ?? 0) + 1);
    const unwatch = watchPace(request, parts.bodyMs, () => tooSlow(request, response));
    response.once('close', () => {
      // A page of our own is answered before its body has come.
      if (request.complete || socket.destroyed) {
        unwatch();
      }
      busy.set(socket, (busy.get(socket) ?? 1) - 1);
    });
    void answer(parts, request, response).catch((error: unknown) => {
      parts.log.error(`a request failed: ${error instanceof Error ? error.message : String(error)}`);
      if (response.headersSent) {
        response.destroy();
      } else {
        refuse(response, 500, 'The proxy failed; see its log.');
      }
    });
  });
  // An upgrade (WebSocket) is no transport of MCP.
  server.on('clientError', (error, socket) => {
    // While an answer is due on this connection, another one would be taken for it.
    if (socket.writable && (busy.get(socket) ?? 0) === 0) {
      const status = clientErrors[errorCode(error) ?? ''] ?? 400;
      socket.end(`HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
    } else {
      socket.destroy();
    }
  });
  return server;
}

function tooSlow(request: IncomingMessage, response: ServerResponse): void {
  if (response.headersSent) {
    request.socket.destroy();
    return;
  }
  response.shouldKeepAlive = false;
  response.once('finish', () => request.socket.destroy());
  refuse(response, 408, 'The body of the request came too slowly; --body-timeout SECONDS of the guard says how slow is too slow.');
}

async function answer(parts: ProxyParts, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const origin = oneHeader(request.headers, 'origin');
  const stranger = strangerReason(request.headers.host, origin, parts.allowed);
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
  const gone = new Departure();
  response.once('close', () => {
    // After the end nobody is to be told.
    if (!response.writableFinished) {
      gone.tell();
    }
  });
  const body = request.method === 'GET' || request.method === 'HEAD' ? { bytes: Buffer.alloc(0) } : await readRequestBody(request);
  if (!body) {
    response.destroy();
    return;
  }
  const message = body.rest ? undefined : readClientMessage(body.bytes);
  const protocolVersion = oneHeader(request.headers, 'mcp-protocol-version');
  const stateless = isStatelessEra(protocolVersion, message);
  if (stateless && protocolVersion !== undefined) {
    parts.spoke?.(protocolVersion);
  }
  const path = request.url ?? '/';
  const exchange: Exchange = {
    method: request.method ?? 'GET',
    path,
    headers: headersOf(request, stateless ? [] : ['mcp-session-id'], parts.ownOrigin()),
    protocolVersion,
    ...(body.bytes.length > 0 ? { body } : {}),
    message,
    signal: gone,
    listening: request.method === 'GET' || message?.methods.includes('subscriptions/listen') === true,
  };
  const id = oneHeader(request.headers, 'mcp-session-id');
  if (stateless || (id === undefined && !message?.methods.includes('initialize'))) {
    await answerPlain(parts, exchange, response);
    return;
  }
  const credential = credentialHash(request.headers);
  if (message?.methods.includes('initialize')) {
    // A new session, whatever id the client still has: the specification wants none here, and servers refuse one that they do not know.
    await answerInitialize(parts, exchange, credential, response);
    return;
  }
  const admitted = id === undefined ? undefined : admit(parts, id, credential, path);
  if (!admitted || 'fault' in admitted) {
    answerFault({ kind: admitted?.fault ?? 'bad-session-id' }, message?.requestIds ?? [], response);
    return;
  }
  await answerInSession(parts, exchange, admitted, credential, request, response);
}

interface Admitted {
  readonly session: Session;
  readonly recoverable: boolean;
  /** Not in the table yet. */
  readonly isNew: boolean;
}

function admit(
  { sessions, unknownSession }: ProxyParts,
  id: string,
  credential: string,
  path: string,
): Admitted | { readonly fault: 'bad-session-id' | 'session-ended' | 'session-of-another' } {
  if (!isSessionId(id)) {
    return { fault: 'bad-session-id' };
  }
  const admission = sessions.admit(id, credential);
  switch (admission.kind) {
    case 'known':
      return { session: admission.session, recoverable: true, isNew: false };
    case 'ended':
      return { fault: 'session-ended' };
    case 'of-another':
      return { fault: 'session-of-another' };
    case 'unknown':
      // The server may know it: it began before the proxy came.
      return { session: newSession(id, id, credential, path, Date.now()), recoverable: unknownSession === 'recover', isNew: true };
  }
}

async function answerPlain(parts: ProxyParts, exchange: Exchange, response: ServerResponse): Promise<void> {
  if (exchange.method === 'POST' && (await parts.gate?.({ exchange, session: undefined, response }))) {
    return;
  }
  await finish(parts, exchange, await parts.exchange.sendPlain(exchange), response);
}

async function answerInSession(
  parts: ProxyParts,
  exchange: Exchange,
  { session, recoverable, isNew }: Admitted,
  credential: string,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const { sessions, server } = parts;
  if (exchange.method === 'DELETE') {
    await endSession(parts, exchange, session, isNew, response);
    return;
  }
  const answers = exchange.message?.answerIds ?? [];
  if (answers.length > 0 && answers.every((id) => isOutdated(session, id))) {
    response.writeHead(202).end();
    return;
  }
  if (exchange.method === 'POST' && (await parts.gate?.({ exchange, session, response }))) {
    return;
  }
  const keep = (status: number): void => {
    if (isNew && status < 400) {
      if (sessions.admit(session.clientId, credential).kind === 'unknown') {
        sessions.adopt(session);
      }
    }
    parts.exchange.accepted(session, status, credential);
    noteSetup(parts.sessions, session, exchange, status);
  };
  if (exchange.method === 'GET') {
    const lastEventId = oneHeader(request.headers, 'last-event-id');
    const outcome = await listen(
      parts.exchange,
      { exchange, session, recoverable, lastEventId, server, notice: (method) => parts.notice?.(method) },
      response,
      () => keep(200),
    );
    if (outcome) {
      await finish(parts, exchange, outcome, response, session);
    }
    return;
  }
  const outcome = await parts.exchange.send(exchange, session, recoverable);
  if (outcome.status === 'answer') {
    keep(outcome.response.statusCode ?? 500);
  }
  if (outcome.status === 'whole' && outcome.refused && isNew && !recoverable) {
    answerFault({ kind: 'session-unknown' }, exchange.message?.requestIds ?? [], response);
    return;
  }
  await finish(parts, exchange, outcome, response, session);
}

/** The session is over for good, also when its server is away or has forgotten it; unless the server says that clients may not end sessions (405). */
async function endSession(
  parts: ProxyParts,
  exchange: Exchange,
  session: Session,
  isNew: boolean,
  response: ServerResponse,
): Promise<void> {
  await session.recovery;
  const outcome = await parts.exchange.send({ ...exchange, waitMs: 0 }, session, false);
  const status =
    outcome.status === 'answer' ? (outcome.response.statusCode ?? 500) : outcome.status === 'whole' ? outcome.answer.status : 0;
  const forgotten = outcome.status === 'fault' || (outcome.status === 'whole' && outcome.refused);
  const ended = status >= 200 && status < 300;
  if (isNew && ended) {
    // It began before this guard came; set up again it would live on.
    parts.sessions.adopt(session);
  }
  if (ended || (!isNew && forgotten)) {
    parts.sessions.end(session);
    parts.log.info(`session ${shortId(session.clientId)} was ended by its client`);
  }
  if (!isNew && forgotten) {
    response.writeHead(200).end();
    return;
  }
  await finish(parts, exchange, outcome, response, session);
}

async function finish(
  parts: ProxyParts,
  exchange: Exchange,
  outcome: ExchangeOutcome,
  response: ServerResponse,
  session?: Session,
): Promise<void> {
  const ids = exchange.message?.requestIds ?? [];
  switch (outcome.status) {
    case 'aborted':
      response.destroy();
      return;
    case 'outdated':
      response.writeHead(202).end();
      return;
    case 'fault':
      parts.log.warn(`a request got no answer from ${parts.server}: ${outcome.fault.kind}`);
      answerFault(outcome.fault, ids, response);
      return;
    case 'whole':
      answerWhole(outcome.answer, response, session?.clientId);
      return;
    case 'answer': {
      const list = outcome.response.statusCode === 200 ? readList(session, exchange.message) : undefined;
      await passAnswer(outcome, response, {
        ids: exchange.listening ? [] : ids,
        server: parts.server,
        notice: (method) => parts.notice?.(method),
        ...(list ? { onChunk: (chunk: Buffer) => list.push(chunk) } : {}),
        ...(session ? { session, resume: (lastId: string) => resume(parts.exchange, exchange, session, lastId) } : {}),
      });
      if (list?.end(isEventStream(outcome.response)) && session) {
        parts.sessions.keep(session);
      }
      if (list?.tools) {
        parts.listed?.(list.tools, outcome.lease.target);
      }
    }
  }
}

function headersOf(request: IncomingMessage, without: readonly string[], ownOrigin: string | undefined): RawHeaders {
  const headers = endToEnd(request.rawHeaders, request.headers.connection, ['host', ...without]);
  // A page that the server serves itself was loaded through the proxy's address.
  const here = `http://${request.headers.host}`;
  return headers.map(([name, value]) =>
    name.toLowerCase() === 'origin' && value === here && ownOrigin !== undefined ? [name, ownOrigin] : [name, value],
  );
}

export function refuse(response: ServerResponse, status: number, text: string): void {
  const body = JSON.stringify(rpcError(null, sessionCode, text));
  response
    .writeHead(status, STATUS_CODES[status] ?? '', { 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(body) })
    .end(body);
}
