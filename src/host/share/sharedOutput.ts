import { createHash } from 'node:crypto';
import { asRecord } from '../../base/json.ts';
import { type Envelope, type IdKey, idText, type JsonObject, keyOf } from '../../guard/message/envelope.ts';
import { messageLine } from '../../guard/message/ownAnswers.ts';
import { editedLine } from './editedLine.ts';
import type { Member, SharedCalls } from './sharedCalls.ts';
import { codeLists, paramsOf, refusal } from './sharedMethods.ts';
import type { SharedSettings } from './sharedSettings.ts';

type Of<Kind extends Envelope['kind']> = Envelope & { readonly kind: Kind };

/** Requests of a server that its clients have not answered. */
const maxAsked = 1_000;
const subscriptionId = 'io.modelcontextprotocol/subscriptionId';

export interface SharedOptions {
  toServer(line: Buffer): void;
  /** A message belongs to no one client, or a list differs by client: no further client may share this server. @param evidence a sentence about it without its end */
  unsafe(evidence: string): void;
  /** The server answered a request. */
  answered(): void;
  /** ms */
  now(): number;
}

/** What it shares with the way to the server. */
interface Parts {
  readonly members: ReadonlySet<Member>;
  readonly calls: SharedCalls;
  readonly settings: SharedSettings;
}

/** The lines of a shared server, on their way to the client that each belongs to. */
export class SharedOutput {
  readonly #options: SharedOptions;
  readonly #members: ReadonlySet<Member>;
  readonly #calls: SharedCalls;
  readonly #settings: SharedSettings;
  readonly #initialized: (result: JsonObject | undefined) => void;
  /** Requests of the server, and which client was asked. */
  readonly #asked = new Map<IdKey, Member>();
  /** The newest lists, hashed, and which client got them. */
  readonly #lists = new Map<string, { readonly digest: string; readonly member: Member | undefined }>();
  #isModern = true;

  /** @param initialized gets the answer to `initialize`; undefined: it was refused */
  constructor(options: SharedOptions, { members, calls, settings }: Parts, initialized: (result: JsonObject | undefined) => void) {
    this.#options = options;
    this.#members = members;
    this.#calls = calls;
    this.#settings = settings;
    this.#initialized = initialized;
  }

  /** A client is gone: the server gets an error for what it had asked. */
  leave(member: Member): void {
    for (const [id, owner] of this.#asked) {
      if (owner === member) {
        this.#asked.delete(id);
        this.#options.toServer(messageLine(id, refusal('The client is gone')));
      }
    }
  }

  /** An answer of a client. @returns whether it was asked; another client must not answer in its place */
  wasAsked(member: Member, id: IdKey): boolean {
    return this.#asked.get(id) === member && this.#asked.delete(id);
  }

  take(line: Buffer, envelope: Envelope): void {
    switch (envelope.kind) {
      case 'response':
        this.#answered(line, envelope);
        break;
      case 'request':
        this.#requested(line, envelope);
        break;
      case 'notification':
        this.#told(line, envelope);
        break;
      case 'batch':
        envelope.items.forEach((item, index) => void this.take(editedLine(envelope.parts[index] ?? line, []), item));
        break;
      default:
    }
  }

