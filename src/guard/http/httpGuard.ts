import type { Server } from 'node:http';
import { reasonOf } from '../../base/errors.ts';
import type { Log } from '../../base/log.ts';
import { settlesWithin } from '../../base/settlesWithin.ts';
import { ControlRefusal } from '../../lock/control/controlMessages.ts';
import type { ControlHandlers } from '../../lock/control/controlServer.ts';
import { createRedactor } from '../../redaction/redactor.ts';
import { runDirOf } from '../../storage/runFolder.ts';
import { productVersion } from '../../version/productVersion.ts';
import type { HttpGuardOptions } from '../options/httpOptions.ts';
import { GuardRecord, ownRedactor } from '../publish/guardRecord.ts';
import { openPort, serveClients } from './clientConnections.ts';
import { pacedLog } from './pacedLog.ts';
import { type PublishedLocks, shutdownToken, takePublishedLocks } from './publishedLocks.ts';
import { answerOwnPage, type RouteParts, routeRequest } from './routeRequest.ts';
import { ExternalUpstream } from './server/externalUpstream.ts';
import { OwnUpstream } from './server/ownUpstream.ts';
import { type UpstreamHealth, type UpstreamServer, upstreamHealth } from './server/upstreamServer.ts';
import { Admissions } from './session/admission.ts';
import { SessionExchange } from './session/sessionExchange.ts';
import { SessionRecovery } from './session/sessionRecovery.ts';
import { createSessionStore } from './session/sessionStore.ts';
import { SessionTable } from './session/sessionTable.ts';
import { BodyBudget } from './transport/bodies.ts';
import { Upstream } from './transport/upstream.ts';

/** MCP revisions that the tests use: TypeScript SDK 1.32.2 and 2.4.0, and answers recorded from the Python SDK 1.25 to 2.3. */
const testedRevisions: ReadonlySet<string> = new Set(['2024-11-05', '2025-03-26', '2025-06-18', '2025-11-25', '2026-07-28']);

/** A client may send any text as a revision: later ones are not logged. */
const maxNotes = 10;

/** @returns a function that logs each MCP revision that was not tested, once */
function revisionNotes(log: Log): (version: string) => void {
  const told = new Set<string>();
  return (version) => {
    if (!testedRevisions.has(version) && told.size < maxNotes && !told.has(version)) {
      told.add(version);
      log.warn(`this guard was not tested with protocol version ${JSON.stringify(version.slice(0, 40))}; messages pass unchanged`);
    }
  };
}

/** A running `guard --http`. */
interface HttpGuard {
  /** Where clients connect. */
  readonly url: URL;
  /** Restarts the server. @throws when this guard cannot start it, and when the new one does not start */
  restart(reason: string): Promise<void>;
  /** Drains the requests in flight, ends the server if the guard started it, and removes the record. Safe to call twice. */
  close(): Promise<void>;
  /** Resolves when the guard has ended. */
  readonly closed: Promise<void>;
}

type HttpGuardResult =
  | { readonly status: 'listening'; readonly guard: HttpGuard }
  | { readonly status: 'failed'; readonly exitCode: number; readonly message: string };

/** Takes the locks, opens the port, then starts the server. */
export async function startHttpGuard(options: HttpGuardOptions, log: Log): Promise<HttpGuardResult> {
  const outcome = await takePublishedLocks(options);
  if (outcome.status === 'refuse') {
    return { status: 'failed', exitCode: 75, message: outcome.text };
  }
  if (outcome.warning !== undefined) {
    log.warn(outcome.warning);
  }
  const assembly = new Assembly(options, log, outcome.held);
  const fault = await assembly.listen();
  if (fault !== undefined) {
    await outcome.held?.instance.unlockAndClose();
    return { status: 'failed', exitCode: 1, message: fault };
  }
  await assembly.begin();
  return { status: 'listening', guard: assembly };
}

class Assembly implements HttpGuard {
  readonly #options: HttpGuardOptions;
  readonly #log: Log;
  readonly #held: PublishedLocks | undefined;
  readonly #publication: GuardRecord | undefined;
  readonly #upstream: Upstream;
  readonly #server: UpstreamServer;
  readonly #listener: Server;
  #path: string | undefined;
  #token: string | undefined;
  #closing: Promise<void> | undefined;
  #resolveClosed: () => void = () => {};
  readonly closed: Promise<void> = new Promise((resolve) => {
    this.#resolveClosed = resolve;
  });
  readonly url: URL;

  constructor(options: HttpGuardOptions, log: Log, held: PublishedLocks | undefined) {
    this.#options = options;
    this.#log = log;
    this.#held = held;
    const { command, args } = options;
    const redactor = ownRedactor(command === undefined ? undefined : { command, args });
    this.#publication = held && new GuardRecord(held.instance, held.starts, (problem) => log.warn(problem), redactor);
    const { host, port } = options.listen;
    this.url = new URL(`http://${host.includes(':') ? `[${host}]` : host}:${port}`);
    this.#upstream = new Upstream(options.waitMs, options.drainMs);
    // The port is open before the server listens: requests wait.
    this.#upstream.hold();
    this.#server = this.#serverOf(options);
    this.#listener = this.#createListener();
  }

