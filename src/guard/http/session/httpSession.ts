import type { RequestId } from '../transport/clientMessage.ts';

/** What is needed to set up a session again on another server process; what a client said, without any header. */
export interface SessionSetup {
  /** Parameters of the client's `initialize`; undefined when the session was not begun here. */
  initialize?: Readonly<Record<string, unknown>>;
  /** The path that the client sends to. */
  path: string;
  /** What the server chose in its answer to `initialize`. */
  protocolVersion?: string;
  /** The client has sent `notifications/initialized`. */
  initialized: boolean;
  logLevel?: string;
  subscriptions: string[];
  /** Which of the server's lists the client was told to expect news of. */
  listChanged: string[];
  /** Digest of each list as the client last got it, by the method that asks for it; `partial` when not all of it was seen. Missing in sessions kept by earlier versions. */
  lists?: Readonly<Record<string, string>>;
}

/** One session of a client, whatever became of the server's processes under it. */
export interface HttpSession {
  /** What the client sends. Stays the same as long as the session lives. */
  readonly clientId: string;
  /** Hash of who began it (`credentialHash`). */
  credential: string;
  /** What the server's process calls it now; undefined when that server gives no ids. */
  upstreamId: string | undefined;
  /** The server's process gave this id to somebody else: set up again before the next request. */
  lost: boolean;
  /** How often it was set up again. */
  generation: number;
  /** The client ended it, for good. */
  ended: boolean;
  /** The upstream server refused the credential with 401: the next one that it accepts takes its place (a renewed token). */
  renewing: boolean;
  /** Epoch milliseconds. */
  usedAt: number;
  readonly setup: SessionSetup;
  /** Until then it is not set up again (ms of the monotonic clock): the server refused it right after the last time. */
  futileUntil: number;
  /** The one recovery that is under way. */
  recovery?: Promise<unknown>;
  /** Ids of events that the present process sent, the newest last; the others mean nothing to it. */
  eventIds: Set<string>;
  /** Answers that the client will ask for with the id of the last event of a stream that the server ended before it answered. */
  suspended: Map<string, { readonly generation: number; readonly ids: readonly RequestId[] }>;
  /** Told when the session was set up again: listening streams of the client attach themselves anew. */
  readonly streams: Set<() => void>;
  /** Ids of requests that a server process sent, with the generation that it was. */
  serverRequests: Map<RequestId, number>;
}

/** A client's session as it begins. */
export function newSession(clientId: string, upstreamId: string | undefined, credential: string, path: string, now: number): HttpSession {
  return {
    clientId,
    credential,
    upstreamId,
    lost: false,
    generation: 0,
    futileUntil: 0,
    ended: false,
    renewing: false,
    usedAt: now,
    setup: { path, initialized: false, subscriptions: [], listChanged: [], lists: {} },
    eventIds: new Set(),
    serverRequests: new Map(),
    suspended: new Map(),
    streams: new Set(),
  };
}

/** For logs: enough to recognise it, too little to use it. */
export function shortId(id: string): string {
  return `${id.slice(0, Math.min(8, Math.ceil(id.length / 3)))}…`;
}

/** The rule of the specification (visible ASCII), with a bound that leaves room for signed ids. */
export function isSessionId(id: string): boolean {
  return id.length <= 1_024 && /^[\x21-\x7e]+$/.test(id);
}

const maxRemembered = 1_024;

/** Remembers a key in a bounded collection; the oldest goes. */
export function rememberBounded<K>(keys: { readonly size: number; keys(): Iterator<K>; delete(key: K): boolean }, add: () => void): void {
  add();
  if (keys.size > maxRemembered) {
    const oldest = keys.keys().next();
    if (!oldest.done) {
      keys.delete(oldest.value);
    }
  }
}
