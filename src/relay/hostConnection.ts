import type { Socket } from 'node:net';
import { type Frame, FrameReader, FrameWriter, frameBytes, type Greeting, greetingBytes, hostProtocol, tookBytes } from './contract.ts';

interface ConnectionEvents {
  /** The host has taken the session. */
  ready(): void;
  /** Some bytes came. */
  heard(): void;
  /** Frames that the host has committed. @param done by name, how many frames of this connection the host has dealt with */
  obey(frames: readonly Frame[], done: readonly (readonly [name: string, count: number])[]): void;
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
        events.obey(batch.splice(0), doneIn(frame.body));
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

/** The body of `commit`. */
function doneIn(body: Buffer): (readonly [name: string, count: number])[] {
  const words = body.length === 0 ? [] : body.toString('latin1').split(' ');
  return words.flatMap((name, index) => (index % 2 === 0 ? [[name, Number(words[index + 1])] as const] : []));
}

/** What was passed to the client is told with the next message, at the latest after this time, ms, or so many bytes: the host would wake up for nothing else. */
const [lateMs, lateBytes] = [20, 65_536];

/** The host that has the session. */
export class HostLink {
  readonly #socket: Socket;
  readonly #frames = new FrameWriter();
  readonly #written = new Map<string, number>();
  /** Bytes of the lines that wait. */
  #waiting = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(socket: Socket) {
    this.#socket = socket;
  }

  send(kind: string, name: string, body?: Buffer | string): void {
    this.#frames.add(kind, name, body);
    this.#waiting += body?.length ?? 0;
    if ((kind === 'passed' || kind === 'sent') && this.#waiting < lateBytes) {
      this.#timer ??= setTimeout(() => this.#flush(), lateMs);
    } else {
      this.#flush();
    }
  }

  /** Bytes of a host were written to the client or a server. A frame for each would cost as much as the message. */
  took(name: string, bytes: number): void {
    const all = (this.#written.get(name) ?? 0) + bytes;
    this.#written.set(name, all < tookBytes ? all : 0);
    if (all >= tookBytes) {
      this.send('took', name, `${all}`);
    }
  }

  #flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#waiting = 0;
    this.#frames.leave(this.#socket);
  }

  /** Closes the connection at once. */
  close(): void {
    clearTimeout(this.#timer);
    this.#socket.destroy();
  }
}
