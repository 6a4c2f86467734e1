import { createHash } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import { isRecord } from '../../../base/json.ts';
import { oneHeader } from './headers.ts';

/** Headers that carry credentials. A client may send all of them. */
const credentialHeaders = ['authorization', 'x-api-key', 'api-key', 'x-auth-token'];

/**
 * Hash of the credentials of a request; sessions are bound to it. A JSON web token counts by issuer and subject, because its text changes with each renewal.
 * The upstream server, which gets every request, verifies the token. Cookies do not count: servers change them.
 */
export function credentialHash(headers: IncomingHttpHeaders): string {
  let text = '';
  for (const name of credentialHeaders) {
    const value = oneHeader(headers, name);
    if (value !== undefined) {
      // No header begins with a space: a value that looks like issuer and subject is not taken for a token.
      text += `${name}\n${principalOf(value) ?? (value.startsWith('[') ? ` ${value}` : value)}\n`;
    }
  }
  return text === '' ? anonymous : createHash('sha256').update(text).digest('hex');
}

/**
 * Whether another credential may replace this one after the server refused it. Never for a JSON web token: a renewed one has the same hash, and its issuer and
 * subject are no secret, so a refused one shows nothing.
 */
export function isRenewable(headers: IncomingHttpHeaders): boolean {
  return credentialHeaders.every((name) => principalOf(oneHeader(headers, name) ?? '') === undefined);
}

const anonymous = createHash('sha256').digest('hex');

function principalOf(value: string): string | undefined {
  const payload = /^Bearer\s+[\w-]+\.([\w-]+)\.[\w-]*$/i.exec(value)?.[1];
  if (payload === undefined) {
    return undefined;
  }
  try {
    const claims: unknown = JSON.parse(Buffer.from(payload, 'base64url').toString('utf8'));
    if (isRecord(claims) && typeof claims.iss === 'string' && typeof claims.sub === 'string') {
      return JSON.stringify([claims.iss, claims.sub]);
    }
  } catch {
    // Not a JSON web token: the whole value counts.
  }
  return undefined;
}
