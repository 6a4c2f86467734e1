import { LineSplitter } from '../../guard/message/lineSplitter.ts';
import type { Ended, ServerProcess } from '../../guard/process/serverProcess.ts';
import { NotedCalls } from '../notedCalls.ts';
import { RemoteSink, RemoteSource } from '../remoteStreams.ts';

/** No line may be longer, and no client may leave more unread; bytes. */
export const maxKept = 64 * 1_048_576;

/** What a view needs of its server. */
interface ViewOptions {
  /** Of the ledger. */
  readonly name: string;
  readonly pid: number;
  /** A line of the client. */
  take(line: Buffer): void;
  /** Carries it out when the relay knows what the session did until now. */
  later(act: () => void): void;
  /** Calls back when the server takes more input. */
  writable(act: () => void): void;
  /** The session has ended this view, which is this one client's part of the server. */
  left(): void;
}

/** A shared server as one of its sessions sees it: a server of its own. */
export class SharedView implements ServerProcess {
  readonly name: string;
  readonly pid: number;
  readonly stdin: RemoteSink;
  readonly stdout: RemoteSource;
  readonly errors: RemoteSource = new RemoteSource(() => undefined);
  readonly calls: NotedCalls = new NotedCalls();
  readonly exited: Promise<Ended>;
  ended: Ended | undefined;
  readonly #options: ViewOptions;
  #exit: (ended: Ended) => void = () => undefined;
  #lines: Buffer[] = [];
  #isClosing = false;
  /** Bytes of the frames that the session has not read. */
  readonly #unread: number[] = [];
  #unreadBytes = 0;
  #read = 0;

  constructor(options: ViewOptions) {
    this.#options = options;
    this.name = options.name;
    this.pid = options.pid;
    this.exited = new Promise((resolve) => {
      this.#exit = resolve;
    });
    this.stdout = new RemoteSource((frames) => this.#hasRead(frames));
    const splitter = new LineSplitter(
      {
        line: (line) => options.take(line),
        part: () => undefined,
        cut: () => undefined,
        endless: () => this.#leave({ code: 1, signal: null }),
      },
      { kept: maxKept, longest: maxKept },
    );
    this.stdin = new RemoteSink((bytes) => {
      options.later(() => {
        if (!this.ended) {
          splitter.push(bytes);
          options.writable(() => this.stdin.took(bytes.length));
        }
      });
    });
  }

  /** The session has ended it by itself. */
  get hasLeft(): boolean {
    return this.#isClosing;
  }

  /** A line for the client. It leaves in a later turn, because the session may still be writing the request that it answers. */
  add(line: Buffer): void {
    if (this.ended) {
      return;
    }
    this.#lines.push(line);
    if (this.#lines.length === 1) {
      queueMicrotask(() => this.#flush());
    }
  }

  #flush(): void {
    const [first, ...more] = this.#lines;
    this.#lines = [];
    if (first && !this.ended) {
      const bytes = more.length === 0 ? first : Buffer.concat([first, ...more]);
      this.#unread.push(bytes.length);
      this.#unreadBytes += bytes.length;
      this.stdout.push(bytes);
      if (this.#unreadBytes > maxKept) {
        // The others do not wait for a client that does not read.
        this.#leave({ code: 1, signal: null });
      } else if (this.#isClosing && this.calls.size === 0) {
        this.#leave({ code: 0, signal: null });
      }
    }
  }

  #hasRead(frames: number): void {
    for (; this.#read < frames; this.#read += 1) {
      this.#unreadBytes -= this.#unread.shift() ?? 0;
    }
  }

  /** What is in flight may still be answered, as by a server whose input has ended. */
  closeInput(): void {
    this.#isClosing = true;
    if (this.calls.size === 0) {
      this.#options.later(() => this.#leave({ code: 0, signal: null }));
    }
  }

  /** A signal for this client's server does not reach the one of all. */
  signal(signal: NodeJS.Signals): void {
    this.#isClosing = true;
    this.#leave({ code: null, signal });
  }

  isGroupAlive(): boolean {
    return this.ended === undefined;
  }

  #leave(ended: Ended): void {
    if (!this.ended) {
      this.end(ended);
      this.#options.left();
    }
  }

  /** The server has ended. */
  end(ended: Ended): void {
    if (!this.ended) {
      this.#flush();
      this.ended = ended;
      this.stdin.close();
      this.stdout.end();
      this.errors.end();
      this.#exit(ended);
    }
  }
}
