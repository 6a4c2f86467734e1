import { type HttpSession, isSessionId, newSession } from './httpSession.ts';
import type { SessionTable } from './sessionTable.ts';

/** The session that a request is let into. */
export interface Admitted {
  readonly session: HttpSession;
  /** Set up again when the server refuses it. */
  readonly recoverable: boolean;
  /** Not in the table yet: the id was not issued here. */
  readonly isNew: boolean;
}

export type Refused = { readonly fault: 'bad-session-id' | 'session-ended' | 'session-of-another' };

interface Trial {
  readonly session: HttpSession;
  requests: number;
}

/** Lets requests into sessions. */
export class Admissions {
  readonly #sessions: SessionTable;
  readonly #unknownSession: 'recover' | '404';
  /** Sessions under ids that were not issued here, while requests try them: all that come at once with the same id and credential share one. */
  readonly #trials = new Map<string, Trial>();

  constructor(sessions: SessionTable, unknownSession: 'recover' | '404') {
    this.#sessions = sessions;
    this.#unknownSession = unknownSession;
  }

  /**
   * Which session the id of a request names, or why its client is not let in. Whoever was let in has to leave.
   * @param credential hash of who asks
   * @param path that the request is for
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
        // The server may know it: it began before the proxy came.
        return { session: this.#tried(id, credential, path), recoverable: this.#unknownSession === 'recover', isNew: true };
    }
  }

  /** The request is answered. @param credential that it came with */
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

/** There is no space in either. */
function trialKey(id: string, credential: string): string {
  return `${credential} ${id}`;
}
