import type { Hash } from 'node:crypto';
import { isRecord } from '../../base/json.ts';
import { openssl } from '../../base/random.ts';
import { singleLine } from '../../base/singleLine.ts';
import type { Body, Envelope, IdKey, JsonObject } from '../message/envelope.ts';
import type { MessageSource } from '../process/serverProcess.ts';

/** The lists that a client keeps, by method: the member of the result, and the notification of a change. */
export const lists = {
  'tools/list': { member: 'tools', changed: 'notifications/tools/list_changed' },
  'prompts/list': { member: 'prompts', changed: 'notifications/prompts/list_changed' },
  'resources/list': { member: 'resources', changed: 'notifications/resources/list_changed' },
  'resources/templates/list': { member: 'resourceTemplates', changed: 'notifications/resources/list_changed' },
} as const;

export type ListMethod = keyof typeof lists;

/** Whether the method asks for one of the lists that MCP servers announce changes of. */
export function isListMethod(method: string): method is ListMethod {
  return Object.hasOwn(lists, method);
}

/** Answers for a server that is started lazily (`guard/lazy`), and keeps what it answers. */
export interface LazySession {
  /** The session begins without a server. */
  readonly begins: boolean;
  /** No server runs, and none is being started. */
  readonly rests: boolean;
  /** A server is being started for a request: the first one, or the one after a sleep. */
  readonly wakes: boolean;
  /** The mark `start` of the record. */
  readonly mark: unknown;
  /** Gets the standard error of a server that is started by a call. */
  readonly errors: ((output: MessageSource | null) => void) | undefined;
  /** The session is ending: a start that fails now is no failure. */
  ending(): void;
  /** Writes what is kept. Call it when no server runs. */
  close(): Promise<void>;
  /** A message of the client while no server runs. @returns whether it is done with; otherwise it waits for the server */
  take(line: Buffer, envelope: Envelope): boolean;
  /** A server answered one of the requests that are remembered. */
  answered(method: string, params: JsonObject, answer: JsonObject): void;
  /** A server acknowledged a subscription stream. */
  acknowledged(id: IdKey, params: JsonObject): void;
  /** A new server answered the repeated handshake. @throws with the reason when the session cannot go on with it */
  handshake(method: string, result: JsonObject): void;
  /** A new server gives other lists than the client has. */
  listsDiffer(methods: readonly ListMethod[]): void;
}

/** The messages that a new server needs before it can replace the old one, and the lists that the client has. */
export class SessionMemory {
  /** For modules that are loaded later: an import would make a piece of its own of this one. */
  readonly announced = announceListChanges;
  readonly kinds = lists;
  readonly digest = listDigest;
  /** With `--start lazy`. */
  lazy: LazySession | undefined;
  /** Parameters of the client's `initialize`, once it was answered with a result. */
  initialize: JsonObject | undefined;
  /** The protocol version that client and server agreed on; a new server is asked for it. */
  protocolVersion: string | undefined;
  /** `notifications/initialized` as it came. */
  initialized: Buffer | undefined;
  /** Parameters of `server/discover` (2026-07-28), once it was answered with a result. */
  discover: JsonObject | undefined;
  /** Parameters of the last `logging/setLevel`. */
  logLevel: JsonObject | undefined;
  /** Parameters of `resources/subscribe` by URI. */
  readonly subscriptions = new Map<string, JsonObject>();
  /** Open `subscriptions/listen` requests, as they came. */
  readonly listens = new Map<IdKey, Buffer>();
  /** A server has answered a request with a result: it works, and its end is a crash. */
  hasServed = false;
  /** Digest of each list as the client last got it, or was told of it: `partial` while pages are missing, `none` when the server gave no list. */
  readonly lists = new Map<ListMethod, string>();
  /** Lists of which more pages follow. */
  readonly #pages = new Map<ListMethod, ListPages>();
  /** The server's answer to `initialize` offers tasks, which live in the server. */
  hasTasks = false;
  /** `_meta` of the client's requests in protocol 2026-07-28, for the guard's own requests. */
  requestMeta: JsonObject | undefined;
  /** Remembered requests that were not answered. */
  readonly asked = new Map<IdKey, { readonly method: string; readonly params: JsonObject; readonly line: Buffer }>();

