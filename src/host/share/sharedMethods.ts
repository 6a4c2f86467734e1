import { asRecord } from '../../base/json.ts';
import type { JsonObject } from '../../guard/message/envelope.ts';

/** Requests that make no server ask its client something. */
export const quiet: ReadonlySet<string> = new Set([
  ...['initialize', 'server/discover', 'ping', 'logging/setLevel', 'subscriptions/listen', 'resources/subscribe', 'resources/unsubscribe'],
  ...['tools/list', 'prompts/list', 'resources/list', 'resources/templates/list'],
]);

/** Lists that describe the code of a server, by the member of their result. Resources are data, which changes. */
export const codeLists: ReadonlyMap<string, string> = new Map([
  ['tools/list', 'tools'],
  ['prompts/list', 'prompts'],
  ['resources/templates/list', 'resourceTemplates'],
]);

/** From the most detailed to the least. */
const levels: readonly unknown[] = ['debug', 'info', 'notice', 'warning', 'error', 'critical', 'alert', 'emergency'];
/** What a client that has set none gets when another one has. */
const defaultLevel = 1;

/** Its place among the levels; undefined for another text. */
export function levelOf(name: unknown): number | undefined {
  const place = levels.indexOf(name);
  return place < 0 ? undefined : place;
}

/** The level that a server needs for all its clients. */
export function neededLevel(set: readonly (number | undefined)[]): unknown {
  return levels[Math.min(...set.map((level) => level ?? defaultLevel))];
}

/** Whether a client gets a message of a level. @param own its level */
export function wantsLevel(own: number | undefined, message: unknown): boolean {
  return (levelOf(message) ?? levels.length) >= (own ?? defaultLevel);
}

/** The error that a request gets instead of an answer. JSON-RPC leaves -32000 … -32099 to implementations. */
export function refusal(message: string): JsonObject {
  return { error: { code: -32_000, message } };
}

/** The parameters of a message. */
export function paramsOf(message: JsonObject | undefined): JsonObject {
  return asRecord(message?.params) ?? {};
}
