import { singleLine } from '../../base/singleLine.ts';
import { type IdKey, idText, type JsonObject } from './envelope.ts';

/** JSON-RPC leaves -32000 … -32099 to implementations. */
const guardErrorCode = -32_000;

/** The `result` or `error` of an answer. */
export type ToolAnswer = { readonly result: unknown } | { readonly error: unknown };

/** One message as a line of its own under an id, which is written exactly as it came. @param message an `id` in it is replaced */
export function messageLine(id: IdKey, { jsonrpc = '2.0', id: _, ...rest }: JsonObject): Buffer {
  const members = JSON.stringify(rest).slice(1);
  return Buffer.from(`{"jsonrpc":${JSON.stringify(jsonrpc)},"id":${idText(id)}${members === '}' ? '' : ','}${members}\n`);
}

/** The guard's answer to a call of a tool. */
export function toolAnswer(id: IdKey, answer: ToolAnswer): Buffer {
  return messageLine(id, answer);
}

/**
 * An answer to `tools/call` that reaches the model: clients show a failed result to the model, while many reword a protocol error.
 * @param modern protocol 2026-07-28, where a result names its type
 */
export function failedTool(text: string, modern: boolean): ToolAnswer {
  return { result: { ...(modern ? { resultType: 'complete' } : {}), content: [{ type: 'text', text }], isError: true } };
}

/**
 * The guard's answer to a request that no server answers: a failed result for a call of a tool, otherwise a protocol error.
 * @param text for a person and for a model: what happened and what to do
 */
export function failureAnswer(id: IdKey, text: string, { isCall, modern }: { readonly isCall: boolean; readonly modern: boolean }): Buffer {
  return messageLine(id, isCall ? failedTool(text, modern) : { error: { code: guardErrorCode, message: text } });
}

/** A JSON-RPC notification as a line with its line break. */
export function notificationLine(method: string, params?: unknown): Buffer {
  return Buffer.from(`${JSON.stringify({ jsonrpc: '2.0', method, params })}\n`);
}

/** More than any message of ours has. UTF-16 units. */
const longestLine = 4_096;

/** A text of a server as part of a message: one line, at most 300 characters. */
export function shownText(text: string): string {
  return singleLine(text, 300);
}

/** Writes what a server wrote to standard error to the guard's own, unchanged. */
export function passErrors(bytes: Buffer): void {
  process.stderr.write(bytes);
}

/** Writes a line of the guard's log to standard error: standard output carries the protocol only. Texts of others in it stay on this line. */
export function say(text: string): void {
  process.stderr.write(logLine(text));
}

/** A line of the guard's log. */
export function logLine(text: string): string {
  return `mcp-shepherd guard: ${singleLine(text, longestLine)}\n`;
}
