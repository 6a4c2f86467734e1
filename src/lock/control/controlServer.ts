import { chmodSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import type { LockDirectory } from '../lockDirectory.ts';
import { ControlConnection } from './controlConnection.ts';
import type { ControlObject } from './controlLines.ts';
import { ControlRefusal, type ControlRequest, verbs } from './controlMessages.ts';
import { type ControlEndpoint, newControlPath, removeControlEndpoint } from './controlPath.ts';
import { createControlSecret, removeControlSecret } from './controlSecret.ts';

/** Reports the progress of a verb, for display. Nothing is sent after the answer, and a slow reader misses some reports. */
type ControlProgress = (progress: ControlObject) => void;

/**
 * The handlers of an instance, one for each verb. Each handler answers with plain JSON of less than 64 KiB, without secrets. To refuse, or when it fails, it throws
 * `ControlRefusal`, whose message the requester gets; of any other error the requester gets the class name. A handler runs to its end even when the requester
 * disconnects.
 */
export interface ControlHandlers {
  status(request: ControlRequest): ControlObject | Promise<ControlObject>;
  /** Runs once at a time: concurrent requests get the same answer. May take 30 s. */
  restart(request: ControlRequest, progress: ControlProgress): ControlObject | Promise<ControlObject>;
  /** May be called during a restart. No handler is called after it. */
  stop(request: ControlRequest, progress: ControlProgress): ControlObject | Promise<ControlObject>;
}

export interface ControlServerOptions {
  readonly directory: LockDirectory;
  /** Id of the published record; requests that expect another one are refused. */
  readonly instance: string;
  readonly handlers: ControlHandlers;
  /** The present server process, as in the record: `expectServer` of a restart or stop is compared with it. Undefined when none runs. */
  readonly server: () => { readonly pid: number; readonly start: string } | undefined;
  /** Called with a text for the log, without secrets, when a client breaks the protocol or a handler throws. */
  readonly onProblem?: (problem: string) => void;
  /** How long a client may take for its proof, ms. Default 1 s. */
  readonly handshakeMs?: number;
  /** How long a connection without a running request stays open, ms. Default 30 s. */
  readonly idleMs?: number;
  /** Connections at a time; further ones are closed at once. Default 32. */
  readonly maxConnections?: number;
}

export interface ControlServer {
  /** The value to publish as the record's `control`, with `instance.publish`. */
  readonly endpoint: ControlEndpoint;
  /** Ends all connections and removes socket and secret. Safe to call twice. */
  close(): Promise<void>;
}

/**
 * Opens the control endpoint of an instance: a socket for this user only (Windows: a pipe with a random name), a secret in a file beside the record, and
 * mutual proof of the secret before any verb. It does not keep the process alive.
 *
 * Use: `holdResources`, then this with `instance.record.id`, then `instance.publish({ state, control: server.endpoint })`; at the end `close()`, then
 * `instance.close()`, which removes what is left.
 * @throws when the socket or the secret cannot be created; no file is left then
 */
export async function openControlServer(options: ControlServerOptions): Promise<ControlServer> {
  const { directory, instance } = options;
  const secret = createControlSecret(directory, instance);
  const connections = new Set<ControlConnection>();
  const handling = new VerbHandling(options);
  const accept = (socket: Socket): void => {
    const connection = new ControlConnection(socket, {
      secret,
      handshakeMs: options.handshakeMs ?? 3_000,
      idleMs: options.idleMs ?? 30_000,
      answer: (request, progress) => handling.answer(request, progress),
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
  const opened = endpoint;
  return {
    endpoint: opened,
    close() {
      closed ??= new Promise<void>((resolve) => {
        server.close(() => resolve());
        for (const connection of connections) {
          connection.close();
        }
        removeControlEndpoint(directory, opened);
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
        // Its folder is closed to other users already; this is for tools that check the socket.
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

/** Handles the requests of all connections. */
class VerbHandling {
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
    // During a restart the requester's server is being replaced already: the request joins the restart.
    if (expectServer && !this.#restart && !isSameServer(expectServer, now)) {
      throw new ControlRefusal('already', now ? `another server runs now (PID ${now.pid})` : 'that server has ended');
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

/** `?` is a start time that could not be read: it equals any other. */
function isSameServer(expected: { readonly pid: number; readonly start: string }, now: typeof expected | undefined): boolean {
  return now?.pid === expected.pid && (now.start === expected.start || now.start === '?' || expected.start === '?');
}
