import type { Envelope, IdKey } from '../message/envelope.ts';
import type { PausableInput } from './messageWriter.ts';

/** What the client sends while no server can take it. */
export interface HeldMessage {
  readonly line: Buffer;
  readonly envelope: Envelope;
}

/** While the client's messages are held, this many bytes are read ahead. */
const maxBytes = 16 * 1024 * 1024;

/** The messages that wait for a server, in their order. While it holds too much, the client is not read. */
export class HeldQueue {
  readonly #input: PausableInput;
  /** Undefined: nothing is kept back. */
  #messages: HeldMessage[] | undefined = [];
  #bytes = 0;

  constructor(input: PausableInput) {
    this.#input = input;
  }

  /** Keeps back what comes from now on. */
  hold(): void {
    this.#messages ??= [];
  }

  get isHolding(): boolean {
    return this.#messages !== undefined;
  }

  get count(): number {
    return this.#messages?.length ?? 0;
  }

  /** A message as it comes from the client. */
  readAhead(line: Buffer, envelope: Envelope): void {
    // A chunk may be large and the line small: only the line is kept.
    this.add({ line: Buffer.from(line), envelope });
    this.#bytes += line.length;
    if (this.#bytes > maxBytes) {
      this.#input.close(this);
    }
  }

  /** A message that was read before. Does nothing while nothing is kept back. */
  add(message: HeldMessage): void {
    this.#messages?.push(message);
  }

  /** The client wants no answer to a request any more. @returns whether it waited here */
  withdraw(id: IdKey): boolean {
    const index = this.#messages?.findIndex(({ envelope }) => envelope.kind === 'request' && envelope.id === id) ?? -1;
    if (index === -1) {
      return false;
    }
    this.#messages?.splice(index, 1);
    return true;
  }

  /** Whether a request waits here as one of an array. */
  hasInArray(id: IdKey): boolean {
    return (this.#messages ?? []).some(
      ({ envelope }) => envelope.kind === 'batch' && envelope.items.some((item) => item.kind === 'request' && item.id === id),
    );
  }

  /** Keeps nothing back any more. @returns what waited; `readOn` once it has been sent on */
  release(): readonly HeldMessage[] {
    const held = this.#messages ?? [];
    this.#messages = undefined;
    this.#bytes = 0;
    return held;
  }

  /** Takes out what wants an answer; the rest goes on waiting. */
  takeRequests(): readonly HeldMessage[] {
    const held = this.release();
    const asks = ({ envelope: { kind } }: HeldMessage): boolean => kind === 'request' || kind === 'batch';
    this.#messages = held.filter((message) => !asks(message));
    return held.filter(asks);
  }

  readOn(): void {
    this.#input.open(this);
  }
}
