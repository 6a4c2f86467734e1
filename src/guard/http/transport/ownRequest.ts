import { randomBytes } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { isRecord } from '../../../base/json.ts';
import { oneHeader, type RawHeaders } from './headers.ts';
import type { Upstream } from './upstream.ts';

/** A message of the proxy's own to the server. Its id is private: no client ever sees it or its answer. */
export interface OwnMessage {
  readonly path: string;
  readonly method: string;
  readonly params?: Readonly<Record<string, unknown>>;
  /** A request; else a notification. */
  readonly asks: boolean;
  readonly sessionId?: string;
  readonly protocolVersion?: string;
  /** Headers of the client on whose behalf it is sent; its credential among them. */
  readonly headers: RawHeaders;
}

export interface OwnRequestAnswer {
  readonly status: number;
  readonly rawHeaders: readonly string[];
  readonly sessionId: string | undefined;
  /** The result, when there was one. */
  readonly result: Readonly<Record<string, unknown>> | undefined;
  readonly body: Buffer;
}

export type OwnOutcome = OwnRequestAnswer | { readonly failed: string; readonly sent: boolean };

/** Servers are asked for no more than this. */
const limitMs = 30_000;
const maxBytes = 1_048_576;
/** Of the client's message, not of the client. */
const notCopied = new Set(
  'accept accept-encoding content-length content-type content-encoding cache-control last-event-id mcp-session-id mcp-protocol-version mcp-method mcp-name'.split(
    ' ',
  ),
);

/** Sends a message and reads the answer, from JSON or from an event stream. Never throws. */
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
    // Required since 2026-07-28; earlier servers do not know it.
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
): Promise<{ readonly result: Readonly<Record<string, unknown>> | undefined; readonly body: Buffer }> {
  const streams = isEventStream(response);
  return new Promise((resolve) => {
    const chunks: Buffer[] = [];
    let size = 0;
    const finish = (result: Readonly<Record<string, unknown>> | undefined): void => {
      signal.removeEventListener('abort', stop);
      resolve({ result, body: Buffer.concat(chunks) });
    };
    const found = (): Readonly<Record<string, unknown>> | undefined => {
      const text = Buffer.concat(chunks).toString('utf8');
      return id === undefined
        ? undefined
        : (streams ? eventData(text) : [text]).map((data) => resultOf(data, id)).find((one) => one !== undefined);
    };
    const stop = (): void => finish(undefined);
    signal.addEventListener('abort', stop, { once: true });
    response.on('error', () => finish(found()));
    response.on('close', () => finish(found()));
    response.on('end', () => finish(found()));
    response.on('data', (chunk: Buffer) => {
      chunks.push(chunk);
      size += chunk.length;
      // An event stream may stay open after the answer.
      const result = streams && chunk.includes(0x0a) ? found() : undefined;
      if (result || size > maxBytes) {
        finish(result);
      }
    });
  });
}

export function isEventStream(response: IncomingMessage): boolean {
  return /^text\/event-stream\b/i.test(response.headers['content-type'] ?? '');
}

/** The data of the complete events in a text. */
export function eventData(text: string): string[] {
  const events = text.split(/\r?\n\r?\n/).slice(0, -1);
  return events.map((event) =>
    event
      .split(/\r?\n/)
      .flatMap((line) => (line.startsWith('data:') ? [line.slice('data:'.length).replace(/^ /, '')] : []))
      .join('\n'),
  );
}

function resultOf(data: string, id: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const message: unknown = JSON.parse(data);
    return isRecord(message) && message.id === id && isRecord(message.result) ? message.result : undefined;
  } catch {
    return undefined;
  }
}
