import { wholeLineBytes, windowBytes } from './contract.ts';

/** Whole lines of one source, for one frame. */
export interface Lines {
  readonly bytes: Buffer;
  /** They are for the client, which gets them without the host. */
  readonly isDirect: boolean;
}

/** Lines of one source on their way to the host. They are kept until the host has dealt with them. */
export class LineStream {
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
  isDirect = false;

  /** @param pause stops and continues the source */
  constructor(pause: (paused: boolean) => void) {
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

  #take(last: Buffer | undefined): Lines {
    const bytes = last && this.#rest.length === 0 ? last : Buffer.concat([...this.#rest, ...(last ? [last] : [])]);
    const lines = { bytes, isDirect: this.isDirect && last !== undefined && this.#indirect === 0 && !this.#isWithin };
    this.#isWithin = last === undefined;
    this.#rest = [];
    this.#restBytes = 0;
    this.#kept.push(lines);
    this.#keptBytes += bytes.length;
    this.#indirect += lines.isDirect ? 0 : 1;
    this.#check();
    return lines;
  }

  /** The host has dealt with the first frames of this connection. @param count of them */
  done(count: number): void {
    for (const { bytes, isDirect } of this.#kept.splice(0, count - this.#done)) {
      this.#keptBytes -= bytes.length;
      this.#indirect -= isDirect ? 0 : 1;
    }
    this.#done = count;
    this.#check();
  }

  /** A new connection counts from its own first frame, and its host has allowed nothing yet. */
  restart(): void {
    this.#done = 0;
    this.isDirect = false;
  }

  /** Forgets the kept lines: no host will get them. @returns the bytes of those that the client has not got yet */
  drop(): Buffer {
    const all = Buffer.concat([...this.#kept.filter(({ isDirect }) => !isDirect).map(({ bytes }) => bytes), ...this.#rest]);
    this.#kept = [];
    this.#keptBytes = 0;
    this.#indirect = 0;
    this.#rest = [];
    this.#restBytes = 0;
    this.#check();
    return all;
  }

  /** The client is slow, or no longer. */
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
