const newline = 10;

/** What a chunk of bytes completes. Both are parts of the chunk itself wherever possible: nothing is copied that came in one piece. */
export interface SplitSink {
  /** One whole line with its line break. @param isLast nothing of the chunk comes after it */
  line(bytes: Buffer, isLast: boolean): void;
}

/**
 * Cuts a stream of bytes into lines at `\n`, wherever the chunks are cut: bytes are never decoded here, so a letter may be split anywhere. A line that comes
 * in many chunks is kept as a list and put together once, so that the cost grows with its length and not with its square.
 */
export class LineSplitter {
  readonly #sink: SplitSink;
  #parts: Buffer[] = [];
  #held = 0;

  constructor(sink: SplitSink) {
    this.#sink = sink;
  }

  /** Bytes of the line that has begun and not ended. */
  get pendingBytes(): number {
    return this.#held;
  }

  push(chunk: Buffer): void {
    let start = 0;
    for (let end = chunk.indexOf(newline); end !== -1; end = chunk.indexOf(newline, start)) {
      // Mostly one chunk is one line: then it is passed on itself.
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

  /** At the end of the stream: what came after the last line break. Empty when nothing did. */
  rest(): Buffer {
    const rest = Buffer.concat(this.#parts, this.#held);
    this.#parts = [];
    this.#held = 0;
    return rest;
  }
}
