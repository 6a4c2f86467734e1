import type { JsonObject } from '../../guard/message/envelope.ts';
import type { Call, Member } from './sharedCalls.ts';
import { neededLevel, wantsLevel } from './sharedMethods.ts';

/** What several clients have set at one server: which resources each of them watches, and how detailed its messages are. */
export class SharedSettings {
  readonly #members: ReadonlySet<Member>;
  readonly #ask: (method: string, params: JsonObject) => void;
  /** Of an address the last request that the server got, or that the server has accepted a subscription. */
  readonly #last = new Map<string, Call | 'subscribed'>();
  /** The level that the server was told last. */
  #level: unknown;

  /** @param ask sends a request whose answer reaches no client */
  constructor(members: ReadonlySet<Member>, ask: (method: string, params: JsonObject) => void) {
    this.#members = members;
    this.#ask = ask;
  }

  /** A client subscribes an address, or ends that. @returns whether the server must be asked */
  subscribes(member: Member, uri: string, call: Call): boolean {
    if (call.method === 'resources/subscribe') {
      member.uris.set(uri, call);
      if (this.#last.get(uri) === 'subscribed') {
        return false;
      }
    } else {
      member.uris.delete(uri);
      if (this.#isWatched(uri)) {
        return false;
      }
    }
    this.#last.set(uri, call);
    return true;
  }

  /** A client sets its level. @returns what the server must be told */
  sets(member: Member, level: number): unknown {
    member.level = level;
    return this.#newLevel();
  }

  /** The server answered a request about them. */
  answered(call: Call, isError: boolean): void {
    const { member, method, uri } = call;
    if (method === 'logging/setLevel' && isError) {
      this.#level = undefined;
      if (member) {
        member.level = undefined;
      }
    } else if (member && uri !== undefined && this.#last.get(uri) === call && method === 'resources/subscribe' && !isError) {
      this.#last.set(uri, 'subscribed');
    } else if (isError || method === 'resources/unsubscribe') {
      this.#forget(call);
    }
  }

  /** A client no longer wants the answer: whether it has a subscription is not known. */
  cancelled(call: Call): void {
    this.#forget(call);
    if (call.uri !== undefined && call.method === 'resources/subscribe') {
      this.#unwatch(call.uri);
    }
  }

  #forget(call: Call): void {
    const { member, uri = '' } = call;
    if (member?.uris.get(uri) === call) {
      member.uris.delete(uri);
    }
    if (this.#last.get(uri) === call) {
      this.#last.delete(uri);
    }
  }

  /** A client has begun. */
  joined(): void {
    this.#tellLevel();
  }

  /** A client is gone, and none of the members. */
  left({ uris }: Member): void {
    for (const uri of uris.keys()) {
      this.#unwatch(uri);
    }
    this.#tellLevel();
  }

  /** Whether a client wants messages of a level. */
  wants({ level }: Member, message: unknown): boolean {
    return this.#level === undefined || wantsLevel(level, message);
  }

  /** The server's subscription ends with that of the last client. */
  #unwatch(uri: string): void {
    if (!this.#isWatched(uri)) {
      this.#last.delete(uri);
      this.#ask('resources/unsubscribe', { uri });
    }
  }

  #isWatched(uri: string): boolean {
    return [...this.#members].some(({ uris }) => uris.has(uri));
  }

  #tellLevel(): void {
    const level = this.#newLevel();
    if (level !== undefined) {
      this.#ask('logging/setLevel', { level });
    }
  }

  /** The most detailed level that a client wants; undefined where the server has it. */
  #newLevel(): unknown {
    const set = [...this.#members].map(({ level }) => level);
    const isSet = this.#level !== undefined || set.some((level) => level !== undefined);
    const level = isSet && set.length > 0 ? neededLevel(set) : this.#level;
    const isNew = level !== this.#level;
    this.#level = level;
    return isNew ? level : undefined;
  }
}
