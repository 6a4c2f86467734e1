import { isRecord } from '../../base/json.ts';
import { openssl } from '../../base/random.ts';
import { type Envelope, type IdKey, idText } from '../message/envelope.ts';
import type { ServerLink } from './serverLink.ts';

/** So many rounds are remembered, the newest ones: no client has to go on with one. */
const maxRounds = 200;

const explanation =
  'The server was restarted after it had asked for this input, and the new one does not go on with it: make the request again from its beginning';

/**
 * Requests of protocol 2026-07-28 that a server answered with `input_required`. The request with the input is one of its own and may go to any server
 * (specification 2026-07-28, Multi Round-Trip Requests), and so it goes to the one that serves. But many servers seal `requestState` with a key of their
 * process: where the new one refuses it, the refusal says why.
 */
export class InputRequests {
  readonly #askers = new Map<string, WeakRef<ServerLink>>();
  readonly #later = new Map<IdKey, ServerLink>();

  /** An answer that is to be looked at before it goes to the client is under way. */
  get isWaiting(): boolean {
    return this.#later.size > 0;
  }

  /** A server answered a request well. */
  answered(link: ServerLink, { body }: Envelope & { kind: 'response' }): void {
    const state = body.resultText('resultType') === 'input_required' ? body.resultText('requestState') : undefined;
    if (state === undefined) {
      return;
    }
    this.#askers.set(keyOf(state), new WeakRef(link));
    const oldest = this.#askers.size > maxRounds ? this.#askers.keys().next().value : undefined;
    if (oldest !== undefined) {
      this.#askers.delete(oldest);
    }
  }

  /** A request of the client goes to a server. */
  asked(link: ServerLink, { id, body }: Envelope & { kind: 'request' }): void {
    const state = this.#askers.size === 0 ? undefined : body.paramText('requestState');
    const asker = state === undefined ? undefined : this.#askers.get(keyOf(state));
    if (asker && asker.deref() !== link) {
      this.#later.set(id, link);
    }
  }

  /** Nobody waits for this answer any more, or it is on its way. @returns whether it answers a round that another server began */
  settled(link: ServerLink, id: IdKey): boolean {
    return this.#later.get(id) === link && this.#later.delete(id);
  }

  /** @returns the refusal with the reason */
  explained(line: Buffer, { id, body }: Envelope & { kind: 'response' }): Buffer {
    const { id: _, ...message } = body.value() ?? {};
    if (!isRecord(message.error) || typeof message.error.message !== 'string') {
      return line;
    }
    const error = { ...message.error, message: `${message.error.message} (${explanation})` };
    return Buffer.from(`${JSON.stringify({ ...message, error }).replace(/^\{/, `{"id":${idText(id)},`)}\n`);
  }
}

/** A state may be large; a small one is its own key, in characters. */
const plainChars = 512;

function keyOf(state: string): string {
  return state.length <= plainChars ? state : openssl().createHash('sha256').update(state).digest('base64');
}
