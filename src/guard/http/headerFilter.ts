import type { IncomingHttpHeaders } from 'node:http';

/** Of one connection, not of the message (RFC 9110, 7.6.1); Node answers `Expect` itself. */
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

/** The headers of a message as they were written, without those of the connection, those that `Connection` names, and those to replace. */
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

/** Name, value, name, value …: as Node takes it without looking at each. */
export function flat(headers: RawHeaders): string[] {
  return headers.flat();
}

/** One value of a header that may occur once only; a repeated one is not believed. */
export function oneHeader(headers: IncomingHttpHeaders, name: string): string | undefined {
  const value = headers[name];
  return Array.isArray(value) ? value.join(', ') : value;
}
