import { type Envelope, type JsonObject, keyOf, readEnvelope } from '../../guard/message/envelope.ts';
import { messageLine, notificationLine } from '../../guard/message/ownAnswers.ts';
import { type Edit, editedLine, textAt } from './editedLine.ts';
import { type Call, Member, SharedCalls } from './sharedCalls.ts';
import { codeLists, levelOf, paramsOf, refusal } from './sharedMethods.ts';
import { type SharedOptions, SharedOutput } from './sharedOutput.ts';
import { SharedSettings } from './sharedSettings.ts';

type Of<Kind extends Envelope['kind']> = Envelope & { readonly kind: Kind };

/** Of each client so many requests are in flight, and addresses subscribed. */
const [maxCalls, maxUris] = [10_000, 1_000];

const subscriptions: ReadonlySet<string> = new Set(['resources/subscribe', 'resources/unsubscribe']);
const tokenPlace = ['params', '_meta', 'progressToken'];

/**
 * Between one server and several clients that speak to it as if each had its own. Ids and progress tokens are numbers towards the server, and what the client
 * gave towards the client; everything else of a message stays as it came. What belongs to no one client reaches none.
 */
export class SharedLines {
  readonly #options: SharedOptions;
  readonly #members = new Set<Member>();
  readonly #calls: SharedCalls;
  readonly #settings: SharedSettings;
  readonly #output: SharedOutput;
  /** The answer to `initialize`, which later clients get, too. */
  #initialize: 'none' | 'asked' | JsonObject = 'none';
  #waiting: { readonly member: Member; readonly line: Buffer }[] = [];
  #isInitialized = false;

  constructor(options: SharedOptions) {
    this.#options = options;
    this.#calls = new SharedCalls(() => options.now());
    this.#settings = new SharedSettings(this.#members, (method, params) => this.#ask(method, params));
    const parts = { members: this.#members, calls: this.#calls, settings: this.#settings };
    this.#output = new SharedOutput(options, parts, (result) => this.#initialized(result));
  }

  /** A client begins. @param send gets its lines */
  join(send: (line: Buffer) => void): Member {
    const member = new Member(send);
    this.#members.add(member);
    this.#settings.joined();
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
    this.#settings.left(member);
    this.#waiting = this.#waiting.filter((waiting) => waiting.member !== member);
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
    const uri = subscriptions.has(method) && typeof params.uri === 'string' ? params.uri : undefined;
    const token = textAt(line, tokenPlace);
    const isFirstPage = codeLists.has(method) && textAt(line, ['params', 'cursor']) === undefined;
    const call: Call = { member, id, method, token, uri, isFirstPage };
    const level = method === 'logging/setLevel' ? levelOf(params.level) : undefined;
    const answer = (content: JsonObject): void => member.send(messageLine(id, content));
    const isTooMuch = member.calls.size >= maxCalls || this.#waiting.length >= maxCalls;
    if (isTooMuch || (method === 'resources/subscribe' && member.uris.size >= maxUris)) {
      answer(refusal('Too many requests are open'));
    } else if (method === 'initialize' && this.#initialize !== 'none') {
      if (this.#initialize === 'asked') {
        this.#waiting.push({ member, line: Buffer.from(line) });
      } else {
        answer(this.#initialize);
      }
    } else if (level !== undefined) {
      const needed = this.#settings.sets(member, level);
      if (needed === undefined) {
        answer({ result: {} });
      } else {
        this.#forward(line, call, [[['params', 'level'], JSON.stringify(needed)]]);
      }
    } else if (uri !== undefined && !this.#settings.subscribes(member, uri, call)) {
      answer({ result: {} });
    } else {
      if (method === 'initialize') {
        this.#initialize = 'asked';
      }
      this.#forward(line, call);
    }
  }

  #forward(line: Buffer, call: Call, more: readonly Edit[] = []): void {
    const number = `${this.#calls.open(call)}`;
    this.#options.toServer(
      editedLine(line, [[['id'], number], ...(call.token === undefined ? [] : [[tokenPlace, number] as const]), ...more]),
    );
  }

  #notified(member: Member, line: Buffer, { method, body }: Of<'notification'>): void {
    if (method === 'notifications/cancelled') {
      const key = keyOf(paramsOf(body.value()).requestId, line, ['params', 'requestId']);
      const number = key === undefined ? undefined : member.calls.get(key);
      const call = this.#calls.wanted(number);
      if (number !== undefined && call && call.method !== 'initialize') {
        this.#calls.cancel(number);
        this.#options.toServer(editedLine(line, [[['params', 'requestId'], `${number}`]]));
        this.#settings.cancelled(call);
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
}
