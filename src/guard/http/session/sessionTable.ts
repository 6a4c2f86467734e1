import { createHash, randomUUID } from 'node:crypto';
import { type HttpSession, newSession } from './httpSession.ts';
import type { SessionStore } from './sessionStore.ts';

export interface SessionLimits {
  /** Sessions that are remembered at once; the one that was idle longest goes first. */
  readonly max: number;
  /** Milliseconds without a request after which one is forgotten. */
  readonly idleMs: number;
}

export type Admission = { readonly kind: 'known'; readonly session: HttpSession } | { readonly kind: 'ended' | 'of-another' | 'unknown' };

/** Sessions that are no longer remembered, and whose ids are still not given to anybody else. */
const maxGone = 10_000;

function hashOf(clientId: string): string {
  return createHash('sha256').update(clientId).digest('base64');
}

/** Sessions by the id that the client sends; what is not in memory may be in the store. */
export class SessionTable {
  readonly #sessions = new Map<string, HttpSession>();
  readonly #byUpstreamId = new Map<string, HttpSession>();
  /** By hash of their ids, sessions that had to make room: whose they were, and whether their clients had ended them. The oldest are first. */
  readonly #gone = new Map<string, Pick<HttpSession, 'credential' | 'ended'>>();
  readonly #store: SessionStore;
  readonly #limits: SessionLimits;
  readonly #now: () => number;

  constructor(store: SessionStore, limits: SessionLimits, now: () => number = Date.now) {
    this.#store = store;
    this.#limits = limits;
    this.#now = now;
    store.prune(limits.idleMs, limits.max);
  }

  /** How many sessions in memory their clients have not ended. */
  get open(): number {
    return [...this.#sessions.values()].filter(({ ended }) => !ended).length;
  }

  /** @param credential hash of who asks */
  admit(clientId: string, credential: string): Admission {
    const session = this.#sessions.get(clientId) ?? this.#fromStore(clientId);
    if (!session || this.#isIdle(session)) {
      if (session) {
        this.#remove(session);
      }
      const gone = this.#gone.get(hashOf(clientId));
      return { kind: gone === undefined ? 'unknown' : gone.credential !== credential ? 'of-another' : gone.ended ? 'ended' : 'unknown' };
    }
    if (session.credential !== credential && !session.renewing) {
      return { kind: 'of-another' };
    }
    if (session.ended) {
      return { kind: 'ended' };
    }
    this.#touch(session);
    return { kind: 'known', session };
  }

  /** A session that the server just began. The client gets the server's own id unless another client has that one already. */
  begin(upstreamId: string, credential: string, path: string): HttpSession {
    const taken = this.#sessions.has(upstreamId) || this.#fromStore(upstreamId) !== undefined || this.#gone.has(hashOf(upstreamId));
    const session = newSession(taken ? randomUUID() : upstreamId, undefined, credential, path, this.#now());
    this.setUpstreamId(session, upstreamId);
    this.#add(session);
    return session;
  }

  /** A session that was not begun here, under the id that its client sends. */
  adopt(session: HttpSession): void {
    const { upstreamId } = session;
    session.upstreamId = undefined;
    this.setUpstreamId(session, upstreamId);
    this.#add(session);
  }

  /** A server that counts its sessions gives the same ids again after a restart: whoever had this one before has lost it. */
  setUpstreamId(session: HttpSession, upstreamId: string | undefined): void {
    if (session.upstreamId !== undefined && this.#byUpstreamId.get(session.upstreamId) === session) {
      this.#byUpstreamId.delete(session.upstreamId);
    }
    session.upstreamId = upstreamId;
    session.lost = false;
    if (upstreamId !== undefined) {
      const before = this.#byUpstreamId.get(upstreamId);
      if (before && before !== session) {
        before.lost = true;
      }
      this.#byUpstreamId.set(upstreamId, session);
    }
  }

  /** Writes down what changed. */
  keep(session: HttpSession): void {
    if (this.#sessions.get(session.clientId) === session) {
      this.#store.save(session);
    }
  }

  /** The client ended it: its id is refused from now on. */
  end(session: HttpSession): void {
    session.ended = true;
    this.keep(session);
  }

  #add(session: HttpSession): void {
    this.#gone.delete(hashOf(session.clientId));
    this.#sessions.set(session.clientId, session);
    this.#store.save(session);
    for (const oldest of this.#sessions.values()) {
      // A map keeps the order of insertion, and every use inserts again: the first are the idle ones.
      if (this.#sessions.size <= this.#limits.max && !this.#isIdle(oldest)) {
        break;
      }
      this.#remove(oldest);
    }
  }

  #remove(session: HttpSession): void {
    this.#sessions.delete(session.clientId);
    if (session.upstreamId !== undefined && this.#byUpstreamId.get(session.upstreamId) === session) {
      this.#byUpstreamId.delete(session.upstreamId);
    }
    this.#store.forget(session.clientId);
    const hash = hashOf(session.clientId);
    this.#gone.delete(hash);
    this.#gone.set(hash, { credential: session.credential, ended: session.ended });
    for (const oldest of this.#gone.keys()) {
      if (this.#gone.size <= maxGone) {
        break;
      }
      this.#gone.delete(oldest);
    }
  }

  #fromStore(clientId: string): HttpSession | undefined {
    const session = this.#store.load(clientId);
    if (session) {
      this.#sessions.set(clientId, session);
      if (session.upstreamId !== undefined && !this.#byUpstreamId.has(session.upstreamId)) {
        this.#byUpstreamId.set(session.upstreamId, session);
      }
    }
    return session;
  }

  #touch(session: HttpSession): void {
    const now = this.#now();
    // The file's age decides after a restart: it is renewed now and then, not with every request.
    const renew = now - session.usedAt > this.#limits.idleMs / 20;
    session.usedAt = now;
    this.#sessions.delete(session.clientId);
    this.#sessions.set(session.clientId, session);
    if (renew) {
      this.#store.save(session);
    }
  }

  #isIdle(session: HttpSession): boolean {
    return this.#now() - session.usedAt > this.#limits.idleMs;
  }
}
