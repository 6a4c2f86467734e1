import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';

/** Headers of a connection, which a proxy does not pass on (RFC 9110, 7.6.1); Node answers `Expect`. */
const hopByHop = new Set([
  'connection',
  'expect',
  'keep-alive',
  'proxy-connection',
  'proxy-authenticate',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);

export type RawHeaders = [name: string, value: string][];

/** Headers as they were written, without hop-by-hop headers, those that `Connection` names, and those in `without` (lower case). */
export function endToEnd(raw: readonly string[], connection: string | undefined, without: readonly string[] = []): RawHeaders {
  const named = connection === undefined ? [] : connection.toLowerCase().split(/\s*,\s*/);
  const kept: RawHeaders = [];
  for (let at = 0; at + 1 < raw.length; at += 2) {
    const name = raw[at] ?? '';
    const lower = name.toLowerCase();
    if (!hopByHop.has(lower) && !without.includes(lower) && !named.includes(lower)) {
      kept.push([name, raw[at + 1] ?? '']);
    }
  }
  return kept;
}

/**
 * The headers of a request with the length that its body has when it is sent, whatever the client wrote. With a wrong length the server would take the next
 * request on the connection for a part of this one.
 */
export function framed(headers: RawHeaders, body: { readonly bytes: Buffer; readonly rest?: unknown } | undefined): RawHeaders {
  const length = headers.find(([name]) => name.toLowerCase() === 'content-length');
  if (body?.rest) {
    // Only the beginning of the body is known.
    return length ? headers : [...headers, ['Transfer-Encoding', 'chunked']];
  }
  const size = body?.bytes.length ?? 0;
  if (length?.[1] === String(size)) {
    return headers;
  }
  const others = length ? headers.filter(([name]) => name.toLowerCase() !== 'content-length') : headers;
  return size === 0 ? others : [...others, ['Content-Length', String(size)]];
}

/** Whether Node sends a text as the value of a header. Event ids and protocol versions of a server may be any text; it throws for others. */
export function isHeaderText(value: string): boolean {
  return /^[\t\x20-\x7e\x80-\xff]*$/.test(value);
}

/** Name, value, name, value …: the form that Node sends unchanged. */
export function flat(headers: RawHeaders): string[] {
  return headers.flat();
}

/** The value of a header; the values of a repeated one are joined. */
export function oneHeader(headers: IncomingHttpHeaders, name: string): string | undefined {
  const value = headers[name];
  return Array.isArray(value) ? value.join(', ') : value;
}

/** Whether a message carries server-sent events, by its content type. */
export function isEventStream({ headers }: Pick<IncomingMessage, 'headers'>): boolean {
  return /^text\/event-stream\b/i.test(headers['content-type'] ?? '');
}
