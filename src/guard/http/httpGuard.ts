import { once } from 'node:events';
import type { Server } from 'node:http';
import { join } from 'node:path';
import type { Log } from '../../types/log.ts';
import { createRedactor } from '../../types/redaction.ts';
import type { HttpGuardOptions } from './httpOptions.ts';
import { answerOwn, type UpstreamHealth } from './ownPages.ts';
import { createProxy } from './proxy.ts';
import { type Publication, publish } from './publication.ts';
import { Recovery } from './recovery.ts';
import type { RunFolder } from './runFolder.ts';
import { ServedProcess } from './servedProcess.ts';
import { SessionExchange } from './sessionExchange.ts';
import { createSessionStore } from './sessionStore.ts';
import { SessionTable } from './sessionTable.ts';
import { accepts, limited, Upstream } from './upstream.ts';

export const guardVersion = '0.1.0';

/** A running proxy. */
export interface HttpGuard {
  /** Where clients connect. */
  readonly url: URL;
  /** Lets the requests under way finish, ends the server that it started, and removes its record. Safe to call twice. */
  close(): Promise<void>;
  /** Resolves when it has ended, for whatever reason. */
  readonly closed: Promise<void>;
}

export type HttpGuardResult =
  | { readonly status: 'listening'; readonly guard: HttpGuard }
  | { readonly status: 'failed'; readonly exitCode: number; readonly message: string };

/** For the first connection to a server that was just started, ms. */
const startMs = 60_000;

/** Takes the locks, then the port, then starts the server. Never throws on purpose. */
export async function startHttpGuard(options: HttpGuardOptions, run: RunFolder, log: Log): Promise<HttpGuardResult> {
  const redactor = createRedactor([]);
  const shownUpstream = options.upstream ? redactor.url(options.upstream.origin) : redactor.text(options.command ?? '');
  const launch = {
    command: redactor.text(options.command ?? 'mcp-shepherd'),
    args: options.command === undefined ? [] : redactor.args(options.args),
  };
  const published = await publish(options, run, launch).catch((error: unknown) => ({
    status: 'unavailable' as const,
    message: error instanceof Error ? error.message : String(error),
  }));
  if (published.status === 'held') {
    return { status: 'failed', exitCode: 75, message: `${published.message}. The server was not started.` };
  }
  if (published.status === 'unavailable' && options.locks.length > 0) {
    return { status: 'failed', exitCode: 75, message: `exclusion cannot be had: ${published.message}. The server was not started.` };
  }
  const publication = published.status === 'published' ? published.publication : undefined;
  const warning =
    published.status === 'published' ? published.warning : `no record is published, so there is no /shutdown: ${published.message}`;
  if (warning !== undefined) {
    log.warn(warning);
  }
  const assembly = new Assembly(options, run, log, publication, shownUpstream);
  const fault = await assembly.listen();
  if (fault !== undefined) {
    await publication?.close();
    return { status: 'failed', exitCode: 1, message: fault };
  }
  await assembly.begin();
  return { status: 'listening', guard: assembly };
}

class Assembly implements HttpGuard {
  readonly #options: HttpGuardOptions;
  readonly #log: Log;
  readonly #publication: Publication | undefined;
  readonly #upstream: Upstream;
  readonly #served: ServedProcess | undefined;
  readonly #server: Server;
  readonly #recovery: Recovery;
  readonly #started = Date.now();
  #closing: Promise<void> | undefined;
  #resolveClosed: () => void = () => {};
  readonly closed: Promise<void> = new Promise((resolve) => {
    this.#resolveClosed = resolve;
  });
  url: URL;

