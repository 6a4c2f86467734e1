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
      text += `${name}\n${principalOf(value) ?? value}\n`;
    }
  }
  return text === '' ? anonymous : createHash('sha256').update(text).digest('hex');
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
