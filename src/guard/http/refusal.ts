import { isObject } from './clientMessage.ts';

/** Longer bodies are no refusals; they go on as they are. */
export const maxRefusalBytes = 65_536;

/**
 * Texts with which servers refuse a session id with 400 (research/seeds-upstream.md, section 4): Python SDK up to 1.25 and the published TypeScript example
 * "No valid session ID provided", a fresh TypeScript transport "Server not initialized", and what wrappers made of them.
 */
const refusalTexts =
  /no valid session id|server not initialized|session (?:id )?(?:was |is |has )?(?:not found|expired|terminated|closed|unknown|invalid)|(?:invalid|unknown|expired)(?: or expired)? session/i;

/** Codes of JSON-RPC that a server sends with 404 or 400 although the session is fine: parse error, no such method, bad parameters. */
const otherCodes = new Set([-32_700, -32_601, -32_602]);

/**
 * Whether an answer says that the server does not know the session that the request named: then it did not execute the request.
 * Only to be asked when the request carried a session id.
 */
export function isSessionRefusal(status: number, body: string): boolean {
  if (status !== 404 && status !== 400) {
    return false;
  }
  const error = errorOf(body);
  if (error?.code !== undefined && otherCodes.has(error.code)) {
    return false;
  }
  // 404 has no other meaning for a request of a session (2025-03-26 … 2025-11-25, basic/transports).
  return status === 404 || refusalTexts.test(error?.message ?? body.slice(0, 4_096));
}

function errorOf(body: string): { readonly code?: number; readonly message?: string } | undefined {
  try {
    const value: unknown = JSON.parse(body);
    const error = isObject(value) ? value.error : undefined;
    if (isObject(error)) {
      return {
        ...(typeof error.code === 'number' ? { code: error.code } : {}),
        ...(typeof error.message === 'string' ? { message: error.message } : {}),
      };
    }
    return undefined;
  } catch {
    return undefined;
  }
}