  #serverOf(options: HttpGuardOptions): UpstreamServer {
    const { command } = options;
    return command === undefined
      ? new ExternalUpstream(options, this.#upstream, this.#log)
      : new OwnUpstream({
          options: { ...options, command },
          upstream: this.#upstream,
          log: this.#log,
          publication: this.#publication,
          path: () => this.#path,
        });
  }

  #createListener(): Server {
    const options = this.#options;
    const log = pacedLog(this.#log, Date.now);
    const upstream = this.#upstream;
    const target = this.#server;
    const redactor = createRedactor([]);
    const server = options.name ?? (options.upstream ? redactor.url(options.upstream.origin) : redactor.text(options.command ?? ''));
    const identity = options.upstream?.origin ?? JSON.stringify([options.command, options.args]);
    const runFolder = runDirOf(process.env, options.runDir).path;
    const store = createSessionStore(runFolder, identity, (message) => log.warn(message));
    const sessions = new SessionTable(store, { max: options.maxSessions, idleMs: options.sessionIdleMs });
    const recovery = new SessionRecovery(upstream, sessions, log);
    const pages = {
      version: () => target.staleCalls?.version ?? options.serverVersion ?? 'unknown',
      guardVersion: productVersion,
      started: Date.now(),
      upstream: () => this.#health(),
      sessions: () => ({ open: sessions.open, recovered: recovery.count }),
      shutdownToken: () => this.#token,
      shutDown: () => void this.close(),
      isStopping: () => this.#closing !== undefined,
    };
    const parts: RouteParts = {
      sessions,
      admissions: new Admissions(sessions, options.unknownSession),
      exchange: new SessionExchange(upstream, sessions, recovery, server),
      log,
      allowed: { hosts: options.allowHosts, origins: options.allowOrigins },
      server,
      bodies: new BodyBudget(),
      ownOrigin: () => upstream.target?.url.origin,
      own: (request, response) => answerOwnPage(pages, request, response),
      gate: async (call) => (await target.staleCalls?.hold(call)) ?? false,
      notice: (method) => method === 'notifications/tools/list_changed' && target.staleCalls?.toolsChanged(),
      // The tools of a server that was replaced since do not count.
      listed: (page, from) => from === upstream.target && target.staleCalls?.listed(page),
      spoke: revisionNotes(log),
      asked: (path) => {
        this.#path = path;
      },
    };
    return serveClients({ log, bodyMs: options.bodyMs }, (request, response) => routeRequest(parts, request, response));
  }

  /** Opens the port. @returns why it cannot be opened */
  async listen(): Promise<string | undefined> {
    const opened = await openPort(this.#listener, this.#options.listen);
    if ('fault' in opened) {
      return opened.fault;
    }
    this.url.port = String(opened.port);
    return undefined;
  }

  async begin(): Promise<void> {
    if (this.#held) {
      const { url } = this;
      const server = this.#server;
      const handlers = controlHandlers({ url, server, log: this.#log, health: () => this.#health(), close: () => this.close() });
      await this.#publication?.open(this.#held.directory, handlers);
      this.#token = shutdownToken(this.#held);
      const x = { ...this.#held.instance.record.x, http: { url: url.origin, health: '/health', shutdown: '/shutdown' } };
      this.#publication?.set({ x }, 'running');
    }
    this.#server.begin();
  }

  #health(): Promise<UpstreamHealth> {
    return upstreamHealth(this.#server, this.#upstream.target);
  }

  restart(reason: string): Promise<void> {
    return this.#server.restart(reason);
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    const { target } = this.#upstream;
    this.#publication?.set({}, 'stopping');
    if (target && !(await this.#upstream.drained(target, this.#options.drainMs))) {
      this.#log.warn(`calls were still in flight after ${this.#options.drainMs / 1_000} s and were cut off`);
    }
    const ended = new Promise((resolve) => this.#listener.close(resolve));
    this.#upstream.close();
    this.#listener.closeIdleConnections();
    await settlesWithin(ended, 500);
    this.#listener.closeAllConnections();
    await this.#server.stop();
    await this.#publication?.close();
    this.#resolveClosed();
  }
}

interface ControlParts {
  /** Where clients connect. */
  readonly url: URL;
  readonly server: Pick<UpstreamServer, 'restart' | 'pid' | 'staleCalls'>;
  readonly log: Log;
  health(): Promise<UpstreamHealth>;
  close(): Promise<void>;
}

/** The guard's handlers for requests to its control endpoint (`mcp-shepherd restart`, `stop`). */
function controlHandlers({ url, server, log, health, close }: ControlParts): ControlHandlers {
  return {
    status: async () => ({
      url: url.origin,
      upstream: { ...(await health()) },
      ...(server.staleCalls ? { stale: JSON.parse(JSON.stringify(server.staleCalls.report())) } : {}),
    }),
    restart: async ({ by }) => {
      await server.restart(`requested by ${by ?? 'an unnamed program'}`).catch((error: unknown) => {
        throw error instanceof ControlRefusal ? error : new ControlRefusal('failed', reasonOf(error));
      });
      return { status: 'restarted', pid: server.pid };
    },
    stop: ({ by }) => {
      log.info(`stopped by ${by ?? 'an unnamed program'}`);
      setImmediate(() => void close());
      return { status: 'shutting_down' };
    },
  };
}
