import { chmodSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import type { LockDirectory } from '../lockDirectory.ts';
import { ControlConnection } from './controlConnection.ts';
import type { ControlObject } from './controlLines.ts';
import { ControlRefusal, type ControlRequest, verbs } from './controlMessages.ts';
import { type ControlEndpoint, newControlPath, removeControlEndpoint } from './controlPath.ts';
import { createControlSecret, removeControlSecret } from './controlSecret.ts';

/** Says how a verb is getting on; for showing. Nothing is sent after the answer, and a reader that is too slow misses some. */
export type ControlProgress = (progress: ControlObject) => void;

/**
 * What an instance does when it is asked; each answers with plain JSON of less than 64 KiB, without secrets. A handler that cannot or will not throws
 * `ControlRefusal`, whose message is told to the one who asked; of any other error only the name is told. The one who asked may be gone before the end:
 * what was begun is finished all the same.
 */
export interface ControlHandlers {
  status(request: ControlRequest): ControlObject | Promise<ControlObject>;
  /** Called once at a time: whoever asks meanwhile gets the same answer. May take 30 s. */
  restart(request: ControlRequest, progress: ControlProgress): ControlObject | Promise<ControlObject>;
  /** May be called while a restart is under way; nothing is called after it was. */
  stop(request: ControlRequest, progress: ControlProgress): ControlObject | Promise<ControlObject>;
}

export interface ControlServerOptions {
  readonly directory: LockDirectory;
  /** The id of the record that is published; requests that expect another one are refused. */
  readonly instance: string;
  readonly handlers: ControlHandlers;
  /** The server process as it runs now, as the record writes it; what `expectServer` of a restart or stop is compared with. Undefined = none runs. */
  readonly server: () => { readonly pid: number; readonly start: string } | undefined;
  /** Hears of what the other side did wrong and of handlers that threw; a text for a log, without secrets. */
  readonly onProblem?: (problem: string) => void;
  /** How long a stranger may take to prove himself, ms. Default 1 s. */
  readonly handshakeMs?: number;
  /** How long a connection without a running request may be kept, ms. Default 30 s. */
  readonly idleMs?: number;
  /** Connections at a time; those beyond it are closed at once. Default 32. */
  readonly maxConnections?: number;
}

export interface ControlServer {
  /** What to publish as the record's `control`, with `instance.publish`. */
  readonly endpoint: ControlEndpoint;
  /** Ends all connections and removes socket and secret. Safe to call twice. */
  close(): Promise<void>;
}

/**
 * Opens the control endpoint of an instance: a socket for this user only (Windows: a pipe with a name that cannot be guessed), a secret in a file beside the
 * record, and mutual proof of it before any verb. Keeps no process alive by itself.
 *
 * Wiring: `holdResources`, then this with `instance.record.id`, then `instance.publish({ state, control: server.endpoint })`; at the end `close()`, then
 * `instance.close()`, which removes what is left.
 * @throws when the socket or the secret cannot be made; nothing is left behind then
 */
export async function openControlServer(options: ControlServerOptions): Promise<ControlServer> {
  const { directory, instance } = options;
  const secret = createControlSecret(directory, instance);
  const connections = new Set<ControlConnection>();
  const desk = new VerbDesk(options);
  const accept = (socket: Socket): void => {
    const connection = new ControlConnection(socket, {
      secret,
      handshakeMs: options.handshakeMs ?? 1_000,
      idleMs: options.idleMs ?? 30_000,
      answer: (request, progress) => desk.answer(request, progress),
      onProblem: options.onProblem ?? (() => {}),
    });
    connections.add(connection);
    socket.once('close', () => connections.delete(connection));
  };
  const server = createServer(accept);
  server.maxConnections = options.maxConnections ?? 32;
  let endpoint: ControlEndpoint | undefined;
  try {
    const path = newControlPath(directory);
    endpoint = { type: process.platform === 'win32' ? 'pipe' : 'unix', path, caps: [...verbs] };
    await listen(server, path);
  } catch (error) {
    removeControlEndpoint(directory, endpoint);
    removeControlSecret(directory, instance);
    throw error;
  }
  server.on('error', (error) => options.onProblem?.(`the control endpoint failed (${error.name})`));
  server.unref();
  let closed: Promise<void> | undefined;
  const made = endpoint;
  return {
    endpoint: made,
    close() {
      closed ??= new Promise<void>((resolve) => {
        server.close(() => resolve());
        for (const connection of connections) {
          connection.close();
        }
        removeControlEndpoint(directory, made);
        removeControlSecret(directory, instance);
      });
      return closed;
    },
  };
}

function listen(server: Server, path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen({ path }, () => {
      server.off('error', reject);
      try {
        // Its folder is closed to others already; this is for those who look at the socket alone.
        if (process.platform !== 'win32') {
          chmodSync(path, 0o600);
        }
        resolve();
      } catch (error) {
        server.close();
        reject(error);
      }
    });
  });
}

/** Decides what becomes of the requests of all connections. */
class VerbDesk {
  readonly #options: ControlServerOptions;
  #restart: Promise<ControlObject> | undefined;
  readonly #watchers = new Set<ControlProgress>();
  #stopping = false;

  constructor(options: ControlServerOptions) {
    this.#options = options;
  }

  /** @throws ControlRefusal, or what a handler throws */
  async answer(request: ControlRequest, progress: ControlProgress): Promise<ControlObject> {
    const { handlers, instance, server } = this.#options;
    if (request.expectInstance !== instance) {
      throw new ControlRefusal('other-instance', `this is instance ${instance}`);
    }
    if (request.verb === 'status') {
      return handlers.status(request);
    }
    if (this.#stopping) {
      throw new ControlRefusal('stopping', 'it is being stopped');
    }
    const { expectServer } = request;
    const now = server();
    // A server that is just being replaced is still the one that the caller saw, or was a moment ago: his wish is being carried out.
    if (expectServer && !this.#restart && !isSameServer(expectServer, now)) {
      throw new ControlRefusal('already', now ? `another server runs by now (PID ${now.pid})` : 'that server runs no more');
    }
    if (request.verb === 'stop') {
      this.#stopping = true;
      try {
        return await handlers.stop(request, progress);
      } catch (error) {
        this.#stopping = false;
        throw error;
      }
    }
    return this.#restartOnce(request, progress);
  }

  async #restartOnce(request: ControlRequest, progress: ControlProgress): Promise<ControlObject> {
    this.#watchers.add(progress);
    const joined = this.#restart !== undefined;
    this.#restart ??= (async () => this.#options.handlers.restart(request, (value) => this.#tell(value)))().finally(() => {
      this.#restart = undefined;
      this.#watchers.clear();
    });
    const result = await this.#restart;
    return joined ? { ...result, joined: true } : result;
  }

  #tell(value: ControlObject): void {
    for (const watcher of this.#watchers) {
      watcher(value);
    }
  }
}

/** `?` is a start that nobody could read: it differs from none. */
function isSameServer(expected: { readonly pid: number; readonly start: string }, now: typeof expected | undefined): boolean {
  return now?.pid === expected.pid && (now.start === expected.start || now.start === '?' || expected.start === '?');
}
