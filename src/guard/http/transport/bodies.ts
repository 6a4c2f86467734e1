import type { ClientRequest, IncomingMessage, ServerResponse } from 'node:http';
import type { Readable } from 'node:stream';

/** The body of a request. `rest` is present when the body is larger than what the guard keeps to send it again; `bytes` is the beginning then. */
export interface RequestBody {
  readonly bytes: Buffer;
  readonly rest?: Readable;
}

/** Bodies up to this size are kept and can be sent again; larger ones are streamed, bytes. */
const repeatableBytes = 4_194_304;

/** Bodies up to this size may use all of the budget, bytes. */
const smallBytes = 65_536;
/** Together, bytes. Some is left for small bodies, so that large ones do not stop other calls. */
const maxHeldBytes = 67_108_864;
const maxHeldByLarge = 50_331_648;

/** The bytes of all request bodies that are held, until they are answered. */
export class BodyBudget {
  #held = 0;

  get held(): number {
    return this.#held;
  }

  /** @param size of the body with these bytes @returns false when there is no room: the bytes are not counted */
  take(bytes: number, size: number): boolean {
    if (this.#held + bytes > (size > smallBytes ? maxHeldByLarge : maxHeldBytes)) {
      return false;
    }
    this.#held += bytes;
    return true;
  }

  give(bytes: number): void {
    this.#held -= bytes;
  }
}

/**
 * @param budget in which the bytes count until the client's connection is done with `response`
 * @returns `broken` when the client disconnected before the body was complete, `full` when there is no room for it
 */
export async function readRequestBody(
  request: IncomingMessage,
  response: Pick<ServerResponse, 'once' | 'closed'>,
  budget: BodyBudget,
  limit = repeatableBytes,
): Promise<RequestBody | 'broken' | 'full'> {
  let taken = 0;
  const giveBack = (): void => {
    budget.give(taken);
    taken = 0;
  };
  response.once('close', giveBack);
  const part = await collect(request, limit, (bytes, size) => {
    const fits = !response.closed && budget.take(bytes, size);
    taken += fits ? bytes : 0;
    return fits;
  });
  return part === 'broken' || part === 'full' ? part : part.whole ? { bytes: part.bytes } : { bytes: part.bytes, rest: request };
}

/** Joins chunks. However small they are, its memory stays below three times their bytes; a list of chunks of one byte takes more than a hundred times. */
export class ByteCollector {
  #bytes: Buffer = Buffer.alloc(0);
  #size = 0;

  get size(): number {
    return this.#size;
  }

  push(chunk: Buffer): void {
    if (this.#size === 0) {
      this.#bytes = chunk;
    } else {
      const size = this.#size + chunk.length;
      if (size > this.#bytes.length) {
        const larger = Buffer.allocUnsafeSlow(Math.max(size, 2 * this.#size));
        this.#bytes.copy(larger, 0, 0, this.#size);
        this.#bytes = larger;
      }
      chunk.copy(this.#bytes, this.#size);
    }
    this.#size += chunk.length;
  }

  /** All chunks so far; no more may be pushed afterwards. */
  get bytes(): Buffer {
    return this.#bytes.subarray(0, this.#size);
  }
}

/**
 * Reads a whole answer of up to `limit` bytes.
 * @returns undefined when it broke off, or is larger; it can then still be read from its beginning
 */
export async function readShortAnswer(response: IncomingMessage, limit: number): Promise<Buffer | undefined> {
  const part = await collect(response, limit);
  if (part === 'broken' || part === 'full') {
    return undefined;
  }
  if (!part.whole) {
    response.unshift(part.bytes);
    return undefined;
  }
  return part.bytes;
}

type Part = { readonly bytes: Buffer; readonly whole: boolean } | 'broken' | 'full';

/** @param take is told the bytes of each chunk and of all; false stops the reading */
function collect(stream: IncomingMessage, limit: number, take?: (bytes: number, size: number) => boolean): Promise<Part> {
  return new Promise((resolve) => {
    const collected = new ByteCollector();
    const finish = (result: Part): void => {
      stream.off('data', data).off('end', end).off('error', broken).off('close', broken);
      resolve(result);
    };
    const data = (chunk: Buffer): void => {
      if (take && !take(chunk.length, collected.size + chunk.length)) {
        stream.pause();
        finish('full');
        return;
      }
      collected.push(chunk);
      if (collected.size > limit) {
        stream.pause();
        finish({ bytes: collected.bytes, whole: false });
      }
    };
    const end = (): void => finish(stream.complete ? { bytes: collected.bytes, whole: true } : 'broken');
    const broken = (): void => finish('broken');
    stream.on('data', data).once('end', end).once('error', broken).once('close', broken);
    if (stream.destroyed) {
      broken();
    }
  });
}

type PassResult =
  | 'ended'
  /** The connection to the server broke off. */
  | 'cut'
  | 'client-gone'
  /** `detach` was aborted. */
  | 'detached';

/**
 * Passes a body on while it arrives, no faster than the client reads. Does not end the client's response.
 * @param detach stops the transfer
 */
export function passBody(
  upstream: { readonly response: IncomingMessage; readonly request: ClientRequest },
  client: ServerResponse,
  onChunk?: (chunk: Buffer) => void,
  detach?: AbortSignal,
): Promise<PassResult> {
  const { response, request } = upstream;
  return new Promise((resolve) => {
    let settled = false;
    const finish = (result: PassResult): void => {
      if (settled) {
        return;
      }
      settled = true;
      response.off('data', data).off('end', end).off('close', cut);
      client.off('drain', drain).off('close', gone);
      detach?.removeEventListener('abort', stop);
      if (result !== 'ended') {
        request.destroy();
      }
      resolve(result);
    };
    const data = (chunk: Buffer): void => {
      onChunk?.(chunk);
      const { socket } = client;
      if (socket && socket.writableCorked === 0) {
        // Head, body and end of a short answer leave in one packet; nothing is held longer than one turn of the event loop.
        // Not `client.cork()`: it sends its chunks after the end mark (Node 20 to 24).
        socket.cork();
        setImmediate(() => socket.uncork());
      }
      if (!client.write(chunk)) {
        response.pause();
      }
    };
    const drain = (): void => {
      response.resume();
    };
    const end = (): void => finish(response.complete ? 'ended' : 'cut');
    const cut = (): void => finish('cut');
    const gone = (): void => finish('client-gone');
    const stop = (): void => finish('detached');
    // Stays registered: an error after the transfer must not be unhandled.
    response.on('error', cut);
    response.on('data', data).once('end', end).once('close', cut);
    client.on('drain', drain).once('close', gone);
    detach?.addEventListener('abort', stop, { once: true });
    if (client.destroyed) {
      gone();
    } else if (detach?.aborted) {
      stop();
    } else if (response.destroyed) {
      cut();
    } else {
      response.resume();
    }
  });
}
