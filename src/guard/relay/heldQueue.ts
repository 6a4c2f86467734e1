import type { Envelope, IdKey } from '../message/envelope.ts';
import type { PausableInput } from './messageWriter.ts';

/** A message of the client that no server can take yet. */
interface HeldMessage {
  readonly line: Buffer;
  readonly envelope: Envelope;
}

/** Bytes that are read from the client while its messages are held. */
const maxBytes = 16 * 1024 * 1024;

/** The messages that wait for a server, in their order. When they exceed 16 MiB, the client's input is paused. */
export class HeldQueue {
  readonly #input: PausableInput;
  /** Undefined: messages are not held. */
  #messages: HeldMessage[] | undefined = [];
  #bytes = 0;

  constructor(input: PausableInput) {
    this.#input = input;
  }

  /** Holds messages from now on. */
  hold(): void {
    this.#messages ??= [];
  }

  get isHolding(): boolean {
    return this.#messages !== undefined;
  }

  get messages(): readonly HeldMessage[] {
    return this.#messages ?? [];
  }

  /** A message as it comes from the client. */
  readAhead(line: Buffer, envelope: Envelope): void {
    // A copy: a small line must not keep its large chunk in memory.
    this.add({ line: Buffer.from(line), envelope });
    this.#bytes += line.length;
    if (this.#bytes > maxBytes) {
      this.#input.pause(this);
    }
  }

  /** A message that was read before. Does nothing while messages are not held. */
  add(message: HeldMessage): void {
    this.#messages?.push(message);
  }

  /** The client cancelled a request. @returns whether it waited here */
  withdraw(id: IdKey): boolean {
    const index = this.#messages?.findIndex(({ envelope }) => envelope.kind === 'request' && envelope.id === id) ?? -1;
    if (index === -1) {
      return false;
    }
    this.#messages?.splice(index, 1);
    return true;
  }

  /** Whether a request waits here as part of an array. */
  hasInArray(id: IdKey): boolean {
    return (this.#messages ?? []).some(
      ({ envelope }) => envelope.kind === 'batch' && envelope.items.some((item) => item.kind === 'request' && item.id === id),
    );
  }

  /** Stops holding. @returns the messages that waited; call `readOn` when they have been sent */
  release(): readonly HeldMessage[] {
    const held = this.#messages ?? [];
    this.#messages = undefined;
    this.#bytes = 0;
    return held;
  }

  /** Takes out the requests, which need an answer; the rest stays held. */
  takeRequests(): readonly HeldMessage[] {
    const held = this.release();
    const asks = ({ envelope: { kind } }: HeldMessage): boolean => kind === 'request' || kind === 'batch';
    this.#messages = held.filter((message) => !asks(message));
    return held.filter(asks);
  }

  readOn(): void {
    this.#input.resume(this);
  }
}
