import { isRecord } from '../../base/json.ts';
import { systemRandom } from '../../base/random.ts';
import type { Envelope, IdKey, JsonObject } from '../message/envelope.ts';
import { LineSplitter } from '../message/lineSplitter.ts';
import type { ServerProcess } from '../process/serverProcess.ts';
import { MessageWriter, PausableInput } from './messageWriter.ts';

/** A request that the server has and has not answered. */
export interface Pending {
  readonly method: string;
  /** Of `tools/call`. */
  readonly tool?: string | undefined;
  /** `performance.now()` */
  readonly since: number;
  /** Another request with the same id, against the protocol. */
  readonly more?: Pending | undefined;
}

/** What a server answered to a request of our own. */
export type ServerAnswer =
  | { readonly status: 'result'; readonly result: JsonObject }
  | { readonly status: 'error'; readonly message: string; readonly code: number | undefined }
  /** It ended, or did not answer in time. */
  | { readonly status: 'silent'; readonly reason: string };

/** Who hears what a server says. */
export interface LinkListener {
  /** The whole lines that one chunk of its output completed, in their order. */
  lines(link: ServerLink, lines: readonly Buffer[]): void;
  /** What came after its last line break, at the end. */
  rest(link: ServerLink, bytes: Buffer): void;
}

/** One running server and what is open between it and the client. */
export class ServerLink {
  readonly process: ServerProcess;
  /** Requests of the client. */
  readonly inFlight = new Map<IdKey, Pending>();
  /** Requests of the server that the client has not answered, by the id that the client knows; the value is the server's own. */
  readonly asked = new Map<IdKey, IdKey>();
  /** `subscriptions/listen` requests, which stay open for as long as the client wants, and so are never waited for. */
  readonly listening = new Set<IdKey>();
  /** Of these, the ones that were opened again here: the client has had the acknowledgement. */
  readonly reopened = new Set<IdKey>();
  readonly out: MessageWriter;
  readonly valve: PausableInput;
  readonly #own = new Map<IdKey, (answer: ServerAnswer) => void>();
  /** It has answered something, ours or the client's. */
  hasAnswered = false;
  /** When the client last asked it something, `performance.now()`; before that, when it was connected. */
  usedAt: number = performance.now();
  readonly #idleWaiters = new Set<() => void>();
  /** Resolves when its output has ended. */
  readonly drained: Promise<void>;

  constructor(process: ServerProcess, listener: LinkListener, client: PausableInput) {
    this.process = process;
    this.out = new MessageWriter(process.stdin, () => [client]);
    this.valve = new PausableInput(process.stdout);
    let lines: Buffer[] = [];
    const splitter = new LineSplitter({ line: (line) => lines.push(line) });
    process.stdout.on('data', (chunk: Buffer) => {
      splitter.push(chunk);
      const whole = lines;
      lines = [];
      if (whole.length > 0) {
        listener.lines(this, whole);
      }
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

  /** Notes a request of the client as under way. */
  take(id: IdKey, method: string, tool?: string): void {
    this.usedAt = performance.now();
    this.inFlight.set(id, { method, tool, since: this.usedAt, more: this.inFlight.get(id) });
  }

  /** An answer came, or none is wanted any more. @returns what it was */
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

  /** Nothing is under way that an end would cut off. */
  get isIdle(): boolean {
    return this.inFlight.size === this.listening.size;
  }

  wakeIdleWaiters(): void {
    for (const waiter of this.#idleWaiters) {
      waiter();
    }
    this.#idleWaiters.clear();
  }

  /** Waits until nothing is under way. @returns whether that came true in time, and before the server ended */
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

  /** Asks the server something of our own, which the client never sees. Resolves always. */
  ask(method: string, params: unknown, limitMs: number): Promise<ServerAnswer> {
    // Nobody else makes such an id.
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

  /** Requests of our own that have no answer yet. */
  get hasAsked(): boolean {
    return this.#own.size > 0;
  }

  /** Hands an answer to whoever of us asked. @returns whether it was one of those */
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
