import * as v from 'valibot';
import { isRecord } from '../../base/json.ts';
import { protocolVersion } from '../instanceRecord.ts';

/**
 * The messages of a control connection, one JSON object a line (Instance Lock Protocol 1, 4.8). The server speaks first:
 *
 * - server: `{ilp, nonce}`; client: `{nonce, proof}` with HMAC-SHA256(secret, server's nonce + client's nonce);
 *   server: `{proof}` with HMAC-SHA256(secret, client's nonce + server's nonce). After a wrong proof the connection is closed without a message.
 * - client: `{id, verb, expectInstance, …}`; server: any number of `{id, progress}`, then `{id, result}` or `{id, error: {code, message}}`.
 */
const hex = (digits: number) => v.pipe(v.string(), v.regex(new RegExp(`^[0-9a-f]{${digits}}$`)));
const shortText = v.pipe(v.string(), v.maxLength(400), v.regex(/^\P{Cc}*$/u));
const object = v.custom<Record<string, never>>(isRecord);
const messageId = v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(2 ** 31 - 1));

export const greetingSchema = v.object({ ilp: v.literal(protocolVersion), nonce: hex(32) });
export const clientProofSchema = v.object({ nonce: hex(32), proof: hex(64) });
export const serverProofSchema = v.object({ proof: hex(64) });

export const verbs = ['status', 'restart', 'stop'] as const;
export type ControlVerb = (typeof verbs)[number];

export const requestSchema = v.object({
  id: messageId,
  verb: v.picklist(verbs),
  /** The instance that the user saw when asking. */
  expectInstance: hex(32),
  /** The server process that the user saw. A guard keeps its instance id when it restarts its server, so this tells one restart from the next. */
  expectServer: v.optional(v.object({ pid: v.pipe(v.number(), v.integer(), v.minValue(2)), start: v.pipe(v.string(), v.maxLength(40)) })),
  /** Name of the requester, for logs. */
  by: v.optional(shortText),
  /** Parameters of the verb. */
  params: v.optional(object),
});
export type ControlRequest = Readonly<v.InferOutput<typeof requestSchema>>;

/**
 * Why a request was not carried out. `other-instance`: `expectInstance` is not this instance. `already`: the server that the user saw no longer runs, so the
 * request is done or pointless. `stopping`: a stop is in progress. `unsupported`: this instance has no such verb. `failed`: it was tried and failed.
 */
export const refusalCodes = ['other-instance', 'already', 'stopping', 'unsupported', 'invalid', 'failed', 'too-large'] as const;
export type RefusalCode = (typeof refusalCodes)[number];

export const answerSchema = v.union([
  v.object({ id: messageId, progress: object }),
  v.object({ id: messageId, result: object }),
  v.object({ id: v.nullable(messageId), error: v.object({ code: v.picklist(refusalCodes), message: shortText }) }),
]);

/** A refusal or failure whose message the requester gets: it must not contain secrets. Thrown by handlers. */
export class ControlRefusal extends Error {
  readonly code: RefusalCode;

  constructor(code: RefusalCode, message: string) {
    super(message);
    this.code = code;
  }
}
