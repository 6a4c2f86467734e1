import { randomBytes } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { AnswerReader, maxReadBytes, type RpcResult } from './answerReader.ts';
import { ByteCollector } from './bodies.ts';
import { isEventStream, oneHeader, type RawHeaders } from './headers.ts';
import type { Upstream } from './upstream.ts';

/** A message that the guard itself sends to the server. No client sees its id or its answer. */
interface OwnMessage {
  readonly path: string;
  readonly method: string;
  readonly params?: Readonly<Record<string, unknown>> | undefined;
  /** True for a request, false for a notification. */
  readonly asks: boolean;
  readonly sessionId?: string | undefined;
  readonly protocolVersion?: string | undefined;
  /** Headers of the client's request on whose behalf it is sent, with its credential. */
  readonly headers: RawHeaders;
}

export interface OwnRequestAnswer {
  readonly status: number;
  readonly rawHeaders: readonly string[];
  readonly sessionId: string | undefined;
  /** The JSON-RPC result, if there was one. */
  readonly result: RpcResult | undefined;
  readonly body: Buffer;
}

export type OwnOutcome = OwnRequestAnswer | { readonly failed: string; readonly sent: boolean };

/** For the answer, ms. */
const limitMs = 30_000;
/** Headers of the client's message that do not belong to the guard's own one. */
const notCopied = new Set(
  'accept accept-encoding content-length content-type content-encoding cache-control last-event-id mcp-session-id mcp-protocol-version mcp-method mcp-name'.split(
    ' ',
  ),
);

/**
 * Sends a message and reads the answer, from JSON or from an event stream. Never throws.
 * @param waitMs for a server that accepts no connections; the limit of `upstream` when undefined
 */
export async function ownRequest(upstream: Upstream, message: OwnMessage, waitMs?: number): Promise<OwnOutcome> {
  const id = `mcp-shepherd-${randomBytes(8).toString('hex')}`;
  const { method, params, sessionId, protocolVersion } = message;
  const bytes = Buffer.from(JSON.stringify({ jsonrpc: '2.0', ...(message.asks ? { id } : {}), method, ...(params ? { params } : {}) }));
  const headers: RawHeaders = [
    ...message.headers.filter(([name]) => !notCopied.has(name.toLowerCase())),
    ['Accept', 'application/json, text/event-stream'],
    ['Content-Type', 'application/json'],
    ['Content-Length', String(bytes.length)],
    ...(sessionId === undefined ? [] : [['Mcp-Session-Id', sessionId] satisfies [string, string]]),
    ...(protocolVersion === undefined ? [] : [['Mcp-Protocol-Version', protocolVersion] satisfies [string, string]]),
    // Required since revision 2026-07-28.
    ...(protocolVersion !== undefined && protocolVersion >= '2026' ? [['Mcp-Method', method] satisfies [string, string]] : []),
  ];
  const signal = AbortSignal.timeout(limitMs + (waitMs ?? 0));
  const outcome = await upstream.send(
    { method: 'POST', path: message.path, headers, body: { bytes }, signal },
    waitMs === undefined ? {} : { waitMs },
  );
  if (outcome.status !== 'answer') {
    const failed = outcome.status === 'aborted' ? 'no answer in time' : outcome.reason;
    return { failed, sent: outcome.status !== 'unreachable' };
  }
  const { response, request, lease } = outcome;
  const read = await readAnswer(response, message.asks ? id : undefined, signal);
  if (!response.complete) {
    request.destroy();
  }
  lease.end();
  return {
    status: response.statusCode ?? 0,
    rawHeaders: response.rawHeaders,
    sessionId: oneHeader(response.headers, 'mcp-session-id'),
    ...read,
  };
}

function readAnswer(
  response: IncomingMessage,
  id: string | undefined,
  signal: AbortSignal,
): Promise<{ readonly result: RpcResult | undefined; readonly body: Buffer }> {
  const streams = isEventStream(response);
  return new Promise((resolve) => {
    const body = new ByteCollector();
    let result: RpcResult | undefined;
    const reader =
      id === undefined
        ? undefined
        : new AnswerReader(
            response,
            (found) => {
              result = found;
            },
            id,
          );
    const finish = (): void => {
      signal.removeEventListener('abort', finish);
      resolve({ result, body: body.bytes });
    };
    const ended = (): void => {
      reader?.end();
      finish();
    };
    signal.addEventListener('abort', finish, { once: true });
    response.on('error', ended);
    response.on('close', ended);
    response.on('end', ended);
    response.on('data', (chunk: Buffer) => {
      body.push(chunk);
      reader?.push(chunk);
      // An event stream may stay open after the response.
      if ((streams && result) || body.size > maxReadBytes) {
        finish();
      }
    });
  });
}
