import type { IncomingMessage, ServerResponse } from 'node:http';
import { ClientAbort } from '../../../base/abort.ts';
import { readRequestBody } from '../transport/bodies.ts';
import { isStatelessEra, readClientMessage } from '../transport/clientMessage.ts';
import { endToEnd, oneHeader, type RawHeaders } from '../transport/headers.ts';
import type { Exchange } from './sessionExchange.ts';

/** What a client asks of the server, once it has sent it. */
export interface ClientRequest {
  readonly exchange: Exchange;
  /** Of the era without sessions: a session header says nothing then. */
  readonly stateless: boolean;
  /** As the client sends it; whether it is one is not known yet. */
  readonly sessionId: string | undefined;
}

/**
 * Reads a request, of which Host and Origin were checked before.
 * @param ownOrigin the server's own address, for a page that it serves itself
 * @returns undefined when the client went away before it had sent all of it
 */
export async function readClientRequest(
  request: IncomingMessage,
  response: ServerResponse,
  ownOrigin: () => string | undefined,
): Promise<ClientRequest | undefined> {
  const gone = new ClientAbort();
  response.once('close', () => {
    // After the end nobody is to be told.
    if (!response.writableFinished) {
      gone.tell();
    }
  });
  const { method = 'GET' } = request;
  const body = method === 'GET' || method === 'HEAD' ? { bytes: Buffer.alloc(0) } : await readRequestBody(request);
  if (!body) {
    return undefined;
  }
  const message = body.rest ? undefined : readClientMessage(body.bytes);
  const protocolVersion = oneHeader(request.headers, 'mcp-protocol-version');
  const stateless = isStatelessEra(protocolVersion, message);
  return {
    exchange: {
      method,
      path: request.url ?? '/',
      headers: headersOf(request, stateless ? [] : ['mcp-session-id'], ownOrigin()),
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

function headersOf(request: IncomingMessage, without: readonly string[], ownOrigin: string | undefined): RawHeaders {
  const headers = endToEnd(request.rawHeaders, request.headers.connection, ['host', ...without]);
  // A page that the server serves itself was loaded through the proxy's address.
  const here = `http://${request.headers.host}`;
  return headers.map(([name, value]) =>
    name.toLowerCase() === 'origin' && value === here && ownOrigin !== undefined ? [name, ownOrigin] : [name, value],
  );
}