  /** An answer is awaited whose content matters here. */
  get isWaiting(): boolean {
    return this.asked.size > this.listens.size;
  }

  /** Name and version as the client states them, fit for a record. */
  get clientInfo(): { readonly name: string; readonly version: string | undefined } | undefined {
    const info = this.initialize?.clientInfo;
    if (!isRecord(info) || typeof info.name !== 'string' || info.name.trim() === '') {
      return undefined;
    }
    return { name: singleLine(info.name, 200), version: typeof info.version === 'string' ? singleLine(info.version, 200) : undefined };
  }

  /** The client speaks protocol 2026-07-28, which has no handshake. */
  get isModern(): boolean {
    return this.initialize === undefined;
  }

  /** The client is known to speak protocol 2026-07-28: a server keeps no state of its session. */
  get isStateless(): boolean {
    return this.isModern && (this.discover !== undefined || this.isUnannounced);
  }

  /** Methods whose requests and answers are remembered. */
  static readonly methods: ReadonlySet<string> = new Set([
    ...['initialize', 'server/discover', 'logging/setLevel', 'resources/subscribe', 'resources/unsubscribe', 'subscriptions/listen'],
    ...Object.keys(lists),
  ]);

  /** Notes a request to the server; only for the methods above. */
  noteRequest(id: IdKey, envelope: Envelope & { kind: 'request' }, line: Buffer): void {
    const message = envelope.body.value();
    const params = isRecord(message?.params) ? message.params : {};
    this.asked.set(id, { method: envelope.method, params, line: Buffer.from(line) });
    this.#noteMeta(params);
    if (envelope.method === 'subscriptions/listen') {
      this.listens.set(id, Buffer.from(line));
    }
  }

  /** Notes a call of a tool. Without a handshake and before any list, only calls tell which protocol the client speaks. */
  noteCall(body: Body): void {
    if (this.isModern && !this.requestMeta) {
      const params = body.value()?.params;
      this.#noteMeta(isRecord(params) ? params : {});
    }
  }

  #noteMeta(params: JsonObject): void {
    if (isRecord(params._meta) && 'io.modelcontextprotocol/protocolVersion' in params._meta) {
      // A progress token belongs to its one request.
      this.requestMeta = Object.fromEntries(Object.entries(params._meta).filter(([name]) => name.startsWith('io.modelcontextprotocol/')));
    }
  }

  /** The client speaks protocol 2026-07-28 and has not sent `server/discover`. */
  get isUnannounced(): boolean {
    return this.isModern && !this.discover && this.requestMeta !== undefined;
  }

  /** Parameters of a request of the guard itself, in the protocol that the client speaks. */
  ownParams(params: JsonObject): JsonObject {
    return this.isModern && this.requestMeta ? { ...params, _meta: this.requestMeta } : params;
  }

  /** Notes the answer to such a request. @returns whether it is a whole list in one page */
  noteAnswer(id: IdKey, answer: JsonObject | undefined): boolean {
    const asked = this.asked.get(id);
    this.asked.delete(id);
    this.listens.delete(id);
    const result = isRecord(answer?.result) ? answer.result : undefined;
    if (asked && answer) {
      this.lazy?.answered(asked.method, asked.params, answer);
    }
    if (!asked || !result) {
      return false;
    }
    const { method, params } = asked;
    if (method === 'initialize') {
      this.initialize = params;
      this.hasTasks = isRecord(result.capabilities) && result.capabilities.tasks !== undefined;
      this.protocolVersion = typeof result.protocolVersion === 'string' ? result.protocolVersion : undefined;
    } else if (method === 'server/discover') {
      this.discover = params;
    } else if (method === 'logging/setLevel') {
      this.logLevel = params;
    } else if (method === 'resources/subscribe' && typeof params.uri === 'string') {
      this.subscriptions.set(params.uri, params);
    } else if (method === 'resources/unsubscribe' && typeof params.uri === 'string') {
      this.subscriptions.delete(params.uri);
    } else if (isListMethod(method)) {
      this.#noteList(method, params.cursor, result);
      return params.cursor === undefined && result.nextCursor === undefined;
    }
    return false;
  }

  #noteList(method: ListMethod, cursor: unknown, result: JsonObject): void {
    const pages = cursor === undefined ? new ListPages(method) : this.#pages.get(method);
    this.#pages.delete(method);
    const digest = pages?.add(cursor, result);
    this.lists.set(method, digest ?? 'partial');
    if (pages && digest === undefined) {
      this.#pages.set(method, pages);
    }
  }

  /** The client cancelled the request. */
  forget(id: IdKey): void {
    this.asked.delete(id);
    this.listens.delete(id);
  }
}

