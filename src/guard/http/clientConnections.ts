import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse, STATUS_CODES } from 'node:http';
import type { AddressInfo } from 'node:net';
import { errorCode, reasonOf } from '../../base/errors.ts';
import type { Log } from '../../base/log.ts';
import { refuse } from './session/answers.ts';

/** The rate of a body that takes longer than the limit, bytes per second. */
const minBytesPerSecond = 1_024;
/** The rate is that of the last seconds: what a body sent before earns it no time, ms. */
const paceMs = 10_000;

/** How fast a body arrives. */
export class BodyPace {
  readonly #limitMs: number;
  readonly #samples: { readonly at: number; readonly bytes: number }[] = [{ at: 0, bytes: 0 }];
  #ms = 0;

  /** @param limitMs time that every body may take, whatever its size */
  constructor(limitMs: number) {
    this.#limitMs = limitMs;
  }

  /**
   * @param ms time since the last call in which the guard was ready to read
   * @param bytes of the body so far
   */
  isTooSlow(ms: number, bytes: number): boolean {
    this.#ms += ms;
    while (this.#samples[1] && this.#samples[1].at <= this.#ms - paceMs) {
      this.#samples.shift();
    }
    const since = this.#samples[0] ?? { at: 0, bytes: 0 };
    this.#samples.push({ at: this.#ms, bytes });
    const expected = ((this.#ms - since.at) * minBytesPerSecond) / 1_000;
    return this.#ms >= this.#limitMs && bytes - since.bytes < expected;
  }
}

/**
 * Calls `tooSlow` when a client sends its body too slowly. Time in which the guard does not read, because the server does not, is not counted.
 * @param limitMs time that every body may take, whatever its size
 * @returns a function that ends the watch
 */
function watchPace(request: IncomingMessage, limitMs: number, tooSlow: () => void): () => void {
  const { socket } = request;
  const before = socket.bytesRead;
  const pace = new BodyPace(limitMs);
  const stepMs = Math.min(Math.max(limitMs, 50), 1_000);
  const timer = setInterval(() => {
    if (request.complete || socket.destroyed) {
      clearInterval(timer);
    } else if (!request.isPaused() && pace.isTooSlow(stepMs, socket.bytesRead - before)) {
      clearInterval(timer);
      tooSlow();
    }
  }, stepMs).unref();
  return () => clearInterval(timer);
}

interface ConnectionParts {
  readonly log: Log;
  /** Time that every body may take, ms; a longer one needs a rate (`BodyPace`). */
  readonly bodyMs: number;
}

/** Requests of one connection that are not answered: each may hold an answer and a connection to the server. Clients of MCP send one at a time. */
const maxInFlight = 32;

/** For the head of a request, ms. */
const headersTimeoutMs = 5_000;

/** Time in which a client can read why its request was refused, ms. */
const lingerMs = 1_000;

/** Status for Node's error codes of requests that cannot be parsed; every other is 400. */
const clientErrors: Readonly<Record<string, number>> = {
  HPE_HEADER_OVERFLOW: 431,
  HPE_CHUNK_EXTENSIONS_OVERFLOW: 413,
  ERR_HTTP_REQUEST_TIMEOUT: 408,
};

/** Creates the HTTP server for clients, which refuses requests that are too slow, too large or not HTTP. It does not listen yet (`openPort`). */
export function serveClients(
  { log, bodyMs }: ConnectionParts,
  answer: (request: IncomingMessage, response: ServerResponse) => Promise<void>,
): Server {
  const server = createServer({
    keepAliveTimeout: 65_000,
    headersTimeout: headersTimeoutMs,
    // A request has no time limit as a whole; `watchPace` limits how slowly its body may arrive.
    requestTimeout: 0,
    connectionsCheckingInterval: 1_000,
    requireHostHeader: false,
  });
  const busy = new WeakMap<object, number>();
  server.on('request', (request, response) => {
    const { socket } = request;
    const inFlight = (busy.get(socket) ?? 0) + 1;
    busy.set(socket, inFlight);
    if (inFlight > maxInFlight) {
      socket.destroy();
      return;
    }
    const unwatch = watchPace(request, bodyMs, () => tooSlow(request, response));
    response.once('close', () => {
      // The guard answers its own pages before the body has arrived.
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
        refuse(response, 500, 'The guard failed to handle this request; see its log.');
      }
    });
  });
  server.on('clientError', (error, socket) => {
    // While a response is due on this connection, the client would take this one for it.
    if (socket.writable && (busy.get(socket) ?? 0) === 0) {
      const status = clientErrors[errorCode(error) ?? ''] ?? 400;
      socket.end(`HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
      // A client that does not close its half would keep the descriptor.
      setTimeout(() => socket.destroy(), lingerMs).unref();
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
  refuse(response, 408, 'The body of the request arrived too slowly; the guard option --body-timeout SECONDS sets the limit.');
}

/** Opens the port for clients; 0 means any free port. @returns the port, or why it could not be opened */
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
          : `cannot listen on ${host}:${port} (${code ?? reasonOf(error)})`,
    };
  }
  return { port: (server.address() as AddressInfo).port };
}