  constructor(options: HttpGuardOptions, run: RunFolder, log: Log, publication: Publication | undefined, shownUpstream: string) {
    this.#options = options;
    this.#log = log;
    this.#publication = publication;
    this.url = new URL(
      `http://${options.listen.host.includes(':') ? `[${options.listen.host}]` : options.listen.host}:${options.listen.port}`,
    );
    this.#upstream = new Upstream(options.waitMs);
    const { command } = options;
    this.#served =
      command === undefined
        ? undefined
        : new ServedProcess(this.#upstream, {
            ...options,
            command,
            fixed: options.upstream,
            startMs,
            log,
            started: ({ pid }) => this.#serves(pid),
          });
    const identity = options.upstream?.origin ?? JSON.stringify([command, options.args]);
    const store = createSessionStore(join(run.path, 'shepherd', 'sessions'), identity, (message) => log.warn(message));
    const sessions = new SessionTable(store, { max: options.maxSessions, idleMs: options.sessionIdleMs });
    const recovery = new Recovery(this.#upstream, sessions, log);
    this.#recovery = recovery;
    const exchange = new SessionExchange(this.#upstream, sessions, recovery, shownUpstream);
    const pages = {
      version: () => 'unknown',
      guardVersion,
      started: this.#started,
      upstream: () => this.#upstreamHealth(),
      sessions: () => ({ open: sessions.size, recovered: this.#recovery.count }),
      shutdownToken: () => publication?.shutdownToken,
      shutDown: () => void this.close(),
      isStopping: () => this.#closing !== undefined,
    };
    this.#server = createProxy({
      sessions,
      exchange,
      log,
      allowed: { hosts: options.allowHosts, origins: options.allowOrigins },
      unknownSession: options.unknownSession,
      server: shownUpstream,
      ownOrigin: () => this.#upstream.target?.url.origin,
      own: (request, response) => answerOwn(pages, request, response),
    });
  }

  /** @returns why the port cannot be had */
  async listen(): Promise<string | undefined> {
    const { host, port } = this.#options.listen;
    this.#server.listen(port, host);
    try {
      await once(this.#server, 'listening');
    } catch (error) {
      const code = error instanceof Error && 'code' in error ? error.code : undefined;
      return code === 'EADDRINUSE'
        ? `port ${port} is in use by another process`
        : `${host}:${port} cannot be listened on (${String(code ?? error)})`;
    }
    const address = this.#server.address();
    if (typeof address === 'object' && address !== null) {
      this.url.port = String(address.port);
    }
    return undefined;
  }

  async begin(): Promise<void> {
    const fault = await this.#publication?.control({
      status: async () => ({
        state: this.#closing ? 'stopping' : 'running',
        url: this.url.origin,
        upstream: { ...(await this.#upstreamHealth()) },
      }),
      restart: async () => {
        await this.restart();
        return { pid: this.#served?.pid };
      },
      stop: () => {
        setImmediate(() => void this.close());
        return { status: 'shutting_down' };
      },
    });
    if (fault !== undefined) {
      this.#log.warn(`there is no control endpoint and no /shutdown: ${fault}`);
    }
    if (!this.#served) {
      if (this.#options.upstream) {
        this.#upstream.switchTo(this.#options.upstream);
      }
      await this.#serves(0);
      return;
    }
    this.#upstream.hold();
    // Not waited for: the port answers at once, and requests wait for the server.
    void this.#served.begin();
  }

  async restart(): Promise<void> {
    if (!this.#served) {
      throw new Error('this guard did not start the server: restart it where it was started; its sessions survive');
    }
    await this.#served.restart();
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    const { target } = this.#upstream;
    this.#publication?.stopping();
    if (target && !(await this.#upstream.drained(target, this.#options.drainMs))) {
      this.#log.warn(`calls were still under way after ${this.#options.drainMs / 1_000} s and were cut`);
    }
    const ended = new Promise((resolve) => this.#server.close(resolve));
    this.#upstream.close();
    this.#server.closeIdleConnections();
    await limited(ended, 500);
    this.#server.closeAllConnections();
    await this.#served?.stop();
    await this.#publication?.close();
    this.#resolveClosed();
  }

  async #serves(pid: number): Promise<void> {
    try {
      await this.#publication?.serve(pid, { http: { url: this.url.origin, health: '/health', shutdown: '/shutdown' } });
    } catch (error) {
      this.#log.warn(`the record could not be renewed: ${error instanceof Error ? error.message : String(error)}`);
    }
  }

  async #upstreamHealth(): Promise<UpstreamHealth> {
    const { target } = this.#upstream;
    const served = this.#served;
    const up = target !== undefined && (served === undefined || served.state === 'running') && (await accepts(target.url));
    const { lastFault } = served ?? {};
    return {
      status: up ? 'up' : served && served.state !== 'running' ? served.state : 'down',
      url: target?.url.origin ?? null,
      pid: served?.pid ?? null,
      started: served?.since === undefined ? null : new Date(served.since).toISOString(),
      ...(up || lastFault === undefined ? {} : { lastFault: createRedactor([]).text(lastFault) }),
    };
  }
}
