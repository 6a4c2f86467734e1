import type { RequestId } from '../transport/clientMessage.ts';

/** Outside the range that JSON-RPC and MCP reserve (revision 2026-07-28, basic/index). */
export const faultCode = -31_050;
/** The code that servers of the SDKs send with 404; clients know it. */
export const sessionCode = -32_001;

/** Why the guard itself answers a request with an error. */
export type Fault =
  /** The server accepts no connections; the request was not executed. */
  | { readonly kind: 'unreachable'; readonly server: string; readonly waitedMs: number; readonly reason: string }
  /** The connection ended after the request was sent. */
  | { readonly kind: 'cut'; readonly server: string; readonly reason: string }
  | { readonly kind: 'bad-session-id' }
  | { readonly kind: 'session-unknown' | 'session-ended' | 'session-of-another' | 'session-too-large' }
  | { readonly kind: 'version-changed'; readonly server: string; readonly before: string; readonly now: string };

/** For people and models: what happened, to which server, and what to do. */
export function faultText(fault: Fault): string {
  switch (fault.kind) {
    case 'unreachable':
      return `The MCP server at ${fault.server} did not accept connections for ${Math.round(fault.waitedMs / 1_000)} s (${fault.reason}). The request was not sent, so it was not executed; send it again when the server runs.`;
    case 'cut':
      return `The MCP server at ${fault.server} ended the connection before it answered (${fault.reason}). The request may have been executed: check before you repeat it.`;
    case 'bad-session-id':
      return 'The Mcp-Session-Id header is not a session id: it must be 1 to 1024 visible ASCII characters.';
    case 'session-unknown':
      return 'Session not found: this guard issued no such session. Start a new one with initialize.';
    case 'session-ended':
      return 'Session not found: the client ended it. Start a new one with initialize.';
    case 'session-of-another':
      return 'Session not found: it belongs to another credential. Start a new one with initialize.';
    case 'session-too-large':
      return 'Session not found: the server no longer knows it, and the guard cannot set it up again, because it keeps at most 16 kB of the parameters of initialize. The request was not executed; start a new session with initialize.';
    case 'version-changed':
      return `The MCP server at ${fault.server} was replaced and now speaks protocol version ${fault.now}, not ${fault.before} as in this session. The request was not executed; start a new session with initialize.`;
  }
}

interface FaultAnswer {
  readonly status: number;
  readonly body: string;
}

/**
 * The HTTP answer for a fault. A failed call is answered as JSON-RPC with status 200: VS Code and the SDKs take other statuses for the end of the connection.
 * Faults of the session, and messages without a request, get the status that the specification names.
 */
export function faultAnswer(fault: Fault, requestIds: readonly RequestId[]): FaultAnswer {
  const text = faultText(fault);
  if (fault.kind === 'unreachable' || fault.kind === 'cut') {
    const errors = requestIds.map((id) => rpcError(id, faultCode, text, { executed: fault.kind === 'cut' ? 'unknown' : 'no' }));
    const [only] = errors;
    return only === undefined
      ? { status: fault.kind === 'unreachable' ? 503 : 502, body: JSON.stringify(rpcError(null, faultCode, text)) }
      : { status: 200, body: JSON.stringify(errors.length === 1 ? only : errors) };
  }
  return { status: fault.kind === 'bad-session-id' ? 400 : 404, body: JSON.stringify(rpcError(requestIds[0] ?? null, sessionCode, text)) };
}

/** An error response of JSON-RPC 2.0. */
export function rpcError(id: RequestId | null, code: number, message: string, data?: unknown): object {
  return { jsonrpc: '2.0', id, error: { code, message, ...(data === undefined ? {} : { data }) } };
}
