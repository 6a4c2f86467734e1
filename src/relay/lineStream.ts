import { wholeLineBytes, windowBytes } from './contract.ts';

/** Lines of one source on their way to the host. They are kept until the host has dealt with them. */
export class LineStream {
  readonly #pause: (paused: boolean) => void;
  /** Frames that the host has not dealt with, oldest first. */
  #kept: Buffer[] = [];
  #keptBytes = 0;
  /** Of the frames that this connection has sent, so many are dealt with. */
  #done = 0;
  #rest: Buffer[] = [];
  #restBytes = 0;
  #isPaused = false;
  hasEnded = false;

  /** @param pause stops and continues the source */
  constructor(pause: (paused: boolean) => void) {
    this.#pause = pause;
  }

  /** Frames that the host has not dealt with. */
  get kept(): readonly Buffer[] {
    return this.#kept;
  }

  /** @returns the whole lines that are complete now, for one frame */
  push(chunk: Buffer): Buffer | undefined {
    const end = chunk.lastIndexOf(10) + 1;
    if (end === 0) {
      this.#rest.push(chunk);
      this.#restBytes += chunk.length;
      return this.#restBytes > wholeLineBytes ? this.#take(undefined) : undefined;
    }
    const lines = this.#take(chunk.subarray(0, end));
    if (end < chunk.length) {
      this.#rest.push(chunk.subarray(end));
      this.#restBytes = chunk.length - end;
    }
    return lines;
  }

  /** The source has ended. @returns its last line, when that has no line break */
  end(): Buffer | undefined {
    this.hasEnded = true;
    return this.#restBytes > 0 ? this.#take(undefined) : undefined;
  }

  #take(last: Buffer | undefined): Buffer {
    const lines = Buffer.concat([...this.#rest, ...(last ? [last] : [])]);
    this.#rest = [];
    this.#restBytes = 0;
    this.#kept.push(lines);
    this.#keptBytes += lines.length;
    this.#check();
    return lines;
  }

  /** The host has dealt with the first frames of this connection. @param count of them */
  done(count: number): void {
    for (const frame of this.#kept.splice(0, count - this.#done)) {
      this.#keptBytes -= frame.length;
    }
    this.#done = count;
    this.#check();
  }

  /** A new connection counts from its own first frame. */
  restart(): void {
    this.#done = 0;
  }

  /** Removes the kept bytes from memory, because the relay sends them to no host any more. @returns the removed bytes */
  drop(): Buffer {
    const all = Buffer.concat([...this.#kept, ...this.#rest]);
    this.#kept = [];
    this.#keptBytes = 0;
    this.#rest = [];
    this.#restBytes = 0;
    this.#check();
    return all;
  }

  #check(): void {
    const paused = this.#keptBytes > windowBytes;
    if (paused !== this.#isPaused) {
      this.#isPaused = paused;
      this.#pause(paused);
    }
  }
}
