import type { Server } from 'node:http';
import { join } from 'node:path';
import type { Log } from '../../base/log.ts';
import { limited } from '../../base/wait.ts';
import { createRedactor } from '../../redaction/redactor.ts';
import { runDirOf } from '../../storage/runFolder.ts';
import type { HttpGuardOptions } from '../options/httpOptions.ts';
import { GuardRecord } from '../publish/guardRecord.ts';
import { openPort } from './clientConnections.ts';
import { controlHandlers } from './controlHandlers.ts';
import { answerOwn } from './ownPages.ts';
import { hold, type PublishedLocks, shutdownToken } from './publishing.ts';
import { revisionNotes } from './revisionNotes.ts';
import { createProxy } from './routeRequest.ts';
import { ExternalUpstream } from './server/externalUpstream.ts';
import { OwnUpstream } from './server/ownUpstream.ts';
import { type UpstreamHealth, type UpstreamServer, upstreamHealth } from './server/upstreamServer.ts';
import { Admissions } from './session/admission.ts';
import { SessionExchange } from './session/sessionExchange.ts';
import { Recovery } from './session/sessionRecovery.ts';
import { createSessionStore } from './session/sessionStore.ts';
import { SessionTable } from './session/sessionTable.ts';
import { Upstream } from './transport/upstream.ts';

const guardVersion = '0.1.0';

/** A running proxy. */
export interface HttpGuard {
  /** Where clients connect. */
  readonly url: URL;
  /** Replaces the server. @throws when nobody here knows how it is started, and when the new one does not start */
  restart(reason: string): Promise<void>;
  /** Lets the requests under way finish, ends the server that it started, and removes its record. Safe to call twice. */
  close(): Promise<void>;
  /** Resolves when it has ended, for whatever reason. */
  readonly closed: Promise<void>;
}

export type HttpGuardResult =
  | { readonly status: 'listening'; readonly guard: HttpGuard }
  | { readonly status: 'failed'; readonly exitCode: number; readonly message: string };

/** Takes the locks, then the port, then starts the server. Never throws on purpose. */
export async function startHttpGuard(options: HttpGuardOptions, log: Log): Promise<HttpGuardResult> {
  const outcome = await hold(options);
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
  readonly #behind: UpstreamServer;
  readonly #front: Server;
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
    this.#publication = held && new GuardRecord(held.instance, held.witness, (problem) => log.warn(problem));
    const { host, port } = options.listen;
    this.url = new URL(`http://${host.includes(':') ? `[${host}]` : host}:${port}`);
    this.#upstream = new Upstream(options.waitMs, options.drainMs);
    // The port is open before the server is there: whoever comes waits.
    this.#upstream.hold();
    this.#behind = this.#serverOf(options);
    this.#front = this.#proxy();
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

  #proxy(): Server {
    const options = this.#options;
    const log = this.#log;
    const upstream = this.#upstream;
    const behind = this.#behind;
    const redactor = createRedactor([]);
    const server = options.name ?? (options.upstream ? redactor.url(options.upstream.origin) : redactor.text(options.command ?? ''));
    const identity = options.upstream?.origin ?? JSON.stringify([options.command, options.args]);
    const { path } = runDirOf(process.env, options.runDir);
    const store = createSessionStore(join(path, 'shepherd', 'sessions'), identity, (message) => log.warn(message));
    const sessions = new SessionTable(store, { max: options.maxSessions, idleMs: options.sessionIdleMs });
    const recovery = new Recovery(upstream, sessions, log);
    const pages = {
      version: () => behind.staleCalls?.version ?? options.serverVersion ?? 'unknown',
      guardVersion,
      started: Date.now(),
      upstream: () => this.#health(),
      sessions: () => ({ open: sessions.open, recovered: recovery.count }),
      shutdownToken: () => this.#token,
      shutDown: () => void this.close(),
      isStopping: () => this.#closing !== undefined,
    };
    return createProxy({
      sessions,
      admissions: new Admissions(sessions, options.unknownSession),
      exchange: new SessionExchange(upstream, sessions, recovery, server),
      log,
      allowed: { hosts: options.allowHosts, origins: options.allowOrigins },
      bodyMs: options.bodyMs,
      server,
      ownOrigin: () => upstream.target?.url.origin,
      own: (request, response) => answerOwn(pages, request, response),
      gate: async (call) => (await behind.staleCalls?.hold(call)) ?? false,
      notice: (method) => method === 'notifications/tools/list_changed' && behind.staleCalls?.toolsChanged(),
      // Of a server that was replaced meanwhile nothing counts.
      listed: (page, target) => target === upstream.target && behind.staleCalls?.listed(page),
      spoke: revisionNotes(log),
      asked: (asked) => {
        this.#path = asked;
      },
    });
  }

  /** @returns why the port cannot be had */
  async listen(): Promise<string | undefined> {
    const opened = await openPort(this.#front, this.#options.listen);
    if ('fault' in opened) {
      return opened.fault;
    }
    this.url.port = String(opened.port);
    return undefined;
  }

  async begin(): Promise<void> {
    if (this.#held) {
      const { url } = this;
      const server = this.#behind;
      const handlers = controlHandlers({ url, server, log: this.#log, health: () => this.#health(), close: () => this.close() });
      await this.#publication?.open(this.#held.directory, handlers);
      this.#token = shutdownToken(this.#held);
      const x = { ...this.#held.instance.record.x, http: { url: url.origin, health: '/health', shutdown: '/shutdown' } };
      this.#publication?.set({ x }, 'running');
    }
    this.#behind.begin();
  }

  #health(): Promise<UpstreamHealth> {
    return upstreamHealth(this.#behind, this.#upstream.target);
  }

  restart(reason: string): Promise<void> {
    return this.#behind.restart(reason);
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    const { target } = this.#upstream;
    this.#publication?.set({}, 'stopping');
    if (target && !(await this.#upstream.drained(target, this.#options.drainMs))) {
      this.#log.warn(`calls were still under way after ${this.#options.drainMs / 1_000} s and were cut`);
    }
    const ended = new Promise((resolve) => this.#front.close(resolve));
    this.#upstream.close();
    this.#front.closeIdleConnections();
    await limited(ended, 500);
    this.#front.closeAllConnections();
    await this.#behind.stop();
    await this.#publication?.close();
    this.#resolveClosed();
  }
}