/** A list up to this length, in characters, is its own digest: most guards then never load OpenSSL. */
const plainChars = 256 * 1_024;

/** A bounded text that is equal for equal lists. */
class ListDigest {
  #text = '';
  #hash: Hash | undefined;

  add(part: string): this {
    if (this.#hash === undefined && this.#text.length + part.length > plainChars) {
      this.#hash = openssl().createHash('sha256').update(this.#text);
      this.#text = '';
    }
    if (this.#hash) {
      this.#hash.update(part);
    } else {
      this.#text += part;
    }
    return this;
  }

  end(): string {
    return this.#hash?.digest('hex') ?? this.#text;
  }
}

/** The digest of a list that comes in pages. It equals the digest of the whole list in one page. */
export class ListPages {
  readonly #member: string;
  readonly #digest = new ListDigest().add('[');
  #isEmpty = true;
  #next: unknown;
  #isBroken = false;

  constructor(method: ListMethod) {
    this.#member = lists[method].member;
  }

  /**
   * @param cursor of the request; undefined for the first page
   * @returns the digest after the last page; undefined before it, and for pages out of order
   */
  add(cursor: unknown, result: JsonObject): string | undefined {
    const items = result[this.#member];
    if (this.#isBroken || cursor !== this.#next || !Array.isArray(items)) {
      this.#isBroken = true;
      return undefined;
    }
    if (items.length > 0) {
      this.#digest.add(`${this.#isEmpty ? '' : ','}${JSON.stringify(items).slice(1, -1)}`);
      this.#isEmpty = false;
    }
    this.#next = result.nextCursor;
    return this.#next === undefined ? this.#digest.add(']').end() : undefined;
  }
}

/** Equal for lists that a client cannot tell apart. */
export function listDigest(method: ListMethod, result: JsonObject): string {
  return new ListDigest().add(JSON.stringify(result[lists[method].member]) ?? '').end();
}

/**
 * The answer to `initialize` with `listChanged: true` in every capability that exists: clients react to `list_changed` only when it was announced, and a
 * restart may change every list. This is the only message of the handshake that the guard changes.
 * @returns undefined when no change is needed
 */
export function announceListChanges(answer: JsonObject): JsonObject | undefined {
  const result = isRecord(answer.result) ? answer.result : undefined;
  const capabilities = isRecord(result?.capabilities) ? result.capabilities : undefined;
  if (!result || !capabilities) {
    return undefined;
  }
  let changed = false;
  const announced: Record<string, unknown> = { ...capabilities };
  for (const name of ['tools', 'prompts', 'resources']) {
    const capability = capabilities[name];
    if (isRecord(capability) && capability.listChanged !== true) {
      announced[name] = { ...capability, listChanged: true };
      changed = true;
    }
  }
  return changed ? { ...answer, result: { ...result, capabilities: announced } } : undefined;
}
