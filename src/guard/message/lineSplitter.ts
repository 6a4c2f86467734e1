const newline = 10;

/** Receives the lines. A line that came in one chunk is a part of that chunk and is not copied. */
interface SplitSink {
  /** One whole line with its line break. @param isLast it ends its chunk */
  line(bytes: Buffer, isLast: boolean): void;
}

/**
 * Splits a stream of bytes into lines at `\n`. Bytes are not decoded, so a chunk may end inside a character. The chunks of a long line are joined once, so
 * that the cost grows with its length and not with the square of it.
 */
export class LineSplitter {
  readonly #sink: SplitSink;
  #parts: Buffer[] = [];
  #held = 0;

  constructor(sink: SplitSink) {
    this.#sink = sink;
  }

  push(chunk: Buffer): void {
    let start = 0;
    for (let end = chunk.indexOf(newline); end !== -1; end = chunk.indexOf(newline, start)) {
      // Most chunks are one line: then the chunk itself is handed on.
      const tail = start === 0 && end === chunk.length - 1 ? chunk : chunk.subarray(start, end + 1);
      start = end + 1;
      const isLast = start === chunk.length;
      if (this.#parts.length === 0) {
        this.#sink.line(tail, isLast);
      } else {
        this.#parts.push(tail);
        const whole = Buffer.concat(this.#parts, this.#held + tail.length);
        this.#parts = [];
        this.#held = 0;
        this.#sink.line(whole, isLast);
      }
    }
    if (start < chunk.length) {
      const rest = chunk.subarray(start);
      this.#parts.push(rest);
      this.#held += rest.length;
    }
  }

  /** At the end of the stream: the bytes after the last line break; may be empty. */
  rest(): Buffer {
    const rest = Buffer.concat(this.#parts, this.#held);
    this.#parts = [];
    this.#held = 0;
    return rest;
  }
}
