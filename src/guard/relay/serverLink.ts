import { isRecord } from '../../base/json.ts';
import { systemRandom } from '../../base/random.ts';
import { sizeText } from '../../base/sizeText.ts';
import type { Envelope, IdKey, JsonObject } from '../message/envelope.ts';
import { type LineLimits, LineSplitter, lineLimits } from '../message/lineSplitter.ts';
import type { Pending, ServerProcess } from '../process/serverProcess.ts';
import { MessageWriter, PausableInput } from './messageWriter.ts';

/** The answer of a server to a request of the guard itself. */
export type ServerAnswer =
  | { readonly status: 'result'; readonly result: JsonObject }
  | { readonly status: 'error'; readonly message: string; readonly code: number | undefined }
  /** The server ended, or did not answer in time. */
  | { readonly status: 'silent'; readonly reason: string };

/** Requests that leave nothing behind, or what the guard repeats for a new server. */
const setUp: ReadonlySet<string> = new Set([
  ...['initialize', 'server/discover', 'ping', 'logging/setLevel', 'subscriptions/listen'],
  ...['tools/list', 'prompts/list', 'resources/list', 'resources/templates/list'],
]);

/** Clients wait this long for an answer to `initialize`, ms. */
const answerMs = 60_000;

/** Receives the output of servers. */
export interface LinkListener {
  /** For the guard's log. */
  report(text: string): void;
  /** The lines that one chunk of its output completed, in their order. @param hasPassed the client already has them */
  lines(link: ServerLink, lines: readonly Buffer[], hasPassed: boolean): void;
  /** Some bytes of a line that is too long to be kept. @param ends they end with its line break */
  part(link: ServerLink, bytes: Buffer, ends: boolean): void;
  /** Its output ended within such a line. */
  cut(link: ServerLink): void;
  /** The bytes after its last line break, when its output ended. */
  rest(link: ServerLink, bytes: Buffer): void;
}

/** One running server and the requests in flight between it and the client. */
export class ServerLink {
  readonly process: ServerProcess;
  /** Requests of the client in flight. */
  readonly inFlight: Map<IdKey, Pending>;
  /** Requests of the server that the client has not answered: the id that the client knows → the server's own. */
  readonly asked = new Map<IdKey, IdKey>();
  /** `subscriptions/listen` requests. They stay open for as long as the client wants, so nothing waits for their end. */
  readonly listening = new Set<IdKey>();
  /** Subscriptions that the guard repeated here: the client already has the acknowledgement. */
  readonly reopened = new Set<IdKey>();
  readonly out: MessageWriter;
  /** The server's standard output; paused while the client is slow. */
  readonly output: PausableInput;
  readonly #own = new Map<IdKey, (answer: ServerAnswer) => void>();
  /** It has answered a request, the client's or the guard's. */
  hasAnswered = false;
  /** It asked its client something before its first answer. */
  askedFirst = false;
  /** The client has sent it a request that may have left something behind. */
  hasBeenCalled = false;
  /** Time of the client's last request but `ping`, or of the connection, `performance.now()`. */
  usedAt: number = performance.now();
  /** Why the guard ended it, for answers. */
  fault: string | undefined;
  readonly #idleWaiters = new Set<() => void>();
  /** Resolves when its output has ended. */
  readonly drained: Promise<void>;

