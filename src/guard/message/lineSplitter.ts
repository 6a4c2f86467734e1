const newline = 10;

/** Receives the lines. A line that came in one chunk is a part of that chunk and is not copied. */
interface SplitSink {
  /** One whole line with its line break. @param isLast it ends its chunk */
  line(bytes: Buffer, isLast: boolean): void;
  /** Some bytes of a line that is too long to be kept. @param ends they end with its line break */
  part(bytes: Buffer, ends: boolean): void;
  /** The stream ended within such a line. */
  cut(): void;
  /** Such a line is longer than any line may be. Nothing follows. */
  endless(): void;
}

/** Bytes of a line with its line break. */
export interface LineLimits {
  /** Longer lines are not kept as a whole: they come in parts. */
  readonly kept: number;
  /** No line may be longer. */
  readonly longest: number;
}

const gib = 1024 ** 3;
/** The limits of the guard; docs/guard.md states them. */
export const lineLimits: LineLimits = { kept: gib / 16, longest: 4 * gib };

/**
 * Splits a stream of bytes into lines at `\n`. Bytes are not decoded, so a chunk may end inside a character. The chunks of a long line are joined once, so
 * that the cost grows with its length and not with the square of it.
 */
export class LineSplitter {
  readonly #sink: SplitSink;
  readonly #limits: LineLimits;
  #parts: Buffer[] = [];
  /** Bytes of the line so far. */
  #held = 0;
  #isLong = false;
  #isOver = false;

  constructor(sink: SplitSink, limits: LineLimits = lineLimits) {
    this.#sink = sink;
    this.#limits = limits;
  }

  push(chunk: Buffer): void {
    let start = 0;
    for (let end = chunk.indexOf(newline); end >= 0 && !this.#isOver; end = chunk.indexOf(newline, start)) {
      // Most chunks are one line: then the chunk itself is handed on.
      const tail = start === 0 && end === chunk.length - 1 ? chunk : chunk.subarray(start, end + 1);
      start = end + 1;
      const isLast = start === chunk.length;
      if (this.#isTooLong(tail)) {
        this.#passOn(tail, true);
      } else if (this.#parts.length === 0) {
        this.#sink.line(tail, isLast);
      } else {
        this.#parts.push(tail);
        const whole = Buffer.concat(this.#parts, this.#held + tail.length);
        this.#parts = [];
        this.#held = 0;
        this.#sink.line(whole, isLast);
      }
    }
    if (start < chunk.length && !this.#isOver) {
      const rest = chunk.subarray(start);
      if (this.#isTooLong(rest)) {
        this.#passOn(rest, false);
      } else {
        this.#parts.push(rest);
        this.#held += rest.length;
      }
    }
  }

  #isTooLong(more: Buffer): boolean {
    return this.#isLong || this.#held + more.length > this.#limits.kept;
  }

  #passOn(bytes: Buffer, ends: boolean): void {
    const parts = this.#parts;
    this.#parts = [];
    this.#isLong = true;
    for (const part of parts) {
      this.#sink.part(part, false);
    }
    this.#held += bytes.length;
    if (this.#held > this.#limits.longest) {
      this.#isOver = true;
      this.#sink.endless();
      return;
    }
    if (ends) {
      this.#held = 0;
      this.#isLong = false;
    }
    this.#sink.part(bytes, ends);
  }

  /** At the end of the stream: the bytes after the last line break; may be empty. */
  rest(): Buffer {
    if (this.#isLong) {
      this.#isLong = false;
      this.#sink.cut();
    }
    const rest = Buffer.concat(this.#parts);
    this.#parts = [];
    this.#held = 0;
    return rest;
  }
}
