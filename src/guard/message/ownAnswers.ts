import { type IdKey, idText } from './envelope.ts';

/** JSON-RPC leaves -32000 … -32099 to implementations. */
export const guardErrorCode = -32_000;

/** An answer of our own to a request that no server answers. @param message for a person and for a model: what happened and what to do */
export function errorAnswer(id: IdKey, message: string, data?: unknown, code: number = guardErrorCode): Buffer {
  const error = JSON.stringify(data === undefined ? { code, message } : { code, message, data });
  return Buffer.from(`{"jsonrpc":"2.0","id":${idText(id)},"error":${error}}\n`);
}

/** What stands beside the id in an answer. */
export type ToolAnswer = { readonly result: unknown } | { readonly error: unknown };

export function toolAnswer(id: IdKey, answer: ToolAnswer): Buffer {
  return Buffer.from(`{"jsonrpc":"2.0","id":${idText(id)},${JSON.stringify(answer).slice(1)}\n`);
}

/**
 * An answer to `tools/call` that reaches the model: clients show a failed result to it, while many turn a protocol error into their own words.
 * @param modern protocol 2026-07-28, where a result names its type
 */
export function failedTool(text: string, modern: boolean): ToolAnswer {
  return { result: { ...(modern ? { resultType: 'complete' } : {}), content: [{ type: 'text', text }], isError: true } };
}

export function notificationLine(method: string, params?: unknown): Buffer {
  return Buffer.from(`${JSON.stringify(params === undefined ? { jsonrpc: '2.0', method } : { jsonrpc: '2.0', method, params })}\n`);
}

/** What the guard itself says, on standard error: standard output carries protocol only. */
export function say(text: string): void {
  process.stderr.write(`mcp-shepherd guard: ${text}\n`);
}