  constructor(process: ServerProcess, listener: LinkListener, client: PausableInput, limits: LineLimits = lineLimits) {
    this.process = process;
    this.inFlight = process.calls ?? new Map();
    this.out = new MessageWriter(process.stdin, () => [client]);
    this.output = new PausableInput(process.stdout);
    let lines: Buffer[] = [];
    const passLines = (hasPassed = false): void => {
      const whole = lines;
      lines = [];
      if (whole.length > 0) {
        listener.lines(this, whole, hasPassed);
      }
    };
    const splitter = new LineSplitter(
      {
        line: (line) => lines.push(line),
        part: (bytes, ends) => {
          passLines();
          listener.part(this, bytes, ends);
        },
        cut: () => listener.cut(this),
        endless: () => {
          this.fault = `The server sent a line of more than ${sizeText(limits.longest)} and was ended`;
          listener.report(`${this.fault} (PID ${process.pid})`);
          // It is then ended like every server that closed its output.
          process.stdout.destroy();
        },
      },
      limits,
    );
    process.stdout.on('data', (chunk: Buffer, hasPassed?: unknown) => {
      splitter.push(chunk);
      passLines(hasPassed === true);
    });
    this.drained = new Promise((resolve) => {
      const end = (): void => {
        const rest = splitter.rest();
        if (rest.length > 0) {
          listener.rest(this, rest);
        }
        resolve();
      };
      process.stdout.once('end', end);
      process.stdout.once('close', end);
    });
    void process.exited.then(({ code, signal }) => this.#failOwn(`it ended (${signal ?? `exit code ${code}`})`));
  }

  /** Notes a request of the client as in flight. */
  take(id: IdKey, method: string, tool?: string): void {
    const since = performance.now();
    this.usedAt = method === 'ping' ? this.usedAt : since;
    this.hasBeenCalled ||= !setUp.has(method);
    this.inFlight.set(id, { method, tool, since, more: this.inFlight.get(id) });
  }

  /** The request was answered or cancelled. @returns what was noted */
  settle(id: IdKey): Pending | undefined {
    const pending = this.inFlight.get(id);
    if (pending === undefined) {
      return undefined;
    }
    if (pending.more) {
      this.inFlight.set(id, pending.more);
    } else {
      this.inFlight.delete(id);
    }
    if (this.isIdle) {
      this.wakeIdleWaiters();
    }
    return pending;
  }

  /** No request is in flight but subscriptions. */
  get isIdle(): boolean {
    return this.inFlight.size === this.listening.size;
  }

  wakeIdleWaiters(): void {
    for (const waiter of this.#idleWaiters) {
      waiter();
    }
    this.#idleWaiters.clear();
  }

  /** Waits until it is idle, the time is over, the server ended or the signal aborts. @returns whether it is idle */
  async idle(limitMs: number, signal: AbortSignal): Promise<boolean> {
    const until = performance.now() + limitMs;
    while (!this.isIdle && this.process.ended === undefined && !signal.aborted) {
      const left = until - performance.now();
      if (left <= 0) {
        return false;
      }
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, left);
        const wake = (): void => {
          clearTimeout(timer);
          signal.removeEventListener('abort', wake);
          resolve();
        };
        signal.addEventListener('abort', wake);
        this.#idleWaiters.add(wake);
        void this.process.exited.then(wake);
      });
    }
    return this.isIdle;
  }

  /** Sends a request of the guard itself; the client does not see it. Never rejects. */
  ask(method: string, params: unknown, limitMs: number = answerMs): Promise<ServerAnswer> {
    // Random, so that it cannot meet an id of the client.
    const id = `mcp-shepherd-${systemRandom(9).toString('base64url')}`;
    return new Promise((resolve) => {
      const timer = setTimeout(
        () => this.#settleOwn(id, { status: 'silent', reason: `it did not answer ${method} within ${limitMs / 1_000} s` }),
        limitMs,
      );
      this.#own.set(id, (answer) => {
        clearTimeout(timer);
        resolve(answer);
      });
      if (this.process.ended) {
        this.#failOwn('it ended');
        return;
      }
      this.out.add(Buffer.from(`${JSON.stringify({ jsonrpc: '2.0', id, method, ...(params === undefined ? {} : { params }) })}\n`));
      this.out.flush();
    });
  }

  /** Requests of the guard itself are in flight. */
  get hasAsked(): boolean {
    return this.#own.size > 0;
  }

  /** Takes an answer to a request of the guard itself. @returns whether it was one */
  takeOwn(id: IdKey, envelope: Envelope & { kind: 'response' }): boolean {
    if (this.#own.size === 0 || !this.#own.has(id)) {
      return false;
    }
    const message = envelope.body.value();
    const error = isRecord(message?.error) ? message.error : undefined;
    this.#settleOwn(
      id,
      isRecord(message?.result)
        ? { status: 'result', result: message.result }
        : {
            status: 'error',
            message: typeof error?.message === 'string' ? error.message : 'an answer without a result',
            code: typeof error?.code === 'number' ? error.code : undefined,
          },
    );
    return true;
  }

  #settleOwn(id: IdKey, answer: ServerAnswer): void {
    const settle = this.#own.get(id);
    this.#own.delete(id);
    settle?.(answer);
  }

  #failOwn(reason: string): void {
    for (const id of [...this.#own.keys()]) {
      this.#settleOwn(id, { status: 'silent', reason });
    }
  }
}
