import { type Envelope, type IdKey, type JsonObject, keyOf, readEnvelope } from '../../guard/message/envelope.ts';
import { messageLine, notificationLine } from '../../guard/message/ownAnswers.ts';
import { type Edit, editedLine, textAt } from './editedLine.ts';
import { Member, SharedCalls } from './sharedCalls.ts';
import { codeLists, levelOf, neededLevel, paramsOf, refusal } from './sharedMethods.ts';
import { type SharedOptions, SharedOutput } from './sharedOutput.ts';

type Of<Kind extends Envelope['kind']> = Envelope & { readonly kind: Kind };

/** Of each client so many requests are in flight, and addresses subscribed. */
const [maxCalls, maxUris] = [10_000, 1_000];

const tokenPlace = ['params', '_meta', 'progressToken'];

/**
 * Between one server and several clients that speak to it as if each had its own. Ids and progress tokens are numbers towards the server, and what the client
 * gave towards the client; everything else of a message stays as it came. What belongs to no one client reaches none.
 */
export class SharedLines {
  readonly #options: SharedOptions;
  readonly #members = new Set<Member>();
  readonly #calls: SharedCalls;
  readonly #output: SharedOutput;
  /** The answer to `initialize`, which later clients get, too. */
  #initialize: 'none' | 'asked' | JsonObject = 'none';
  #waiting: { readonly member: Member; readonly id: IdKey; readonly line: Buffer }[] = [];
  #isInitialized = false;
  /** The level that the server was told last. */
  #level: unknown;

  constructor(options: SharedOptions) {
    this.#options = options;
    this.#calls = new SharedCalls(() => options.now());
    this.#output = new SharedOutput(options, this.#members, this.#calls, (result) => this.#initialized(result));
  }

  /** A client begins. @param send gets its lines */
  join(send: (line: Buffer) => void): Member {
    const member = new Member(send);
    this.#members.add(member);
    this.#tellLevel();
    return member;
  }

  /** A client is gone: its requests are cancelled, and the requests to it are answered with an error. */
  leave(member: Member): void {
    if (!this.#members.delete(member)) {
      return;
    }
    member.isGone = true;
    for (const number of [...member.calls.values()]) {
      // The answer to the handshake is for the others, too.
      if (this.#calls.wanted(number)?.method !== 'initialize') {
        this.#calls.cancel(number);
        this.#options.toServer(notificationLine('notifications/cancelled', { requestId: number, reason: 'the client is gone' }));
      }
    }
    this.#output.leave(member);
    for (const uri of member.uris) {
      if (!this.#isSubscribed(uri)) {
        this.#ask('resources/unsubscribe', { uri });
      }
    }
    this.#waiting = this.#waiting.filter((waiting) => waiting.member !== member);
    this.#tellLevel();
  }

  /** A line of the server. */
  fromServer(line: Buffer): void {
    this.#output.take(line, readEnvelope(line));
  }

  /** A line of a client. */
  take(member: Member, line: Buffer): void {
    this.#take(member, line, readEnvelope(line));
  }

  #take(member: Member, line: Buffer, envelope: Envelope): void {
    switch (envelope.kind) {
      case 'request':
        this.#request(member, line, envelope);
        break;
      case 'response':
        if (this.#output.wasAsked(member, envelope.id)) {
          this.#options.toServer(line);
        }
        break;
      case 'notification':
        this.#notified(member, line, envelope);
        break;
      case 'batch':
        envelope.items.forEach((item, index) => void this.#take(member, editedLine(envelope.parts[index] ?? line, []), item));
        break;
      default:
    }
  }

  #request(member: Member, line: Buffer, { id, method, body }: Of<'request'>): void {
    const params = method.startsWith('resources/') || method === 'logging/setLevel' ? paramsOf(body.value()) : {};
    const uri = typeof params.uri === 'string' ? params.uri : undefined;
    const answer = (content: JsonObject): void => member.send(messageLine(id, content));
    const isTooMuch = member.calls.size >= maxCalls || this.#waiting.length >= maxCalls;
    if (isTooMuch || (method === 'resources/subscribe' && member.uris.size >= maxUris)) {
      answer(refusal('Too many requests are open'));
    } else if (method === 'initialize' && this.#initialize !== 'none') {
      if (this.#initialize === 'asked') {
        this.#waiting.push({ member, id, line: Buffer.from(line) });
      } else {
        answer(this.#initialize);
      }
    } else if (method === 'logging/setLevel' && levelOf(params.level) !== undefined) {
      member.level = levelOf(params.level);
      const needed = this.#needed();
      if (needed === this.#level) {
        answer({ result: {} });
      } else {
        this.#level = needed;
        this.#forward(member, line, { id, method }, [[['params', 'level'], JSON.stringify(needed)]]);
      }
    } else if (method === 'resources/subscribe' && uri !== undefined && this.#isSubscribed(uri)) {
      member.uris.add(uri);
      answer({ result: {} });
    } else if (method === 'resources/unsubscribe' && uri !== undefined && member.uris.delete(uri) && this.#isSubscribed(uri)) {
      answer({ result: {} });
    } else {
      if (method === 'initialize') {
        this.#initialize = 'asked';
      }
      this.#forward(member, line, { id, method, uri });
    }
  }

  #forward(
    member: Member,
    line: Buffer,
    request: { readonly id: IdKey; readonly method: string; readonly uri?: string | undefined },
    more: readonly Edit[] = [],
  ): void {
    const token = textAt(line, tokenPlace);
    const isFirstPage = codeLists.has(request.method) && textAt(line, ['params', 'cursor']) === undefined;
    const number = `${this.#calls.open({ ...request, member, token, isFirstPage })}`;
    this.#options.toServer(editedLine(line, [[['id'], number], ...(token === undefined ? [] : [[tokenPlace, number] as const]), ...more]));
  }

  #notified(member: Member, line: Buffer, { method, body }: Of<'notification'>): void {
    if (method === 'notifications/cancelled') {
      const key = keyOf(paramsOf(body.value()).requestId, line, ['params', 'requestId']);
      const number = key === undefined ? undefined : member.calls.get(key);
      if (number !== undefined && this.#calls.wanted(number)?.method !== 'initialize') {
        this.#calls.cancel(number);
        this.#options.toServer(editedLine(line, [[['params', 'requestId'], `${number}`]]));
      }
    } else if (method !== 'notifications/initialized' || !this.#isInitialized) {
      this.#isInitialized ||= method === 'notifications/initialized';
      this.#options.toServer(line);
    }
  }

  /** The clients that begin while the first one waits get its answer, too; a refusal is for the first one alone. */
  #initialized(result: JsonObject | undefined): void {
    this.#initialize = result ? { result } : 'none';
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const { member, line } of waiting) {
      this.take(member, line);
    }
  }

  /** A request of this process itself; its answer reaches no client. */
  #ask(method: string, params: JsonObject): void {
    this.#options.toServer(messageLine(this.#calls.open({ member: undefined, id: '', method }), { method, params }));
  }

  /** The most detailed level that a client wants. */
  #needed(): unknown {
    return neededLevel([...this.#members].map(({ level }) => level));
  }

  #tellLevel(): void {
    const level = this.#needed();
    if (level !== undefined && level !== this.#level) {
      this.#level = level;
      this.#ask('logging/setLevel', { level });
    }
  }

  #isSubscribed(uri: string): boolean {
    return [...this.#members].some(({ uris }) => uris.has(uri));
  }
}
