import type { Socket } from 'node:net';
import * as v from 'valibot';
import { errorName, reasonOf } from '../../base/errors.ts';
import { singleLine } from '../../base/singleLine.ts';
import { ControlLines, type ControlObject, maxLineBytes, sendLine } from './controlLines.ts';
import { ControlRefusal, type ControlRequest, clientProofSchema, requestSchema } from './controlMessages.ts';
import { isProof, newNonce, proofOf } from './controlSecret.ts';

interface ConnectionOptions {
  readonly secret: Buffer;
  readonly handshakeMs: number;
  readonly idleMs: number;
  /** Carries out a request. @throws ControlRefusal, or any error when it fails */
  readonly answer: (request: ControlRequest, progress: (progress: ControlObject) => void) => Promise<ControlObject>;
  readonly onProblem: (problem: string) => void;
}

/** Requests of one connection that run at a time. */
const maxRunning = 8;
/** For answers in flight when the connection is closed, ms. */
const closeMs = 2_000;

/** The server's end of one control connection: first the proof, within `handshakeMs`; then requests. */
export class ControlConnection {
  readonly #socket: Socket;
  readonly #options: ConnectionOptions;
  readonly #lines: ControlLines;
  readonly #nonce = newNonce();
  #proven = false;
  #running = 0;
  #closing = false;
  #timer: NodeJS.Timeout | undefined;

  constructor(socket: Socket, options: ConnectionOptions) {
    this.#socket = socket;
    this.#options = options;
    this.#lines = new ControlLines(
      (message) => (this.#proven ? void this.#serve(message) : this.#prove(message)),
      (fault) => this.#refuse(`a line that is ${fault}`),
    );
    this.#wait(options.handshakeMs, 'no proof in time');
    socket.on('data', (chunk) => this.#receive(chunk));
    // 'close' follows.
    socket.on('error', () => {});
    socket.once('close', () => this.#stopWaiting());
    sendLine(socket, { ilp: 1, nonce: this.#nonce });
  }

  /** Ends the connection when the running requests are answered (the answer to `stop` is sent while the endpoint closes), after 2 s at most. */
  close(): void {
    this.#closing = true;
    this.#lines.end();
    this.#stopWaiting();
    if (this.#running === 0) {
      this.#socket.end();
    }
    setTimeout(() => this.#socket.destroy(), closeMs).unref();
  }

  #receive(chunk: Buffer): void {
    const began = this.#lines.isPartial;
    this.#lines.push(chunk);
    // A line that arrives slowly gets no more time with each byte.
    if (this.#proven && !began && this.#lines.isPartial && this.#running === 0) {
      this.#wait(this.#options.handshakeMs, 'a line that did not end in time');
    }
  }

  #prove(message: ControlObject): void {
    const answer = v.safeParse(clientProofSchema, message);
    const { secret } = this.#options;
    if (
      !answer.success ||
      answer.output.nonce === this.#nonce ||
      !isProof(answer.output.proof, proofOf(secret, this.#nonce, answer.output.nonce))
    ) {
      this.#refuse('a wrong proof');
      return;
    }
    this.#proven = true;
    sendLine(this.#socket, { proof: proofOf(secret, answer.output.nonce, this.#nonce) });
    this.#idle();
  }

  async #serve(message: ControlObject): Promise<void> {
    const id = typeof message.id === 'number' ? message.id : null;
    const request = v.safeParse(requestSchema, message);
    if (!request.success || this.#running >= maxRunning) {
      const code = request.success
        ? 'failed'
        : message.verb !== undefined && v.getDotPath(request.issues[0]) === 'verb'
          ? 'unsupported'
          : 'invalid';
      this.#send({
        id,
        error: {
          code,
          message: request.success
            ? 'too many requests at a time'
            : `not a request: ${v.getDotPath(request.issues[0]) ?? 'the whole line'}`,
        },
      });
      this.#idle();
      return;
    }
    this.#running += 1;
    this.#stopWaiting();
    let answered = false;
    try {
      const result = await this.#options.answer(request.output, (progress) => {
        if (!answered && this.#socket.writableLength < maxLineBytes) {
          sendLine(this.#socket, { id, progress });
        }
      });
      this.#send({ id, result });
    } catch (error) {
      this.#send({ id, error: this.#explain(request.output.verb, error) });
    } finally {
      answered = true;
      this.#running -= 1;
      this.#idle();
    }
  }

  #explain(verb: string, error: unknown): { code: string; message: string } {
    if (error instanceof ControlRefusal) {
      return { code: error.code, message: singleLine(error.message, 400) };
    }
    const name = errorName(error);
    this.#options.onProblem(`the control verb ${verb} failed (${reasonOf(error)})`);
    return { code: 'failed', message: `${verb} failed (${name})` };
  }

  #send(message: ControlObject): void {
    if (!sendLine(this.#socket, message)) {
      sendLine(this.#socket, {
        id: message.id ?? null,
        error: { code: 'too-large', message: `the answer is larger than ${maxLineBytes} bytes` },
      });
    }
  }

  #refuse(what: string): void {
    this.#options.onProblem(`a control connection was closed: ${what}`);
    this.#lines.end();
    this.#stopWaiting();
    this.#socket.destroy();
  }

  #idle(): void {
    if (this.#closing && this.#running === 0) {
      this.#socket.end();
    } else if (this.#running === 0 && !this.#socket.destroyed) {
      this.#wait(this.#options.idleMs, undefined);
    }
  }

  #wait(ms: number, problem: string | undefined): void {
    this.#stopWaiting();
    this.#timer = setTimeout(() => (problem === undefined ? this.close() : this.#refuse(problem)), ms);
    this.#timer.unref();
  }

  #stopWaiting(): void {
    clearTimeout(this.#timer);
  }
}
