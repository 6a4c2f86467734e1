import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AbortLike } from '../../../base/settlesWithin.ts';
import { type BodyBudget, readRequestBody } from '../transport/bodies.ts';
import { isStatelessEra, readClientMessage } from '../transport/clientMessage.ts';
import { endToEnd, oneHeader, type RawHeaders } from '../transport/headers.ts';
import { refuse } from './answers.ts';
import type { Exchange } from './sessionExchange.ts';

/** A request that the guard has read. */
export interface ClientRequest {
  readonly exchange: Exchange;
  /** Its revision has no sessions: a session header is ignored. */
  readonly stateless: boolean;
  /** The header as the client sent it; not checked yet. */
  readonly sessionId: string | undefined;
}

export interface ReadParts {
  readonly bodies: BodyBudget;
  /** The server's own address: the origin of a page that the server serves. */
  ownOrigin(): string | undefined;
}

const fullText =
  'The guard holds as many bytes of requests as it may. This request was not sent to the server, so it was not executed; send it again when others are answered.';

/**
 * Reads a request whose Host and Origin have been checked.
 * @returns undefined when the request was refused, or the client disconnected before the body was complete
 */
export async function readClientRequest(
  request: IncomingMessage,
  response: ServerResponse,
  { bodies, ownOrigin }: ReadParts,
): Promise<ClientRequest | undefined> {
  const gone = new ClientAbort();
  response.once('close', () => {
    if (!response.writableFinished) {
      gone.tell();
    }
  });
  const { method = 'GET' } = request;
  const body = method === 'GET' || method === 'HEAD' ? { bytes: Buffer.alloc(0) } : await readRequestBody(request, response, bodies);
  if (body === 'broken') {
    response.destroy();
    return undefined;
  }
  if (body === 'full') {
    refuse(response, 503, fullText);
    // Not closed: a client that still sends would not get the answer.
    request.resume();
    return undefined;
  }
  const message = body.rest ? undefined : readClientMessage(body.bytes);
  const protocolVersion = oneHeader(request.headers, 'mcp-protocol-version');
  const stateless = isStatelessEra(protocolVersion, message);
  return {
    exchange: {
      method,
      path: request.url ?? '/',
      headers: headersOf(request, ownOrigin()),
      protocolVersion,
      ...(body.bytes.length > 0 ? { body } : {}),
      message,
      signal: gone,
      listening: method === 'GET' || message?.methods.includes('subscriptions/listen') === true,
    },
    stateless,
    sessionId: oneHeader(request.headers, 'mcp-session-id'),
  };
}

/** Without the session id: it reaches the server only in a session whose credential was checked. A server with sessions may not look at the revision. */
function headersOf(request: IncomingMessage, ownOrigin: string | undefined): RawHeaders {
  const headers = endToEnd(request.rawHeaders, request.headers.connection, ['host', 'mcp-session-id']);
  // A page of the server was loaded through the guard's address: its origin becomes the server's.
  const here = `http://${request.headers.host}`;
  return headers.map(([name, value]) =>
    name.toLowerCase() === 'origin' && value === here && ownOrigin !== undefined ? [name, ownOrigin] : [name, value],
  );
}

/** Calls its listeners once, when a client has closed its connection. Made for each request, where an `AbortController` costs as much as reading the message. */
class ClientAbort implements AbortLike {
  #aborted = false;
  readonly #listeners = new Set<() => void>();

  get aborted(): boolean {
    return this.#aborted;
  }

  addEventListener(_type: 'abort', listener: () => void): void {
    this.#listeners.add(listener);
  }

  removeEventListener(_type: 'abort', listener: () => void): void {
    this.#listeners.delete(listener);
  }

  tell(): void {
    if (!this.#aborted) {
      this.#aborted = true;
      for (const listener of [...this.#listeners]) {
        listener();
      }
      this.#listeners.clear();
    }
  }
}
