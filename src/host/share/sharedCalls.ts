import type { IdKey } from '../../guard/message/envelope.ts';
import { quiet } from './sharedMethods.ts';

/** A request that was cancelled and not answered may still run, and ask something, for this time, ms; of them so many are remembered. */
const [cancelledMs, maxCancelled] = [60_000, 10_000];

/** One of the clients of a shared server. */
export class Member {
  readonly send: (line: Buffer) => void;
  /** By the id that the client gave, the number that the server knows. */
  readonly calls = new Map<IdKey, number>();
  /** Addresses that it has subscribed, or asked for, and its last request for each. */
  readonly uris = new Map<string, Call>();
  /** Of the messages that it wants; undefined: it has not said so. */
  level: number | undefined;
  isGone = false;

  constructor(send: (line: Buffer) => void) {
    this.send = send;
  }
}

/** A request that the server has not answered. */
export interface Call {
  /** Undefined: this process itself. */
  readonly member: Member | undefined;
  readonly id: IdKey;
  readonly method: string;
  /** Its progress token, as JSON. */
  readonly token?: string | undefined;
  /** The address of a subscription. */
  readonly uri?: string | undefined;
  /** It asks for the first page of a list. */
  readonly isFirstPage?: boolean;
}

/** The requests in flight of all clients of a server, under numbers that are used once. */
export class SharedCalls {
  readonly #calls = new Map<number, Call>();
  /** When those were cancelled whose answer no client wants; the oldest first. */
  readonly #cancelled = new Map<number, number>();
  readonly #now: () => number;
  #last = 0;

  /** @param now ms */
  constructor(now: () => number) {
    this.#now = now;
  }

  /** @returns its number */
  open(call: Call): number {
    this.#last += 1;
    this.#calls.set(this.#last, call);
    call.member?.calls.set(call.id, this.#last);
    return this.#last;
  }

  /** A request whose answer is wanted. */
  wanted(number: unknown): Call | undefined {
    return typeof number === 'number' && !this.#cancelled.has(number) ? this.#calls.get(number) : undefined;
  }

  /** It was answered. @returns undefined where no client wants the answer */
  settle(number: number): Call | undefined {
    const call = this.wanted(number);
    this.#forget(number);
    return call;
  }

  /** No client wants the answer any more. */
  cancel(number: number): void {
    const call = this.wanted(number);
    if (call) {
      release(call, number);
      this.#cancelled.set(number, this.#now());
    }
    const [oldest] = this.#cancelled.size > maxCancelled ? this.#cancelled.keys() : [];
    if (oldest !== undefined) {
      this.#forget(oldest);
    }
  }

  #forget(number: number): void {
    const call = this.#calls.get(number);
    if (call) {
      release(call, number);
    }
    this.#calls.delete(number);
    this.#cancelled.delete(number);
  }

  /** Whether some client has sent a request with this number. */
  wasOpened(number: unknown): boolean {
    return typeof number === 'number' && Number.isInteger(number) && number > 0 && number <= this.#last;
  }

  /** The client whose requests alone may have caused a message of the server. `none`: no such request runs. `unclear`: those of several clients do, or of one that is gone. */
  cause(): Member | 'none' | 'unclear' {
    const now = this.#now();
    for (const [number, at] of this.#cancelled) {
      if (now - at <= cancelledMs) {
        break;
      }
      this.#forget(number);
    }
    let cause: Member | 'none' = 'none';
    for (const { member, method } of this.#calls.values()) {
      if (!quiet.has(method) && member !== cause) {
        if (!member || member.isGone || cause !== 'none') {
          return 'unclear';
        }
        cause = member;
      }
    }
    return cause;
  }
}

/** An id may be used again while the number that it had is remembered. */
function release({ member, id }: Call, number: number): void {
  if (member?.calls.get(id) === number) {
    member.calls.delete(id);
  }
}
