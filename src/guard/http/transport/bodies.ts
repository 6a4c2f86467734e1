import type { ClientRequest, IncomingMessage, ServerResponse } from 'node:http';
import type { Readable } from 'node:stream';

/** The body of a request: whole, or its beginning when it is larger than what is kept for a second try. */
export interface RequestBody {
  readonly bytes: Buffer;
  readonly rest?: Readable;
}

/** Requests up to this size can be sent again; larger ones are streamed. */
export const repeatableBytes = 4_194_304;

/** @returns undefined when the client went away before it had sent it */
export function readRequestBody(request: IncomingMessage, limit = repeatableBytes): Promise<RequestBody | undefined> {
  return collect(request, limit).then((part) =>
    part === 'broken' ? undefined : part.whole ? { bytes: part.bytes } : { bytes: part.bytes, rest: request },
  );
}

/** A short answer as a whole. @returns undefined when it is larger than `limit` (then nothing of it is lost: it can be read from its beginning) or broke off */
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
  /** We let go of the server ourselves. */
  | 'let-go';

/**
 * Passes a body on as it comes; waits when the client does not take it. Does not end the client's answer.
 * @param letGo stops it from this side
 */
export function passBody(
  upstream: { readonly response: IncomingMessage; readonly request: ClientRequest },
  client: ServerResponse,
  onChunk?: (chunk: Buffer) => void,
  letGo?: AbortSignal,
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
      letGo?.removeEventListener('abort', stop);
      if (result !== 'ended') {
        request.destroy();
      }
      resolve(result);
    };
    const data = (chunk: Buffer): void => {
      onChunk?.(chunk);
      const { socket } = client;
      if (socket && socket.writableCorked === 0) {
        // What comes at the same moment (head, body and end of a short answer) leaves in one packet; nothing is kept beyond the moment.
        // Not `client.cork()`: its chunks would leave after the mark of the end (Node 20 to 24).
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
    const stop = (): void => finish('let-go');
    // What breaks off after we let go is nobody's concern.
    response.on('error', cut);
    response.on('data', data).once('end', end).once('close', cut);
    client.on('drain', drain).once('close', gone);
    letGo?.addEventListener('abort', stop, { once: true });
    if (client.destroyed) {
      gone();
    } else if (letGo?.aborted) {
      stop();
    } else if (response.destroyed) {
      cut();
    } else {
      response.resume();
    }
  });
}
