import type { Readable, Writable } from 'node:stream';

/** Lets a stream flow only while nobody has a reason to hold it. */
export class PausableInput {
  readonly #source: Readable;
  readonly #reasons = new Set<object>();

  constructor(source: Readable) {
    this.#source = source;
  }

  close(reason: object): void {
    this.#reasons.add(reason);
    this.#source.pause();
  }

  open(reason: object): void {
    if (this.#reasons.delete(reason) && this.#reasons.size === 0) {
      this.#source.resume();
    }
  }
}

const lineBreak = Buffer.from('\n');

/** A reader that takes nothing for so long will not take the rest, ms. */
const stallMs = 2_000;

/**
 * Where messages go out. What one chunk of input brings goes out in one piece, and while the reader is slow, the sources that feed it wait.
 * A reader that is gone swallows everything: whoever owns the stream learns of it elsewhere.
 */
export class MessageWriter {
  readonly #sink: Writable;
  readonly #feeders: () => Iterable<PausableInput>;
  #pending: Buffer[] = [];
  #full = false;
  /** What was added last is no whole line. */
  #isOpen = false;

  constructor(sink: Writable, feeders: () => Iterable<PausableInput>) {
    this.#sink = sink;
    this.#feeders = feeders;
    const open = (): void => {
      this.#full = false;
      for (const valve of this.#feeders()) {
        valve.open(this);
      }
    };
    sink.on('drain', open);
    sink.on('close', open);
  }

  /** Bytes that the reader has not taken yet. */
  get waitingBytes(): number {
    return this.#sink.writable ? this.#sink.writableLength : 0;
  }

  /** Puts a message at the end; it leaves with the next `flush`. */
  add(message: Buffer): void {
    this.endLine();
    this.#isOpen = message.length > 0 && message[message.length - 1] !== lineBreak[0];
    const last = this.#pending.at(-1);
    if (last && last.buffer === message.buffer && last.byteOffset + last.length === message.byteOffset) {
      this.#pending[this.#pending.length - 1] = Buffer.from(last.buffer, last.byteOffset, last.length + message.length);
    } else {
      this.#pending.push(message);
    }
  }

  /** Puts a message at the end, and sends it with what waits before it. */
  send(message: Buffer): void {
    if (this.#pending.length > 0 || this.#isOpen || message[message.length - 1] !== lineBreak[0]) {
      this.add(message);
      this.flush();
    } else if (this.#sink.writable && !this.#sink.write(message)) {
      this.#hold();
    }
  }

  /** Half a line is all that is left of a program that died: what comes after it is not to become a part of it. */
  endLine(): void {
    if (this.#isOpen) {
      this.#isOpen = false;
      this.#pending.push(lineBreak);
    }
  }

  flush(): void {
    const messages = this.#pending;
    if (messages.length === 0) {
      return;
    }
    this.#pending = [];
    if (!this.#sink.writable) {
      return;
    }
    let flowing = true;
    if (messages.length > 1) {
      this.#sink.cork();
    }
    for (const message of messages) {
      flowing = this.#sink.write(message);
    }
    if (messages.length > 1) {
      this.#sink.uncork();
    }
    if (!flowing) {
      this.#hold();
    }
  }

  /** The reader is slow: its sources wait. */
  #hold(): void {
    if (this.#sink.writableNeedDrain && !this.#full) {
      this.#full = true;
      for (const valve of this.#feeders()) {
        valve.close(this);
      }
    }
  }

  /** Waits until the reader has taken everything, for as long as it takes something. */
  async drained(): Promise<void> {
    this.flush();
    for (let left = this.waitingBytes, before = Number.POSITIVE_INFINITY; left > 0 && left < before; left = this.waitingBytes) {
      before = left;
      const until = performance.now() + stallMs;
      while (this.waitingBytes === before && performance.now() < until) {
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
    }
  }
}
