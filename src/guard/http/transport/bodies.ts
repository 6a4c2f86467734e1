import type { ClientRequest, IncomingMessage, ServerResponse } from 'node:http';
import type { Readable } from 'node:stream';

/** The body of a request. `rest` is present when the body is larger than what the guard keeps to send it again; `bytes` is the beginning then. */
export interface RequestBody {
  readonly bytes: Buffer;
  readonly rest?: Readable;
}

/** Bodies up to this size are kept and can be sent again; larger ones are streamed, bytes. */
export const repeatableBytes = 4_194_304;

/** @returns undefined when the client disconnected before the body was complete */
export function readRequestBody(request: IncomingMessage, limit = repeatableBytes): Promise<RequestBody | undefined> {
  return collect(request, limit).then((part) =>
    part === 'broken' ? undefined : part.whole ? { bytes: part.bytes } : { bytes: part.bytes, rest: request },
  );
}

/**
 * Reads a whole answer of up to `limit` bytes.
 * @returns undefined when it broke off, or is larger; it can then still be read from its beginning
 */
export async function readShortAnswer(response: IncomingMessage, limit: number): Promise<Buffer | undefined> {
  const part = await collect(response, limit);
  if (part === 'broken') {
    return undefined;
  }
  if (!part.whole) {
    response.unshift(part.bytes);
    return undefined;
  }
  return part.bytes;
}

function collect(stream: IncomingMessage, limit: number): Promise<{ readonly bytes: Buffer; readonly whole: boolean } | 'broken'> {
  return new Promise((resolve) => {
    const chunks: Buffer[] = [];
    let size = 0;
    const finish = (result: { readonly bytes: Buffer; readonly whole: boolean } | 'broken'): void => {
      stream.off('data', data).off('end', end).off('error', broken).off('close', broken);
      resolve(result);
    };
    const data = (chunk: Buffer): void => {
      chunks.push(chunk);
      size += chunk.length;
      if (size > limit) {
        stream.pause();
        finish({ bytes: Buffer.concat(chunks), whole: false });
      }
    };
    const end = (): void =>
      finish(stream.complete ? { bytes: chunks.length === 1 && chunks[0] ? chunks[0] : Buffer.concat(chunks), whole: true } : 'broken');
    const broken = (): void => finish('broken');
    stream.on('data', data).once('end', end).once('error', broken).once('close', broken);
    if (stream.destroyed) {
      broken();
    }
  });
}

export type PassResult =
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
