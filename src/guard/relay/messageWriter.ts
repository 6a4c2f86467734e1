import type { MessageSink, MessageSource } from '../process/serverProcess.ts';

/** A stream that is paused while at least one reason for that exists. */
export class PausableInput {
  readonly #source: MessageSource;
  readonly #reasons = new Set<object>();

  constructor(source: MessageSource) {
    this.#source = source;
  }

  pause(reason: object): void {
    this.#reasons.add(reason);
    this.#source.pause();
  }

  resume(reason: object): void {
    if (this.#reasons.delete(reason) && this.#reasons.size === 0) {
      this.#source.resume();
    }
  }
}

const lineBreak = Buffer.from('\n');

/** A reader that takes nothing for this long will not take the rest, ms. */
const stallMs = 2_000;

/** Messages that wait for the end of a long line; with more bytes, the inputs that they come from are paused. */
const maxWaitingBytes = 16 * 1024 * 1024;

/** A line that leaves in parts, and what waits for its end. */
interface LongLine {
  readonly from: PausableInput;
  readonly waiting: (() => void)[];
  bytes: number;
  readonly paused: PausableInput[];
}

/**
 * Writes messages to one stream. The messages of one chunk of input leave together. While the reader is slow, the inputs that feed it are paused.
 * After the reader has closed the stream, messages are dropped; the owner of the stream notices the end elsewhere.
 */
export class MessageWriter {
  readonly #sink: MessageSink;
  readonly #feeders: () => Iterable<PausableInput>;
  #pending: Buffer[] = [];
  #full = false;
  /** The last message added has no line break yet. */
  #isOpen = false;
  #long: LongLine | undefined;

  constructor(sink: MessageSink, feeders: () => Iterable<PausableInput>) {
    this.#sink = sink;
    this.#feeders = feeders;
    const open = (): void => {
      this.#full = false;
      for (const input of this.#feeders()) {
        input.resume(this);
      }
    };
    sink.on('drain', open);
    sink.on('close', open);
  }

  /** Bytes that the reader has not taken yet. */
  get waitingBytes(): number {
    return this.#sink.writable ? this.#sink.writableLength : 0;
  }

  /** Appends a message; it leaves with the next `flush`. */
  add(message: Buffer): void {
    if (this.#long) {
      this.#wait(this.#long, message.length, () => this.add(message));
      return;
    }
    this.endLine();
    this.#isOpen = message.length > 0 && message[message.length - 1] !== lineBreak[0];
    const last = this.#pending.at(-1);
    if (last && last.buffer === message.buffer && last.byteOffset + last.length === message.byteOffset) {
      this.#pending[this.#pending.length - 1] = Buffer.from(last.buffer, last.byteOffset, last.length + message.length);
    } else {
      this.#pending.push(message);
    }
  }

  /** Appends a message and sends everything. */
  send(message: Buffer): void {
    if (this.#pending.length > 0 || this.#isOpen || this.#long || message[message.length - 1] !== lineBreak[0]) {
      this.add(message);
      this.flush();
    } else if (this.#sink.writable && !this.#sink.write(message)) {
      this.#hold();
    }
  }

  /** Sends some bytes of a line that is too long to be kept. Messages from elsewhere wait until it has ended. @param ends they end with its line break */
  addPart(from: PausableInput, bytes: Buffer, ends: boolean): void {
    if (this.#long && this.#long.from !== from) {
      this.#wait(this.#long, bytes.length, () => this.addPart(from, bytes, ends));
      return;
    }
    if (!this.#long) {
      this.endLine();
      this.#long = { from, waiting: [], bytes: 0, paused: [] };
    }
    this.#pending.push(bytes);
    this.flush();
    if (ends) {
      this.#endLong(this.#long);
    }
  }

  /** The rest of a line that this input began will not come: the next message begins a new line. */
  endPart(from: PausableInput): void {
    const long = this.#long;
    if (long?.from === from) {
      this.#isOpen = true;
      this.#endLong(long);
    } else if (long) {
      this.#wait(long, 0, () => this.endPart(from));
    }
  }

  #wait(long: LongLine, bytes: number, later: () => void): void {
    long.waiting.push(later);
    long.bytes += bytes;
    if (long.bytes > maxWaitingBytes && long.paused.length === 0) {
      for (const input of this.#feeders()) {
        if (input !== long.from) {
          input.pause(long);
          long.paused.push(input);
        }
      }
    }
  }

  #endLong(long: LongLine): void {
    this.#long = undefined;
    for (const later of long.waiting) {
      later();
    }
    for (const input of long.paused) {
      input.resume(long);
    }
    this.flush();
  }

  /** Ends a line that a server left unfinished when it died, so that the next message is a line of its own. */
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

  /** The reader is slow: pauses the inputs. */
  #hold(): void {
    if (this.#sink.writableNeedDrain && !this.#full) {
      this.#full = true;
      for (const input of this.#feeders()) {
        input.pause(this);
      }
    }
  }

  /** Waits until the reader has taken everything; gives up when it takes nothing for 2 s. */
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
