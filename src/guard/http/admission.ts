import { isSessionId, newSession, type Session } from './session.ts';
import type { SessionTable } from './sessionTable.ts';

/** The session that a request is let into. */
export interface Admitted {
  readonly session: Session;
  /** Set up again when the server refuses it. */
  readonly recoverable: boolean;
  /** Not in the table yet: the id was not issued here. */
  readonly isNew: boolean;
}

export interface AdmissionParts {
  readonly sessions: SessionTable;
  readonly unknownSession: 'recover' | '404';
}

/**
 * Which session the id of a request names, or why its client is not let in.
 * @param credential hash of who asks
 * @param path that the request is for
 */
export function admit(
  { sessions, unknownSession }: AdmissionParts,
  id: string,
  credential: string,
  path: string,
): Admitted | { readonly fault: 'bad-session-id' | 'session-ended' | 'session-of-another' } {
  if (!isSessionId(id)) {
    return { fault: 'bad-session-id' };
  }
  const admission = sessions.admit(id, credential);
  switch (admission.kind) {
    case 'known':
      return { session: admission.session, recoverable: true, isNew: false };
    case 'ended':
      return { fault: 'session-ended' };
    case 'of-another':
      return { fault: 'session-of-another' };
    case 'unknown':
      // The server may know it: it began before the proxy came.
      return { session: newSession(id, id, credential, path, Date.now()), recoverable: unknownSession === 'recover', isNew: true };
  }
}
