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
  /** Of the server. */
  readonly origin?: string;
}

/** What a server may write behind its status, and Node refuses to pass on. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are meant
const unspeakable = /[\x00-\x08\x0a-\x1f\x7f]/;

/** The head of the server's answer, with the id that the client knows in place of the server's. */
export function passHead(answer: AnswerHead, client: ServerResponse, sessionId?: string): void {
  const without = ['mcp-session-id'];
  const named = answer.rawHeaders.some((name, at) => at % 2 === 0 && name.toLowerCase() === 'mcp-session-id');
  const connection = answer.rawHeaders.find((_, at) => at % 2 === 1 && answer.rawHeaders[at - 1]?.toLowerCase() === 'connection');
  const headers = endToEnd(answer.rawHeaders, connection, sessionId === undefined ? [] : without);
  if (named && sessionId !== undefined) {
    headers.push(['Mcp-Session-Id', sessionId]);
  }
  const message = answer.message ?? '';
  client.writeHead(answer.status, unspeakable.test(message) ? '' : message, flat(redirected(headers, answer, client)));
}

/** A server that sends its client to another path of its own (`/mcp` to `/mcp/`) names its own address: the client would go on without the guard. */
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

export function answerWhole(answer: WholeAnswer, client: ServerResponse, sessionId?: string): void {
  if (client.headersSent || client.destroyed) {
    return;
  }
  passHead(answer, client, sessionId);
  client.end(answer.body);
}

export function answerFault(fault: Fault, ids: readonly RequestId[], client: ServerResponse): void {
  if (client.headersSent || client.destroyed) {
    client.destroy();
    return;
  }
  const { status, body } = faultAnswer(fault, ids);
  client.writeHead(status, { 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(body) }).end(body);
}

/** For what does not get as far as to be a message. */
export function refuse(response: ServerResponse, status: number, text: string): void {
  const body = JSON.stringify(rpcError(null, sessionCode, text));
  response
    .writeHead(status, STATUS_CODES[status] ?? '', { 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(body) })
    .end(body);
}

/** An event for the client's SDK. */
export function eventOf(message: object): string {
  return `event: message\ndata: ${JSON.stringify(message)}\n\n`;
}

/** Follows what passes to the client in an event stream. */
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

/** What the answer to a POST may need when its stream breaks off. */
export interface AnswerHelp {
  readonly ids: readonly RequestId[];
  readonly server: string;
  readonly session?: HttpSession;
  /** The rest of a stream that broke off after this event; undefined when the server does not have it. */
  resume?(lastId: string): Promise<Answer | undefined>;
  onChunk?(chunk: Buffer): void;
  /** Told the method of each message of the server. */
  notice?: ((method: string) => void) | undefined;
}

/**
 * Passes the answer to a POST on as it comes. An event stream that breaks off before the answer came gets an error for it: the client would wait for ever.
 * Any other body that breaks off takes the client's connection with it, as it did without a proxy.
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
    // Together with the first event when that is here already: a packet less.
    setImmediate(() => passed || client.destroyed || client.flushHeaders());
  }
  for (let answer: Answer | undefined = first; answer; ) {
    const result = await passBody(answer, client, (chunk) => {
      passed = true;
      tracker?.push(chunk);
      help.onChunk?.(chunk);
    });
    answer.lease.end();
    if (result === 'client-gone' || result === 'let-go') {
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
      // The server wants to be asked for the rest, with this id.
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

/** For a request that was sent and whose answer will not come. */
export function lostAnswer(id: RequestId, server: string): object {
  const fault: Fault = { kind: 'cut', server, reason: 'its event stream broke off' };
  return rpcError(id, faultCode, faultText(fault), { executed: 'unknown' });
}

export function headOf({ response, lease }: Answer): AnswerHead {
  return {
    status: response.statusCode ?? 502,
    message: response.statusMessage ?? '',
    rawHeaders: response.rawHeaders,
    origin: lease.target.url.origin,
  };
}