  #answered(line: Buffer, envelope: Of<'response'>): void {
    const number = envelope.id;
    const call = typeof number === 'number' ? this.#calls.settle(number) : undefined;
    if (!call) {
      if (!this.#calls.wasOpened(number)) {
        this.#options.unsafe('it answered a request that no client had sent');
      }
      return;
    }
    const { member, id, method } = call;
    this.#settings.answered(call, envelope.isError);
    if (call.isFirstPage && !envelope.isError) {
      this.#compare(method, member, envelope);
    }
    const own = idText(id);
    const places = [['id'], ...(method === 'subscriptions/listen' ? [['result', '_meta', subscriptionId]] : [])];
    if (member?.isGone === false) {
      const edits = places.map((place) => [place, own] as const);
      member.send(editedLine(line, edits));
    }
    if (method === 'initialize' || method === 'server/discover') {
      this.#begun(method, envelope);
    }
    this.#options.answered();
  }

  #begun(method: string, { body }: Of<'response'>): void {
    const result = asRecord(body.value()?.result);
    const capabilities = asRecord(result?.capabilities);
    const declared = asRecord(capabilities?.['x-mux']) ?? asRecord(asRecord(capabilities?.experimental)?.['x-mux']);
    if (capabilities?.tasks !== undefined) {
      this.#options.unsafe('it keeps tasks, which belong to one client');
    } else if (declared?.sharing === 'isolated') {
      this.#options.unsafe('it declares that each client needs one of its own');
    }
    if (method === 'initialize') {
      this.#isModern = false;
      this.#initialized(result);
    }
  }

  /** A list that another client got, too. */
  #compare(method: string, member: Member | undefined, { body }: Of<'response'>): void {
    const items = JSON.stringify(asRecord(body.value()?.result)?.[codeLists.get(method) ?? '']) ?? '';
    const digest = createHash('sha256').update(items).digest('hex');
    const before = this.#lists.get(method);
    if (before && before.member !== member && before.digest !== digest) {
      this.#options.unsafe(`two clients got different answers to ${method}`);
    }
    this.#lists.set(method, { digest, member });
  }

  #requested(line: Buffer, { id, method }: Of<'request'>): void {
    if (method === 'ping') {
      this.#options.toServer(messageLine(id, { result: {} }));
      return;
    }
    const cause = this.#calls.cause();
    const owner = this.#ownerOf(cause);
    if (typeof cause === 'string') {
      this.#options.unsafe(`it sent ${shown(method)}, which belongs to the calls of no one client`);
    }
    if (this.#asked.has(id)) {
      this.#options.unsafe(`it sent ${shown(method)} under an id that is in use`);
    } else if (owner && this.#asked.size < maxAsked) {
      this.#asked.set(id, owner);
      owner.send(line);
    } else {
      this.#options.toServer(messageLine(id, refusal('Several clients share this server, and it is not certain for which one this is')));
    }
  }

  /** What no call has caused is for the only client. */
  #ownerOf(cause: Member | 'none' | 'unclear'): Member | undefined {
    const [first, second] = this.#members;
    return typeof cause !== 'string' ? cause : cause === 'none' && !second ? first : undefined;
  }

  #told(line: Buffer, { method, body }: Of<'notification'>): void {
    const params = paramsOf(body.value());
    const subscription = asRecord(params._meta)?.[subscriptionId];
    if (method.endsWith('/list_changed')) {
      this.#lists.clear();
    }
    if (method === 'notifications/progress') {
      this.#progressed(line, params.progressToken);
    } else if (subscription !== undefined) {
      const call = this.#calls.wanted(subscription);
      call?.member?.send(editedLine(line, [[['params', '_meta', subscriptionId], idText(call.id)]]));
      if (!this.#calls.wasOpened(subscription)) {
        this.#options.unsafe(`it sent ${shown(method)} for a subscription that no client has`);
      }
    } else if (method === 'notifications/cancelled') {
      this.#withdrawn(line, keyOf(params.requestId, line, ['params', 'requestId']));
    } else if (method === 'notifications/resources/updated') {
      const { uri } = params;
      this.#sendAll(
        line,
        ({ uris }) => typeof uri === 'string' && (uris.has(uri) || [...uris.keys()].some((known) => isBelow(uri, known))),
      );
    } else if (method.endsWith('/list_changed')) {
      this.#sendAll(line, () => true);
    } else {
      this.#toCause(line, method, params.level);
    }
  }

  /** The server no longer waits for an answer. */
  #withdrawn(line: Buffer, id: IdKey | undefined): void {
    const owner = id === undefined ? undefined : this.#asked.get(id);
    if (owner && id !== undefined) {
      this.#asked.delete(id);
      owner.send(line);
    }
  }

  /** A log message that the calls of no one client have caused is for all that want its level. */
  #toCause(line: Buffer, method: string, level: unknown): void {
    const owner = this.#ownerOf(this.#calls.cause());
    const isLog = method === 'notifications/message';
    if (isLog && !this.#isModern) {
      this.#sendAll(line, (member) => (owner ?? member) === member && this.#settings.wants(member, level));
    } else {
      owner?.send(line);
      if (!owner && !isLog) {
        this.#options.unsafe(`it sent ${shown(method)}, which belongs to the calls of no one client`);
      }
    }
  }

  #progressed(line: Buffer, token: unknown): void {
    const call = this.#calls.wanted(token);
    if (call?.member && call.token !== undefined) {
      call.member.send(editedLine(line, [[['params', 'progressToken'], call.token]]));
    } else if (!this.#calls.wasOpened(token)) {
      this.#options.unsafe('it sent progress of a call that no client had made');
    }
  }

  #sendAll(line: Buffer, wants: (member: Member) => boolean): void {
    for (const member of this.#members) {
      if (wants(member)) {
        member.send(line);
      }
    }
  }
}

/** Updates may name a part of what was subscribed. */
function isBelow(uri: string, known: string): boolean {
  return uri.startsWith(known.endsWith('/') ? known : `${known}/`);
}

/** A name that a server gave. */
function shown(method: string): string {
  return /^[\w/.-]{1,100}$/.test(method) ? method : 'a message';
}
