import type { RequestId } from '../transport/clientMessage.ts';

/** The data with which the guard sets a session up again on another server process: what the client sent, without headers. */
interface SessionSetup {
  /** `keptInitialize` of the client's `initialize`; undefined when the session began before this guard. */
  initialize?: string;
  /** The client's `initialize` was too large to be kept: the session cannot be set up again. */
  tooLarge?: boolean;
  /** Path of the client's requests. */
  path: string;
  /** The revision that the server chose in its answer to `initialize`. */
  protocolVersion?: string;
  /** The client has sent `notifications/initialized`. */
  initialized: boolean;
  logLevel?: string;
  subscriptions: string[];
  /** Lists of which the server promised to announce changes. */
  listChanged: string[];
  /** Digest of each list that the client last got, by method; `partial` when it did not get all pages. Missing in sessions of earlier versions. */
  lists?: Readonly<Record<string, string>>;
}

/** Longest parameters of `initialize` that are kept, bytes. */
const maxInitializeBytes = 16_384;

/**
 * The part of the parameters of `initialize` that the guard keeps: version, capabilities and client, as JSON. A parsed value can take twenty times the memory.
 * @returns undefined when it is larger than 16 kB
 */
export function keptInitialize({ protocolVersion, capabilities, clientInfo }: Readonly<Record<string, unknown>>): string | undefined {
  const text = JSON.stringify({ protocolVersion, capabilities, clientInfo });
  return Buffer.byteLength(text) <= maxInitializeBytes ? text : undefined;
}

/** Longest list of subscriptions that a session keeps, characters. */
const maxSubscribed = 65_536;
/** Longest text that a session stores, characters. */
export const maxStoredText = 4_096;

/** @returns false when the session has as many subscriptions as it may: this one is not made again after a restart */
export function subscribe({ setup }: HttpSession, uri: string): boolean {
  if (setup.subscriptions.includes(uri)) {
    return true;
  }
  const size = setup.subscriptions.reduce((sum, one) => sum + one.length, uri.length);
  if (uri.length > maxStoredText || size > maxSubscribed) {
    return false;
  }
  setup.subscriptions.push(uri);
  return true;
}

/** Memory that a session may take, bytes; an upper bound without event ids, which the server chooses. */
export function sizeOf({ setup }: HttpSession): number {
  const texts = [setup.initialize ?? '', setup.path, ...setup.subscriptions];
  return texts.reduce((sum, text) => sum + 2 * text.length + 64, 2_048);
}

/** One session of a client; it outlives the server's processes. */
export interface HttpSession {
  /** The id that the client sends. It never changes. */
  readonly clientId: string;
  /** `credentialHash` of the client. */
  credential: string;
  /** The id of the present server process; undefined when that server gives no ids. */
  upstreamId: string | undefined;
  /** The server gave this id to another session: set up again before the next request. */
  lost: boolean;
  /** How often the session was set up again. */
  generation: number;
  /** The client has ended it. */
  ended: boolean;
  /**
   * The server refused this credential, the session's own, with 401 at this time (ms of the monotonic clock): the next one that it accepts replaces it (a
   * renewed token), unless it accepts this one again.
   */
  refused?: { readonly credential: string; readonly at: number };
  /** Time of the last request, epoch milliseconds. */
  usedAt: number;
  readonly setup: SessionSetup;
  /** It is not set up again before this time (ms of the monotonic clock), because the server refused it right after the last time. */
  futileUntil: number;
  /** The recovery in progress. */
  recovery?: Promise<unknown>;
  /** Event ids of the present server process, the newest last; it does not know any other. */
  eventIds: Set<string>;
  /** Requests whose stream the server ended before it answered, by the id of its last event: the client will ask for the rest. */
  suspended: Map<string, { readonly generation: number; readonly ids: readonly RequestId[] }>;
  /** Called when the session was set up again: the client's listening streams attach to the new server. */
  readonly streams: Set<() => void>;
  /** Ids of requests of the server, with the generation of its process. */
  serverRequests: Map<RequestId, number>;
}

/** A session that has just begun. `now`: epoch ms. */
export function newSession(clientId: string, upstreamId: string | undefined, credential: string, path: string, now: number): HttpSession {
  return {
    clientId,
    credential,
    upstreamId,
    lost: false,
    generation: 0,
    futileUntil: 0,
    ended: false,
    usedAt: now,
    setup: { path, initialized: false, subscriptions: [], listChanged: [], lists: {} },
    eventIds: new Set(),
    serverRequests: new Map(),
    suspended: new Map(),
    streams: new Set(),
  };
}

/** Beginning of a session id, for logs: too short to use the session. */
export function shortId(id: string): string {
  return `${id.slice(0, Math.min(8, Math.ceil(id.length / 3)))}…`;
}

/** Visible ASCII, as the specification says, up to 1,024 characters. */
export function isSessionId(id: string): boolean {
  return id.length <= 1_024 && /^[\x21-\x7e]+$/.test(id);
}

const maxRemembered = 1_024;

/** Adds a key to a collection and removes the oldest one beyond 1,024. */
export function rememberBounded<K>(keys: { readonly size: number; keys(): Iterator<K>; delete(key: K): boolean }, add: () => void): void {
  add();
  if (keys.size > maxRemembered) {
    const oldest = keys.keys().next();
    if (!oldest.done) {
      keys.delete(oldest.value);
    }
  }
}
