import * as v from 'valibot';
import { isLoopbackAddress } from '../../base/loopback.ts';

/** A server's own report. It is evidence only where its PID is that of a process of the listening server. */
export interface Health {
  readonly status: string;
  readonly version?: string;
  readonly pid?: number;
  /** As the server writes it; usually ISO 8601. */
  readonly started?: string;
  readonly uptimeSeconds?: number;
}

/** The result of asking `/health`. `other`: another kind of answer. `silent`: no complete answer within the limit. */
export type HealthAnswer =
  | { readonly kind: 'health'; readonly health: Health }
  | { readonly kind: 'other' }
  | { readonly kind: 'refused' }
  | { readonly kind: 'silent' };

/** Asks a loopback address. Replaced in tests only. */
export type AskHealth = (address: string, port: number) => Promise<HealthAnswer>;

const limitMs = 1_000;
/** A health answer is short; a larger answer is `other`. */
const maxBytes = 64 * 1024;

const text = v.pipe(v.string(), v.maxLength(200));
const number = v.pipe(v.number(), v.finite());
const schema = v.looseObject({
  status: text,
  version: v.fallback(v.optional(text), undefined),
  pid: v.fallback(v.optional(v.pipe(v.number(), v.integer(), v.minValue(1))), undefined),
  started: v.fallback(v.optional(v.union([text, number])), undefined),
  uptime: v.fallback(v.optional(number), undefined),
  uptime_s: v.fallback(v.optional(number), undefined),
});

/**
 * Asks `GET /health` at a loopback address: one second for the whole answer, no redirect followed, no credential sent. Never throws.
 * @param address `127.0.0.1` or `::1`; any other is not asked
 */
export const askHealth: AskHealth = async (address, port) => {
  if (!isLoopbackAddress(address)) {
    return { kind: 'other' };
  }
  // Loaded here: most machines have no entry with a loopback port.
  const { request } = await import('node:http');
  return new Promise((resolve) => {
    const limit = AbortSignal.timeout(limitMs);
    const host = address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;
    const headers = { host, accept: 'application/json', connection: 'close', 'user-agent': 'mcp-shepherd' };
    const asked = request({ host: address, port, path: '/health', method: 'GET', headers, agent: false, signal: limit }, (response) => {
      const parts: Buffer[] = [];
      let size = 0;
      response.on('data', (part: Buffer) => {
        size += part.length;
        if (size > maxBytes) {
          resolve({ kind: 'other' });
          asked.destroy();
        } else {
          parts.push(part);
        }
      });
      response.on('end', () =>
        resolve(response.statusCode === 200 ? parseHealth(Buffer.concat(parts).toString('utf8')) : { kind: 'other' }),
      );
      response.on('error', () => resolve({ kind: limit.aborted ? 'silent' : 'other' }));
    });
    asked.on('error', (error) => {
      const code = 'code' in error ? error.code : undefined;
      // A server that closes the connection without an answer, or does not speak HTTP, still runs.
      resolve({ kind: limit.aborted ? 'silent' : code === 'ECONNREFUSED' ? 'refused' : 'other' });
    });
    asked.end();
  });
};

/** Reads the body of a health answer; the field names are those that servers of several projects share. */
export function parseHealth(body: string): HealthAnswer {
  try {
    const parsed = v.safeParse(schema, JSON.parse(body));
    if (!parsed.success) {
      return { kind: 'other' };
    }
    const { status, version, pid, started, uptime, uptime_s: uptimeSeconds } = parsed.output;
    const seconds = uptime ?? uptimeSeconds;
    return {
      kind: 'health',
      health: {
        status,
        ...(version === undefined ? {} : { version }),
        ...(pid === undefined ? {} : { pid }),
        ...(started === undefined ? {} : { started: String(started) }),
        ...(seconds === undefined ? {} : { uptimeSeconds: seconds }),
      },
    };
  } catch {
    return { kind: 'other' };
  }
}
