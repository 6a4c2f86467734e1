import type { IncomingMessage } from 'node:http';
import { createParser, type EventSourceParser } from 'eventsource-parser';
import { isRecord } from '../../../base/json.ts';
import { ByteCollector } from './bodies.ts';
import type { RequestId } from './clientMessage.ts';
import { isEventStream } from './headers.ts';

/** The `result` of a JSON-RPC answer. */
export type RpcResult = Readonly<Record<string, unknown>>;

/** Larger answers are not read, bytes. */
export const maxReadBytes = 1_048_576;

/**
 * Finds the result of a request in the body of its answer, JSON or server-sent events, while the body arrives. Each byte is decoded and parsed once,
 * however many chunks there are: JSON when all of it is there, an event when it is complete.
 */
export class AnswerReader {
  readonly #id: RequestId | undefined;
  readonly #onResult: (result: RpcResult) => void;
  /** Undefined for JSON. */
  readonly #parser: EventSourceParser | undefined;
  readonly #decoder = new TextDecoder();
  /** `Content-Length`; 0 when the server does not send it. */
  readonly #expected: number;
  #json = new ByteCollector();
  #size = 0;
  #done = false;

  /**
   * @param response whose headers say what the body is
   * @param onResult called at most once
   * @param id of the request; without it the first result counts
   */
  constructor(response: Pick<IncomingMessage, 'headers'>, onResult: (result: RpcResult) => void, id?: RequestId) {
    this.#id = id;
    this.#onResult = onResult;
    this.#expected = Number(response.headers['content-length'] ?? 0);
    this.#parser = isEventStream(response) ? createParser({ onEvent: ({ data }) => this.#read(data) }) : undefined;
  }

  push(chunk: Buffer): void {
    this.#size += chunk.length;
    if (this.#done) {
      return;
    }
    if (this.#size > maxReadBytes) {
      this.#stop();
    } else if (this.#parser) {
      this.#parser.feed(this.#decoder.decode(chunk, { stream: true }));
    } else {
      this.#json.push(chunk);
      if (this.#size === this.#expected) {
        this.end();
      }
    }
  }

  /** The body has ended. Safe to call twice. */
  end(): void {
    if (!this.#parser && !this.#done) {
      this.#read(this.#json.bytes.toString('utf8'));
      this.#stop();
    }
  }

  #read(text: string): void {
    const result = this.#done ? undefined : resultIn(text, this.#id);
    if (result) {
      this.#stop();
      this.#onResult(result);
    }
  }

  #stop(): void {
    this.#done = true;
    this.#json = new ByteCollector();
  }
}

function resultIn(text: string, id: RequestId | undefined): RpcResult | undefined {
  try {
    const message: unknown = JSON.parse(text);
    return isRecord(message) && (id === undefined || message.id === id) && isRecord(message.result) ? message.result : undefined;
  } catch {
    return undefined;
  }
}
