import { asRecord } from '../../base/json.ts';
import { type IdKey, idText, type JsonObject } from '../message/envelope.ts';
import type { KeptAnswer, KeptAnswers } from './answerFile.ts';
import { ordered } from './answerKey.ts';

/** Differences of one key after which its server is started with the session. */
const mostDifferences = 2;
/** Equal answers in a row after which a list of resources, which are data, is expected to stay. */
const sameStarts = 2;

/** Methods of which only the method is kept: the parameters are the user's, and the answer is an empty object. */
export const plainMethods: ReadonlySet<string> = new Set(['logging/setLevel', 'resources/subscribe', 'resources/unsubscribe']);

/** A request as it is kept: the method with the parameters that the answer depends on (specification 2026-07-28, Caching). */
export function requestText(method: string, params: JsonObject): string {
  const { _meta: _, ...rest } = params;
  return method === 'initialize' || method === 'server/discover' || plainMethods.has(method) ? method : `${method} ${ordered(rest)}`;
}

/** Whether an answer may be kept at all. @param modern protocol 2026-07-28 */
export function isKept(method: string, result: JsonObject, modern: boolean): boolean {
  if (plainMethods.has(method)) {
    return Object.keys(result).length === 0;
  }
  return !modern || (typeof result.ttlMs === 'number' && result.ttlMs > 0 && result.resultType !== 'input_required');
}

/**
 * The kept answer as it may be given now; undefined when the server has to answer. A lifetime (`ttlMs`, protocol 2026-07-28) goes on while the answer is kept;
 * `cacheScope` is always obeyed, because the answers of a key belong to one user.
 * @param now epoch ms
 */
export function usableAnswer(method: string, kept: KeptAnswer | undefined, modern: boolean, now: number): JsonObject | undefined {
  if (!kept || (method === 'resources/list' && kept.same < sameStarts)) {
    return undefined;
  }
  if (!modern || method === 'subscriptions/listen') {
    return kept.result;
  }
  const left = typeof kept.result.ttlMs === 'number' ? kept.result.ttlMs - Math.max(0, now - kept.at) : 0;
  return left > 0 ? { ...kept.result, ttlMs: Math.round(left) } : undefined;
}

/** Why a server is started with the session although its answers are kept under this key; undefined when it need not be. */
export function eagerByEvidence({ differences, asking }: KeptAnswers, key: string): string | undefined {
  const found = differences.filter((one) => one.key === key);
  if (found.length >= mostDifferences) {
    return `its answers differed ${found.length} times from those of the start before (${found.at(-1)?.what})`;
  }
  return asking.includes(key) ? 'it asked its client something before its first answer' : undefined;
}

/** One answer of a server that was just started. */
export interface FreshAnswer {
  readonly key: string;
  readonly request: string;
  readonly result: JsonObject;
  readonly error?: JsonObject;
  readonly at: number;
}

/** Adds the answers of a start to those that are kept. @param now epoch ms */
export function withAnswers(kept: KeptAnswers, fresh: readonly FreshAnswer[], now: number): KeptAnswers {
  let { sets } = kept;
  for (const { key, request, result, at, ...refused } of fresh) {
    const set = sets.find((one) => one.key === key) ?? { key, usedAt: now, answers: [] };
    const before = set.answers.find((one) => one.request === request);
    const same = before && ordered(before.result) === ordered(result) ? Math.min(before.same + 1, sameStarts) : 1;
    const answers = [...set.answers.filter((one) => one !== before), { request, result, at, same, ...refused }];
    sets = [{ ...set, usedAt: now, answers }, ...sets.filter((one) => one !== set)];
  }
  return { ...kept, sets };
}

/** Drops the answers of a key and keeps why. @param at epoch ms */
export function withDifference(kept: KeptAnswers, key: string, what: string, at: number): KeptAnswers {
  return { ...kept, sets: kept.sets.filter((one) => one.key !== key), differences: [...kept.differences, { key, at, what }] };
}

/** Drops the lists of resources of a key: another list of data says nothing about the server. */
export function withoutResources(kept: KeptAnswers, key: string): KeptAnswers {
  const isOther = ({ request }: KeptAnswer): boolean => !request.startsWith('resources/list ');
  return { ...kept, sets: kept.sets.map((set) => (set.key === key ? { ...set, answers: set.answers.filter(isOther) } : set)) };
}

/** A session with this key ended without a start. @param now epoch ms */
export function withSpared(kept: KeptAnswers, key: string, now: number): KeptAnswers {
  const sets = kept.sets.map((set) => (set.key === key ? { ...set, usedAt: now } : set));
  return { ...kept, spared: kept.spared + 1, sets };
}

/** What no session can go on with when a handshake is repeated: another protocol version, or other capabilities. Undefined when neither differs. */
export function handshakeDifference(told: JsonObject, now: JsonObject): string | undefined {
  const versions = ({ protocolVersion, supportedVersions }: JsonObject): string =>
    ordered([protocolVersion ?? null, supportedVersions ?? null]);
  if (versions(told) !== versions(now)) {
    return 'it speaks another protocol version';
  }
  return ordered(told.capabilities ?? {}) === ordered(now.capabilities ?? {}) ? undefined : 'it offers other capabilities';
}

/** The acknowledgement of a subscription stream. @param result what was kept of it */
export function acknowledgementLine(id: IdKey, result: JsonObject): Buffer {
  const meta = `"_meta":{"io.modelcontextprotocol/subscriptionId":${idText(id)}}`;
  const rest = JSON.stringify(result).slice(1, -1);
  const params = `{${meta}${rest === '' ? '' : `,${rest}`}}`;
  return Buffer.from(`{"jsonrpc":"2.0","method":"notifications/subscriptions/acknowledged","params":${params}}\n`);
}

/** The answer to the calls that waited for a server which did not start. @param errors its last lines on standard error, redacted */
export function failureText(name: string, reason: string, errors: readonly string[]): string {
  const last = errors.length === 0 ? '' : `\nIts last lines on standard error:\n${errors.join('\n')}`;
  return `${name} did not start: ${reason}. Nothing was carried out; the next call starts it again.${last}`;
}

/** Whether a server declares that several clients may share it: it has no session with this client (protocol 2026-07-28), or says so in its capabilities, as other hosts read it. */
export function isDeclaredShareable({ sets }: KeptAnswers, key: string, method: string): boolean {
  const answers = sets.find((set) => set.key === key)?.answers ?? [];
  return answers.some(({ request, result, error }) => {
    const capabilities = asRecord(result.capabilities);
    const declared = asRecord(capabilities?.['x-mux']) ?? asRecord(asRecord(capabilities?.experimental)?.['x-mux']);
    const isStateless = method !== 'initialize' && request.startsWith('server/discover');
    return error === undefined && (isStateless || declared?.sharing === 'shared');
  });
}
