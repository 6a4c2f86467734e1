import { createHash, randomUUID } from 'node:crypto';
import { type HttpSession, newSession, sizeOf } from './httpSession.ts';
import type { SessionStore } from './sessionStore.ts';

interface SessionLimits {
  /** Sessions that are kept at a time; the one that was idle longest is removed first. */
  readonly max: number;
  /** A session without a request for this long is removed, ms. */
  readonly idleMs: number;
}

type Admission = { readonly kind: 'known'; readonly session: HttpSession } | { readonly kind: 'ended' | 'of-another' | 'unknown' };

/** Limit for all sessions in memory together (`sizeOf`), bytes. The session that was idle longest is removed first. */
const maxTotalBytes = 33_554_432;

/** Removed sessions whose ids are not used for other sessions. */
const maxGone = 10_000;

function hashOf(clientId: string): string {
  return createHash('sha256').update(clientId).digest('base64');
}

/** The sessions, by the id that the client sends; those that are not in memory are looked up in the store. */
export class SessionTable {
  readonly #sessions = new Map<string, HttpSession>();
  readonly #sizes = new Map<HttpSession, number>();
  #bytes = 0;
  readonly #byUpstreamId = new Map<string, HttpSession>();
  /** Removed sessions by the hash of their id, the oldest first. */
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

  /** Sessions in memory that their clients have not ended. */
  get open(): number {
    return [...this.#sessions.values()].filter(({ ended }) => !ended).length;
  }

  /** Memory of these sessions, bytes. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Which session an id names, if this credential may use it. @param credential `credentialHash` of the request */
  admit(clientId: string, credential: string): Admission {
    const session = this.#sessions.get(clientId) ?? this.#fromStore(clientId);
    if (!session || this.#isIdle(session)) {
      if (session) {
        this.#remove(session);
      }
      const gone = this.#gone.get(hashOf(clientId));
      return { kind: gone === undefined ? 'unknown' : gone.credential !== credential ? 'of-another' : gone.ended ? 'ended' : 'unknown' };
    }
    if (session.credential !== credential && session.refused?.credential !== session.credential) {
      return { kind: 'of-another' };
    }
    if (session.ended) {
      return { kind: 'ended' };
    }
    this.#touch(session);
    return { kind: 'known', session };
  }

  /** Adds a session that the server has begun. The client gets the server's id, unless another session has that id already. */
  begin(upstreamId: string, credential: string, path: string): HttpSession {
    const taken = this.#sessions.has(upstreamId) || this.#fromStore(upstreamId) !== undefined || this.#gone.has(hashOf(upstreamId));
    const session = newSession(taken ? randomUUID() : upstreamId, undefined, credential, path, this.#now());
    this.setUpstreamId(session, upstreamId);
    this.#add(session);
    return session;
  }

  /** Adds a session that began before this guard, under the id that its client sends. */
  adopt(session: HttpSession): void {
    const { upstreamId } = session;
    session.upstreamId = undefined;
    this.setUpstreamId(session, upstreamId);
    this.#add(session);
  }

  /** Notes the server's id of a session. A restarted server may give an id again: the session that had it before is lost. */
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

  /** Stores a changed session. */
  keep(session: HttpSession): void {
    if (this.#sessions.get(session.clientId) === session) {
      this.#measure(session);
      this.#store.save(session);
      this.#trim();
    }
  }

  /** The client has ended the session: its id is refused from now on. */
  end(session: HttpSession): void {
    session.ended = true;
    this.keep(session);
  }

  #add(session: HttpSession): void {
    this.#gone.delete(hashOf(session.clientId));
    this.#sessions.set(session.clientId, session);
    this.#measure(session);
    this.#store.save(session);
    this.#trim();
  }

  #measure(session: HttpSession): void {
    const size = sizeOf(session);
    this.#bytes += size - (this.#sizes.get(session) ?? 0);
    this.#sizes.set(session, size);
  }

  #trim(): void {
    for (const oldest of this.#sessions.values()) {
      // Every use inserts the session again, so the first ones in the map were idle longest.
      const fits = this.#sessions.size <= this.#limits.max && this.#bytes <= maxTotalBytes;
      if (fits && !this.#isIdle(oldest)) {
        break;
      }
      this.#remove(oldest);
    }
  }

  #remove(session: HttpSession): void {
    this.#bytes -= this.#sizes.get(session) ?? 0;
    this.#sizes.delete(session);
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
      this.#measure(session);
      if (session.upstreamId !== undefined && !this.#byUpstreamId.has(session.upstreamId)) {
        this.#byUpstreamId.set(session.upstreamId, session);
      }
    }
    return session;
  }

  #touch(session: HttpSession): void {
    const now = this.#now();
    // After a restart the age of the file counts. It is renewed 20 times in `idleMs`, not with every request.
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
