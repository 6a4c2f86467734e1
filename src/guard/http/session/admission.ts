import { type HttpSession, isSessionId, newSession } from './httpSession.ts';
import type { SessionTable } from './sessionTable.ts';

/** A request that may use a session. */
export interface Admitted {
  readonly session: HttpSession;
  /** The session is set up again when the server refuses it. */
  readonly recoverable: boolean;
  /** The session is not in the table: this guard did not issue its id. */
  readonly isNew: boolean;
}

export type Refused = { readonly fault: 'bad-session-id' | 'session-ended' | 'session-of-another' };

interface Trial {
  readonly session: HttpSession;
  requests: number;
}

/** Decides which requests may use which session. */
export class Admissions {
  readonly #sessions: SessionTable;
  readonly #unknownSession: 'recover' | '404';
  /** Sessions with ids that this guard did not issue, while requests try them. Concurrent requests with the same id and credential share one. */
  readonly #trials = new Map<string, Trial>();

  constructor(sessions: SessionTable, unknownSession: 'recover' | '404') {
    this.#sessions = sessions;
    this.#unknownSession = unknownSession;
  }

  /**
   * Which session the id of a request names, or why the request may not use it. After an admitted request call `leave`.
   * @param credential `credentialHash` of the request
   * @param path of the request
   */
  enter(id: string, credential: string, path: string): Admitted | Refused {
    if (!isSessionId(id)) {
      return { fault: 'bad-session-id' };
    }
    const admission = this.#sessions.admit(id, credential);
    switch (admission.kind) {
      case 'known':
        return { session: admission.session, recoverable: true, isNew: false };
      case 'ended':
        return { fault: 'session-ended' };
      case 'of-another':
        return { fault: 'session-of-another' };
      case 'unknown':
        // The server may know it: the session may have begun before this guard.
        return { session: this.#tried(id, credential, path), recoverable: this.#unknownSession === 'recover', isNew: true };
    }
  }

  /** An admitted request was answered. */
  leave({ session, isNew }: Admitted, credential: string): void {
    const key = trialKey(session.clientId, credential);
    const trial = isNew ? this.#trials.get(key) : undefined;
    if (trial) {
      trial.requests -= 1;
      if (trial.requests === 0) {
        this.#trials.delete(key);
      }
    }
  }

  #tried(id: string, credential: string, path: string): HttpSession {
    const key = trialKey(id, credential);
    const trial = this.#trials.get(key) ?? { session: newSession(id, id, credential, path, Date.now()), requests: 0 };
    trial.requests += 1;
    this.#trials.set(key, trial);
    return trial.session;
  }
}

/** Neither part contains a space. */
function trialKey(id: string, credential: string): string {
  return `${credential} ${id}`;
}
