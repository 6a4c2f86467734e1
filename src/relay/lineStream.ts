import { wholeLineBytes, windowBytes } from './contract.ts';

/** Whole lines of one source, for one frame. */
export interface Lines {
  readonly bytes: Buffer;
  /** The frame that tells the host of them. `lines`: they go through the host; otherwise their reader gets them at once. */
  readonly frame: Direct | readonly ['lines', string];
  /** Place among all frames of the session. */
  readonly order: number;
}

type Direct = readonly ['passed' | 'sent', name: string];

let last = 0;

/** Lines of one source on their way to the host. They are kept until the host has dealt with them. */
export class LineStream {
  readonly #name: string;
  readonly #pause: (paused: boolean) => void;
  /** Frames that the host has not dealt with, oldest first. */
  #kept: Lines[] = [];
  #keptBytes = 0;
  /** Of the kept frames, so many reach the client through the host. */
  #indirect = 0;
  /** Of the frames that this connection has sent, so many are dealt with. */
  #done = 0;
  #rest: Buffer[] = [];
  #restBytes = 0;
  /** A line has left in part: the rest of it goes the same way. */
  #isWithin = false;
  #isPaused = false;
  #isHeld = false;
  hasEnded = false;
  /** The host lets whole lines pass, once it has dealt with those before them. */
  direct: Direct | undefined;

  /** @param pause stops and continues the source */
  constructor(name: string, pause: (paused: boolean) => void) {
    this.#name = name;
    this.#pause = pause;
  }

  /** Frames that the host has not dealt with. */
  get kept(): readonly Lines[] {
    return this.#kept;
  }

  /** @returns the whole lines that are complete now, for one frame */
  push(chunk: Buffer): Lines | undefined {
    const end = chunk.lastIndexOf(10) + 1;
    if (end === 0) {
      this.#rest.push(chunk);
      this.#restBytes += chunk.length;
      return this.#restBytes > wholeLineBytes ? this.#take(undefined) : undefined;
    }
    const lines = this.#take(end === chunk.length ? chunk : chunk.subarray(0, end));
    if (end < chunk.length) {
      this.#rest.push(chunk.subarray(end));
      this.#restBytes = chunk.length - end;
    }
    return lines;
  }

  /** The source has ended. @returns its last line, when that has no line break */
  end(): Lines | undefined {
    this.hasEnded = true;
    return this.#restBytes > 0 ? this.#take(undefined) : undefined;
  }

  #take(chunk: Buffer | undefined): Lines {
    const bytes = chunk && this.#rest.length === 0 ? chunk : Buffer.concat([...this.#rest, ...(chunk ? [chunk] : [])]);
    const passes = chunk !== undefined && this.#indirect === 0 && !this.#isWithin;
    last += 1;
    const lines: Lines = { bytes, frame: (passes && this.direct) || ['lines', this.#name], order: last };
    this.#isWithin = chunk === undefined;
    this.#rest = [];
    this.#restBytes = 0;
    this.#kept.push(lines);
    this.#keptBytes += bytes.length;
    this.#indirect += isDirect(lines) ? 0 : 1;
    this.#check();
    return lines;
  }

  /** The host has dealt with the first frames of this connection. @param count of them */
  done(count: number): void {
    for (const lines of this.#kept.splice(0, count - this.#done)) {
      this.#keptBytes -= lines.bytes.length;
      this.#indirect -= isDirect(lines) ? 0 : 1;
    }
    this.#done = count;
    this.#check();
  }

  /** A new connection counts from its own first frame, and its host has allowed nothing yet. */
  restart(): void {
    this.#done = 0;
    this.direct = undefined;
  }

  /** Forgets the kept lines: no host will get them. @returns the bytes of those that the client has not got yet */
  drop(): Buffer {
    const all = Buffer.concat([...this.#kept.filter((lines) => !isDirect(lines)).map(({ bytes }) => bytes), ...this.#rest]);
    this.#kept = [];
    this.#keptBytes = 0;
    this.#indirect = 0;
    this.#rest = [];
    this.#restBytes = 0;
    this.#check();
    return all;
  }

  /** Its reader is slow, or no longer. */
  hold(isHeld: boolean): void {
    this.#isHeld = isHeld;
    this.#check();
  }

  #check(): void {
    const paused = this.#isHeld || this.#keptBytes > windowBytes;
    if (paused !== this.#isPaused) {
      this.#isPaused = paused;
      this.#pause(paused);
    }
  }
}

/** Frames that no host has dealt with, in their order. */
export function keptIn(streams: Iterable<LineStream>): Lines[] {
  return [...streams].flatMap(({ kept }) => kept).sort((a, b) => a.order - b.order);
}

function isDirect({ frame }: Lines): boolean {
  return frame[0] !== 'lines';
}
