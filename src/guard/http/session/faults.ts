import type { RequestId } from '../transport/clientMessage.ts';

/** Codes outside the range that JSON-RPC and MCP keep for themselves (2026-07-28, basic/index). */
export const faultCode = -31_050;
/** What the SDKs' servers say with 404; clients know it. */
export const sessionCode = -32_001;

/** Every way in which the proxy itself has to answer a request. */
export type Fault =
  /** Nobody accepts connections there; certainly not executed. */
  | { readonly kind: 'unreachable'; readonly server: string; readonly waitedMs: number; readonly reason: string }
  /** The connection ended after the request was sent. */
  | { readonly kind: 'cut'; readonly server: string; readonly reason: string }
  | { readonly kind: 'bad-session-id' }
  | { readonly kind: 'session-unknown' | 'session-ended' | 'session-of-another' }
  | { readonly kind: 'version-changed'; readonly server: string; readonly before: string; readonly now: string };

/** For people and for models: what happened, to which server, what to do. */
export function faultText(fault: Fault): string {
  switch (fault.kind) {
    case 'unreachable':
      return `The MCP server at ${fault.server} did not accept connections for ${Math.round(fault.waitedMs / 1_000)} s (${fault.reason}). The request was not sent, so it was not executed; send it again when the server runs.`;
    case 'cut':
      return `The MCP server at ${fault.server} ended the connection before it answered (${fault.reason}). The request may have been executed: check before you repeat it.`;
    case 'bad-session-id':
      return 'The Mcp-Session-Id header is no session id: it must be 1 to 1024 visible ASCII characters.';
    case 'session-unknown':
      return 'Session not found: this proxy issued no such session. Start a new one with initialize.';
    case 'session-ended':
      return 'Session not found: the client ended it. Start a new one with initialize.';
    case 'session-of-another':
      return 'Session not found: it belongs to another credential. Start a new one with initialize.';
    case 'version-changed':
      return `The MCP server at ${fault.server} was replaced and now speaks protocol version ${fault.now}, not ${fault.before} as in this session. The request was not executed; start a new session with initialize.`;
  }
}

/** A complete HTTP answer of the proxy. */
export interface FaultAnswer {
  readonly status: number;
  readonly body: string;
}

/**
 * A call that failed is answered as JSON-RPC with status 200: clients take other statuses for the end of the whole connection (VS Code, SDKs).
 * What is about the session, and what carries no request, has the status that the specification names.
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

export function rpcError(id: RequestId | null, code: number, message: string, data?: unknown): object {
  return { jsonrpc: '2.0', id, error: { code, message, ...(data === undefined ? {} : { data }) } };
}
