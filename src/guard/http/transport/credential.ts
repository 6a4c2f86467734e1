import { createHash } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import { isRecord } from '../../../base/json.ts';
import { oneHeader } from './headers.ts';

/** Headers that say who asks. A client may send them all. */
const credentialHeaders = ['authorization', 'x-api-key', 'api-key', 'x-auth-token'];

/**
 * Who sends a request, as a hash: sessions are bound to it. Of a JSON web token it is the issuer and the subject, because its text changes with each renewal while
 * the person stays the same; that the token is genuine is for the upstream server to say, which sees every request. Cookies are left out: they change by themselves.
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
    // No web token: the whole text counts.
  }
  return undefined;
}
