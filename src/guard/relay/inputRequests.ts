import { isRecord } from '../../base/json.ts';
import { openssl } from '../../base/random.ts';
import type { Envelope, IdKey } from '../message/envelope.ts';
import { messageLine } from '../message/ownAnswers.ts';
import type { ServerLink } from './serverLink.ts';

/** Input requests that are remembered, newest first: a client may never answer one. */
const maxRequests = 200;

const explanation =
  'The server was restarted after it had asked for this input, and the new one cannot continue with it: repeat the request from the beginning';

/**
 * Requests of protocol 2026-07-28 that a server answered with `input_required`. The request that brings the input may go to any server (specification
 * 2026-07-28, Multi Round-Trip Requests), so it goes to the current one. Many servers seal `requestState` with a key of their process: when the new server
 * refuses it, the guard adds the reason to the error.
 */
export class InputRequests {
  /** The server that asked for input, by the key of the state. */
  readonly #origins = new Map<string, WeakRef<ServerLink>>();
  /** Requests in flight that bring input which another server asked for. */
  readonly #moved = new Map<IdKey, ServerLink>();

  /** A request is in flight whose answer may need an explanation. */
  get isWaiting(): boolean {
    return this.#moved.size > 0;
  }

  /** A server answered a request with a result. */
  answered(link: ServerLink, { body }: Envelope & { kind: 'response' }): void {
    const state = body.resultText('resultType') === 'input_required' ? body.resultText('requestState') : undefined;
    if (state === undefined) {
      return;
    }
    this.#origins.set(keyOf(state), new WeakRef(link));
    const oldest = this.#origins.size > maxRequests ? this.#origins.keys().next().value : undefined;
    if (oldest !== undefined) {
      this.#origins.delete(oldest);
    }
  }

  /** A request of the client goes to a server. */
  asked(link: ServerLink, { id, body }: Envelope & { kind: 'request' }): void {
    const state = this.#origins.size === 0 ? undefined : body.paramText('requestState');
    const origin = state === undefined ? undefined : this.#origins.get(keyOf(state));
    if (origin && origin.deref() !== link) {
      this.#moved.set(id, link);
    }
  }

  /** The request was answered or cancelled. @returns whether it brought input that another server asked for */
  settled(link: ServerLink, id: IdKey): boolean {
    return this.#moved.get(id) === link && this.#moved.delete(id);
  }

  /** @returns the error with the reason added */
  explained(line: Buffer, { id, body }: Envelope & { kind: 'response' }): Buffer {
    const message = body.value() ?? {};
    if (!isRecord(message.error) || typeof message.error.message !== 'string') {
      return line;
    }
    const error = { ...message.error, message: `${message.error.message} (${explanation})` };
    return messageLine(id, { ...message, error });
  }
}

/** A state up to this length, in characters, is its own key. */
const plainChars = 512;

function keyOf(state: string): string {
  return state.length <= plainChars ? state : openssl().createHash('sha256').update(state).digest('base64');
}
