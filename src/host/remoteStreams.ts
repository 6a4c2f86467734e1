import type { MessageSink, MessageSource } from '../guard/process/serverProcess.ts';
import { windowBytes } from '../relay/contract.ts';

type Take = Parameters<MessageSource['on']>[1];

/** Bytes of one name that a relay sends. Each frame is handled when it is read, or waits while the session has paused it. */
export class RemoteSource implements MessageSource {
  readonly #done: (frames: number) => void;
  readonly #waiting: (readonly [bytes: Buffer, reached: Parameters<Take>[1]])[] = [];
  #data: Take[] = [];
  readonly #ends = new Set<() => void>();
  #isPaused = false;
  #isOver = false;
  #count = 0;
  #hasEnded = false;

  /** @param done gets the number of frames that were dealt with */
  constructor(done: (frames: number) => void) {
    this.#done = done;
  }

  on(_event: 'data', take: Take): void {
    this.#data.push(take);
    process.nextTick(() => this.#pass());
  }

  once(event: 'end' | 'close' | 'error', take: () => void): void {
    if (event !== 'error') {
      this.#ends.add(take);
    }
  }

  pause(): void {
    this.#isPaused = true;
  }

  resume(): void {
    this.#isPaused = false;
    process.nextTick(() => this.#pass());
  }

  destroy(): void {
    this.#waiting.length = 0;
    this.#data = [];
    this.end();
    this.#pass();
  }

  /** @param reached see `MessageSource.on` */
  push(bytes: Buffer, reached?: Parameters<Take>[1]): void {
    this.#waiting.push([bytes, reached]);
    this.#pass();
  }

  /** Nothing follows. */
  end(): void {
    this.#hasEnded = true;
    this.#pass();
  }

  #pass(): void {
    while (this.#data.length > 0) {
      const [next] = this.#waiting;
      // What has reached its reader waits for nothing: those before it were dealt with. Otherwise a request could be noted after its answer.
      if (!next || (this.#isPaused && !next[1])) {
        break;
      }
      this.#waiting.shift();
      for (const take of this.#data) {
        take(...next);
      }
      this.#count += 1;
      this.#done(this.#count);
    }
    if (this.#hasEnded && this.#waiting.length === 0 && !this.#isOver) {
      this.#isOver = true;
      for (const take of this.#ends) {
        take();
      }
    }
  }
}

/** Bytes of one name that a relay gets. They leave at once; more than a window of them makes the session pause what it reads. */
export class RemoteSink implements MessageSink {
  readonly #send: (bytes: Buffer) => void;
  readonly #drains: (() => void)[] = [];
  /** What this process holds back: nothing, a frame leaves with its turn. */
  readonly writableLength = 0;
  /** Bytes that the relay has not told to be written. */
  #underWay = 0;
  writableNeedDrain = false;
  writable = true;

  constructor(send: (bytes: Buffer) => void) {
    this.#send = send;
  }

  write(bytes: Buffer): boolean {
    this.#underWay += bytes.length;
    this.writableNeedDrain ||= this.#underWay > windowBytes;
    this.#send(bytes);
    return !this.writableNeedDrain;
  }

  /** The relay has written these. */
  took(bytes: number): void {
    // After a change of the host it reports also what an earlier one had sent.
    this.#underWay = Math.max(0, this.#underWay - bytes);
    if (this.writableNeedDrain && this.#underWay <= windowBytes / 2) {
      this.#drain();
    }
  }

  close(): void {
    this.writable = false;
    this.#underWay = 0;
    this.#drain();
  }

  #drain(): void {
    this.writableNeedDrain = false;
    for (const take of this.#drains) {
      take();
    }
  }

  on(_event: 'drain' | 'close', take: () => void): void {
    this.#drains.push(take);
  }

  /** Frames of one turn leave together anyway. */
  cork(): void {}

  uncork(): void {}
}
