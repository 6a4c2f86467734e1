import type { Socket } from 'node:net';
import { type Frame, FrameReader, frameBytes, type Greeting, greetingBytes, hostProtocol } from './contract.ts';

interface ConnectionEvents {
  /** The host has taken the session. */
  ready(): void;
  /** Some bytes came. */
  heard(): void;
  /** Frames that the host has committed. */
  obey(frames: readonly Frame[]): void;
  /** The connection is closed after `ready`. @param isOver the host has said that another one goes on */
  lost(isOver: boolean): void;
}

/** Sends the greeting to a host. @returns `ready`: it takes the session; `no`: it does not; `gone`: it did not answer in time, or has ended */
export function greetHost(socket: Socket, greeting: Greeting, limitMs: number, events: ConnectionEvents): Promise<'ready' | 'no' | 'gone'> {
  const reader = new FrameReader();
  const batch: Frame[] = [];
  let isReady = false;
  let isLost = false;
  let isOver = false;
  return new Promise((resolve) => {
    const timer = setTimeout(() => socket.destroy(), limitMs);
    const lost = (answer: 'no' | 'gone'): void => {
      clearTimeout(timer);
      socket.destroy();
      resolve(answer);
      if (isReady && !isLost) {
        isLost = true;
        events.lost(isOver);
      }
    };
    const take = (frame: Frame): void => {
      if (frame.kind === 'ready') {
        clearTimeout(timer);
        isReady = true;
        events.ready();
        resolve('ready');
      } else if (frame.kind === 'no') {
        lost('no');
      } else if (frame.kind === 'commit') {
        events.obey(batch.splice(0));
      } else if (frame.kind === 'over') {
        isOver = true;
      } else if (frame.kind !== 'pong') {
        batch.push(frame);
      }
    };
    socket.on('error', () => lost('gone')).on('close', () => lost('gone'));
    socket.on('data', (chunk: Buffer) => {
      events.heard();
      try {
        for (const frame of isLost ? [] : reader.push(chunk)) {
          take(frame);
        }
      } catch {
        lost('gone');
      }
    });
    socket.cork();
    for (const bytes of frameBytes('hello', `${hostProtocol}`, greetingBytes(greeting))) {
      socket.write(bytes);
    }
    socket.uncork();
  });
}

/** What was passed to the client is told with the next message, at the latest after this time, ms, or so many bytes: the host would wake up for nothing else. */
const [lateMs, lateBytes] = [20, 65_536];

/** The host that has the session. */
export class HostLink {
  readonly #socket: Socket;
  #corks = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(socket: Socket) {
    this.#socket = socket;
  }

  send(kind: string, name: string, body?: Buffer | string): void {
    this.#socket.cork();
    this.#corks += 1;
    for (const bytes of frameBytes(kind, name, typeof body === 'string' ? Buffer.from(body) : body)) {
      this.#socket.write(bytes);
    }
    if (kind === 'passed' && this.#socket.writableLength < lateBytes) {
      this.#timer ??= setTimeout(() => this.#flush(), lateMs);
    } else {
      this.#flush();
    }
  }

  #flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    for (; this.#corks > 0; this.#corks -= 1) {
      this.#socket.uncork();
    }
  }

  /** Closes the connection at once. */
  close(): void {
    clearTimeout(this.#timer);
    this.#socket.destroy();
  }
}
