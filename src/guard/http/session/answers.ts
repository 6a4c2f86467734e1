import { type ServerResponse, STATUS_CODES } from 'node:http';
import { passBody } from '../transport/bodies.ts';
import type { RequestId } from '../transport/clientMessage.ts';
import { endToEnd, flat, isEventStream, type RawHeaders } from '../transport/headers.ts';
import type { UpstreamOutcome } from '../transport/upstream.ts';
import { EventTracker } from './eventTracker.ts';
import { type Fault, faultAnswer, faultCode, faultText, rpcError, sessionCode } from './faults.ts';
import { type HttpSession, rememberBounded } from './httpSession.ts';
import type { WholeAnswer } from './sessionExchange.ts';

type Answer = Extract<UpstreamOutcome, { status: 'answer' }>;

interface AnswerHead {
  readonly status: number;
  readonly message?: string;
  readonly rawHeaders: readonly string[];
  /** The server's own origin. */
  readonly origin?: string;
}

/** Characters in a status message that Node refuses to send. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are meant
const refusedCharacters = /[\x00-\x08\x0a-\x1f\x7f]/;

/** Sends the head of the server's answer, with the session id that the client knows in place of the server's. */
export function passHead(answer: AnswerHead, client: ServerResponse, sessionId?: string): void {
  const without = ['mcp-session-id'];
  const named = answer.rawHeaders.some((name, at) => at % 2 === 0 && name.toLowerCase() === 'mcp-session-id');
  const connection = answer.rawHeaders.find((_, at) => at % 2 === 1 && answer.rawHeaders[at - 1]?.toLowerCase() === 'connection');
  const headers = endToEnd(answer.rawHeaders, connection, sessionId === undefined ? [] : without);
  if (named && sessionId !== undefined) {
    headers.push(['Mcp-Session-Id', sessionId]);
  }
  const message = answer.message ?? '';
  client.writeHead(answer.status, refusedCharacters.test(message) ? '' : message, flat(redirected(headers, answer, client)));
}

/** Replaces the server's own address in a redirect (`/mcp` to `/mcp/`) by the guard's: the client would bypass the guard otherwise. */
function redirected(headers: RawHeaders, { status, origin }: AnswerHead, client: ServerResponse): RawHeaders {
  const { host } = client.req.headers;
  if (origin === undefined || host === undefined || (status !== 201 && (status < 300 || status > 399))) {
    return headers;
  }
  return headers.map(([name, value]) =>
    name.toLowerCase() === 'location' && URL.canParse(value) && new URL(value).origin === origin
      ? [name, `http://${host}${value.slice(value.indexOf('//') + 2).replace(/^[^/?#]*/, '')}`]
      : [name, value],
  );
}

/** Sends a complete answer to the client, unless the client is gone or already has a head. */
export function answerWhole(answer: WholeAnswer, client: ServerResponse, sessionId?: string): void {
  if (client.headersSent || client.destroyed) {
    return;
  }
  passHead(answer, client, sessionId);
  client.end(answer.body);
}

/** Sends the guard's own error for the given requests. A connection that already has a head is closed instead. */
export function answerFault(fault: Fault, ids: readonly RequestId[], client: ServerResponse): void {
  if (client.headersSent || client.destroyed) {
    client.destroy();
    return;
  }
  const { status, body } = faultAnswer(fault, ids);
  client.writeHead(status, { 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(body) }).end(body);
}

/** Gives up an answer of the server that no client gets. */
export function dropAnswer({ request, lease }: Answer): void {
  request.destroy();
  lease.end();
}

/** Refuses a request that was not read as a message. */
export function refuse(response: ServerResponse, status: number, text: string): void {
  const body = JSON.stringify(rpcError(null, sessionCode, text));
  response
    .writeHead(status, STATUS_CODES[status] ?? '', { 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(body) })
    .end(body);
}

/** A JSON-RPC message as a server-sent event. */
export function eventOf(message: object): string {
  return `event: message\ndata: ${JSON.stringify(message)}\n\n`;
}

