import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse, STATUS_CODES } from 'node:http';
import type { AddressInfo } from 'node:net';
import { errorCode, reasonOf } from '../../base/errors.ts';
import type { Log } from '../../base/log.ts';
import { refuse } from './session/answers.ts';

/** After its time a body has to have come with this mean rate, bytes a second: less is no upload, it only keeps a connection and memory. */
const slowest = 1_024;

/**
 * Watches how fast a client sends its body. Only the time counts in which it could send: while the server does not take what is here already, nothing is asked of the client.
 * @param limitMs time for any body
 * @returns ends the watch
 */
export function watchPace(request: IncomingMessage, limitMs: number, tooSlow: () => void): () => void {
  const { socket } = request;
  const before = socket.bytesRead;
  let readingMs = 0;
  let timer: NodeJS.Timeout;
  const arm = (ms: number): void => {
    timer = setTimeout(() => {
      if (request.complete || socket.destroyed) {
        return;
      }
      readingMs += request.isPaused() ? 0 : ms;
      const missing = limitMs + ((socket.bytesRead - before) * 1_000) / slowest - readingMs;
      missing <= 0 ? tooSlow() : arm(Math.min(missing, limitMs));
    }, ms).unref();
  };
  arm(limitMs);
  return () => clearTimeout(timer);
}

export interface ConnectionParts {
  readonly log: Log;
  /** For a body of any size; more of it has to come at a mean rate (`bodyPace.ts`), ms. */
  readonly bodyMs: number;
}

/** A client that sends its head so slowly is none. */
const headersTimeoutMs = 5_000;

/** What Node says of a request that cannot be read; everything else is 400. */
const clientErrors: Readonly<Record<string, number>> = {
  HPE_HEADER_OVERFLOW: 431,
  HPE_CHUNK_EXTENSIONS_OVERFLOW: 413,
  ERR_HTTP_REQUEST_TIMEOUT: 408,
};

/** The HTTP server that clients talk to: what of a connection is too slow, too large or no HTTP ends here. It does not listen yet. */
export function serveClients(
  { log, bodyMs }: ConnectionParts,
  answer: (request: IncomingMessage, response: ServerResponse) => Promise<void>,
): Server {
  const server = createServer({
    keepAliveTimeout: 65_000,
    headersTimeout: headersTimeoutMs,
    // How long a request may be in all is nobody's business: how fast its body comes is watched.
    requestTimeout: 0,
    connectionsCheckingInterval: 1_000,
    requireHostHeader: false,
  });
  const busy = new WeakMap<object, number>();
  server.on('request', (request, response) => {
    const { socket } = request;
    busy.set(socket, (busy.get(socket) ?? 0) + 1);
    const unwatch = watchPace(request, bodyMs, () => tooSlow(request, response));
    response.once('close', () => {
      // A page of our own is answered before its body has come.
      if (request.complete || socket.destroyed) {
        unwatch();
      }
      busy.set(socket, (busy.get(socket) ?? 1) - 1);
    });
    void answer(request, response).catch((error: unknown) => {
      log.error(`a request failed: ${reasonOf(error)}`);
      if (response.headersSent) {
        response.destroy();
      } else {
        refuse(response, 500, 'The proxy failed; see its log.');
      }
    });
  });
  // An upgrade (WebSocket) is no transport of MCP.
  server.on('clientError', (error, socket) => {
    // While an answer is due on this connection, another one would be taken for it.
    if (socket.writable && (busy.get(socket) ?? 0) === 0) {
      const status = clientErrors[errorCode(error) ?? ''] ?? 400;
      socket.end(`HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
    } else {
      socket.destroy();
    }
  });
  return server;
}

function tooSlow(request: IncomingMessage, response: ServerResponse): void {
  if (response.headersSent) {
    request.socket.destroy();
    return;
  }
  response.shouldKeepAlive = false;
  response.once('finish', () => request.socket.destroy());
  refuse(response, 408, 'The body of the request came too slowly; --body-timeout SECONDS of the guard says how slow is too slow.');
}

/** Opens the port to clients; 0 is any that is free. @returns the port, or why it cannot be had */
export async function openPort(
  server: Server,
  { host, port }: { readonly host: string; readonly port: number },
): Promise<{ readonly port: number } | { readonly fault: string }> {
  server.listen(port, host);
  try {
    await once(server, 'listening');
  } catch (error) {
    const code = errorCode(error);
    return {
      fault:
        code === 'EADDRINUSE'
          ? `port ${port} is in use by another process`
          : `${host}:${port} cannot be listened on (${code ?? String(error)})`,
    };
  }
  return { port: (server.address() as AddressInfo).port };
}