/** Follows an event stream to the client. @param unanswered answered requests are removed from it */
export function trackEvents(session: HttpSession | undefined, unanswered: Set<RequestId>, notice?: (method: string) => void): EventTracker {
  return new EventTracker({
    message(head) {
      if (head.method !== undefined) {
        notice?.(head.method);
      }
      if (head.id !== undefined && head.answers) {
        unanswered.delete(head.id);
      } else if (session && head.id !== undefined && head.method !== undefined) {
        const { id } = head;
        rememberBounded(session.serverRequests, () => session.serverRequests.set(id, session.generation));
      }
    },
    id(id) {
      if (session) {
        rememberBounded(session.eventIds, () => session.eventIds.add(id));
      }
    },
  });
}

/** The input of `passAnswer` besides the answer. */
interface AnswerHelp {
  /** Ids of the requests that are answered. */
  readonly ids: readonly RequestId[];
  readonly server: string;
  readonly session?: HttpSession;
  /** The rest of a stream that broke off after this event; undefined when the server does not have it. */
  resume?(lastId: string): Promise<Answer | undefined>;
  onChunk?(chunk: Buffer): void;
  /** Called with the method of each message of the server. */
  notice?: ((method: string) => void) | undefined;
}

/**
 * Passes the answer to a POST on while it arrives. When an event stream breaks off before a response, the client gets an error for that request; otherwise it
 * would wait forever. When another body breaks off, the client's connection is closed, as without the guard.
 */
export async function passAnswer(first: Answer, client: ServerResponse, help: AnswerHelp): Promise<void> {
  const { session, ids } = help;
  const unanswered = new Set(ids);
  const streams = isEventStream(first.response);
  const tracker = streams ? trackEvents(session, unanswered, help.notice) : undefined;
  const { generation } = session ?? { generation: 0 };
  passHead(headOf(first), client, session?.clientId);
  let passed = false;
  if (streams) {
    // In one packet with the first event, if that is here already.
    setImmediate(() => passed || client.destroyed || client.flushHeaders());
  }
  for (let answer: Answer | undefined = first; answer; ) {
    const result = await passBody(answer, client, (chunk) => {
      passed = true;
      tracker?.push(chunk);
      help.onChunk?.(chunk);
    });
    answer.lease.end();
    if (result === 'client-gone' || result === 'detached') {
      return;
    }
    if (!tracker) {
      result === 'ended' ? client.end() : client.destroy();
      return;
    }
    if (result === 'cut' && ids.length === 0) {
      client.destroy();
      return;
    }
    const { lastId } = tracker;
    if (result === 'ended' && lastId !== undefined && session && unanswered.size > 0) {
      // The server expects a request for the rest, with this id.
      rememberBounded(session.suspended, () => session.suspended.set(lastId, { generation, ids: [...unanswered] }));
      client.end();
      return;
    }
    const broken: boolean = result === 'cut' && unanswered.size > 0;
    answer = broken && lastId !== undefined && session?.generation === generation ? await help.resume?.(lastId) : undefined;
    if (unanswered.size > 0) {
      const closing = Buffer.from(tracker.closing);
      client.write(closing);
      help.onChunk?.(closing);
      tracker.reset();
    }
  }
  client.end([...unanswered].map((id) => eventOf(lostAnswer(id, help.server))).join(''));
}

/** The error for a request that was sent and will not be answered. */
export function lostAnswer(id: RequestId, server: string): object {
  const fault: Fault = { kind: 'cut', server, reason: 'its event stream broke off' };
  return rpcError(id, faultCode, faultText(fault), { executed: 'unknown' });
}

/** Status and headers of a server's answer. A missing status becomes 502. */
export function headOf({ response, lease }: Answer): AnswerHead {
  return {
    status: response.statusCode ?? 502,
    message: response.statusMessage ?? '',
    rawHeaders: response.rawHeaders,
    origin: lease.target.url.origin,
  };
}
