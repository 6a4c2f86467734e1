import { once } from 'node:events';
import type { Server } from 'node:http';
import { join } from 'node:path';
import { ControlRefusal } from '../../lock/controlMessages.ts';
import type { ControlHandlers } from '../../lock/controlServer.ts';
import { runDirOf } from '../../lock/runDir.ts';
import { loopbackAddresses } from '../../process/portHolder.ts';
import { errorCode } from '../../types/errorCode.ts';
import type { Log } from '../../types/log.ts';
import { createRedactor } from '../../types/redaction.ts';
import { ChildCode } from '../gate/childCode.ts';
import { ownCommand } from '../gate/cureCommand.ts';
import { guardTable } from '../guardTable.ts';
import { Publication } from '../publication.ts';
import type { ServerProcess } from '../serverProcess.ts';
import { Watchdog } from '../watchdog.ts';
import { type Ensuring, replaceByEnsure } from './ensuring.ts';
import { ForeignServer } from './foreignServer.ts';
import type { HttpGuardOptions } from './httpOptions.ts';
import { limited } from './limited.ts';
import { answerOwn, type UpstreamHealth } from './ownPages.ts';
import { createProxy } from './proxy.ts';
import { type Held, hold, shutdownToken } from './publishing.ts';
import { accepts } from './reachable.ts';
import { Recovery } from './recovery.ts';
import { ServedProcess } from './servedProcess.ts';
import { SessionExchange } from './sessionExchange.ts';
import { createSessionStore } from './sessionStore.ts';
import { SessionTable } from './sessionTable.ts';
import { StaleCalls, type StaleCallsOptions } from './staleCalls.ts';
import { Upstream } from './upstream.ts';

export const guardVersion = '0.1.0';

/** A running proxy. */
export interface HttpGuard {
  /** Where clients connect. */
  readonly url: URL;
  /** Replaces the server. @throws when this proxy did not start it, and when the new one does not start */
  restart(reason: string): Promise<void>;
  /** Lets the requests under way finish, ends the server that it started, and removes its record. Safe to call twice. */
  close(): Promise<void>;
  /** Resolves when it has ended, for whatever reason. */
  readonly closed: Promise<void>;
}

export type HttpGuardResult =
  | { readonly status: 'listening'; readonly guard: HttpGuard }
  | { readonly status: 'failed'; readonly exitCode: number; readonly message: string };

/** Revisions of the protocol that the tests speak, with the TypeScript SDKs 1.32.2 and 2.4.0 and answers recorded from the Python SDK 1.25 to 2.3. */
const testedRevisions: ReadonlySet<string> = new Set(['2024-11-05', '2025-03-26', '2025-06-18', '2025-11-25', '2026-07-28']);

/** For the first connection to a server that was just started, ms. */
const startMs = 60_000;

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
  readonly #held: Held | undefined;
  readonly #publication: Publication | undefined;
  readonly #upstream: Upstream;
  readonly #served: ServedProcess | undefined;
  readonly #server: Server;
  readonly #recovery: Recovery;
  readonly #started = Date.now();
  readonly #watchdog: Watchdog | undefined;
  #staleCalls: StaleCalls | undefined;
  #foreign: ForeignServer | undefined;
  #path: string | undefined;
  #token: string | undefined;
  readonly #strangeVersions = new Set<string>();
  #closing: Promise<void> | undefined;
  #restarting: Promise<void> | undefined;
  #resolveClosed: () => void = () => {};
  readonly closed: Promise<void> = new Promise((resolve) => {
    this.#resolveClosed = resolve;
  });
  readonly url: URL;

  constructor(options: HttpGuardOptions, log: Log, held: Held | undefined) {
    this.#options = options;
    this.#log = log;
    this.#held = held;
    this.#publication = held && new Publication(held.instance, held.witness, (problem) => log.warn(problem));
    const { host, port } = options.listen;
    this.url = new URL(`http://${host.includes(':') ? `[${host}]` : host}:${port}`);
    this.#upstream = new Upstream(options.waitMs, options.drainMs);
    // The port is open before the server is there: whoever comes waits.
    this.#upstream.hold();
    this.#served = this.#serving();
    this.#watchdog = this.#served && new Watchdog(options.graceMs);
    const redactor = createRedactor([]);
    const shown = options.name ?? (options.upstream ? redactor.url(options.upstream.origin) : redactor.text(options.command ?? ''));
    const identity = options.upstream?.origin ?? JSON.stringify([options.command, options.args]);
    const { path } = runDirOf(process.env, options.runDir);
    const store = createSessionStore(join(path, 'shepherd', 'sessions'), identity, (message) => log.warn(message));
    const sessions = new SessionTable(store, { max: options.maxSessions, idleMs: options.sessionIdleMs });
    this.#recovery = new Recovery(this.#upstream, sessions, log);
    const pages = {
      version: () => this.#staleCalls?.version ?? options.serverVersion ?? 'unknown',
      guardVersion,
      started: this.#started,
      upstream: () => this.#upstreamHealth(),
      sessions: () => ({ open: sessions.open, recovered: this.#recovery.count }),
      shutdownToken: () => this.#token,
      shutDown: () => void this.close(),
      isStopping: () => this.#closing !== undefined,
    };
    this.#server = createProxy({
      sessions,
      exchange: new SessionExchange(this.#upstream, sessions, this.#recovery, shown),
      log,
      allowed: { hosts: options.allowHosts, origins: options.allowOrigins },
      unknownSession: options.unknownSession,
      bodyMs: options.bodyMs,
      server: shown,
      ownOrigin: () => this.#upstream.target?.url.origin,
      own: (request, response) => answerOwn(pages, request, response),
      gate: async (call) => (await this.#staleCalls?.hold(call)) ?? false,
      notice: (method) => method === 'notifications/tools/list_changed' && this.#staleCalls?.toolsChanged(),
      // Of a server that was replaced meanwhile nothing counts.
      listed: (page, target) => target === this.#upstream.target && this.#staleCalls?.listed(page),
      spoke: (version) => this.#spoke(version),
      asked: (asked) => {
        this.#path = asked;
      },
    });
  }

  #spoke(version: string): void {
    if (!testedRevisions.has(version) && this.#strangeVersions.size < 10 && !this.#strangeVersions.has(version)) {
      this.#strangeVersions.add(version);
      this.#log.warn(
        `protocol version ${JSON.stringify(version.slice(0, 40))} is none that this guard was tested with; messages pass all the same`,
      );
    }
  }

  #serving(): ServedProcess | undefined {
    const options = this.#options;
    const { command } = options;
    return command === undefined
      ? undefined
      : new ServedProcess(this.#upstream, {
          ...options,
          command,
          fixed: options.upstream,
          startMs,
          log: this.#log,
          overlap: () => options.upstream === undefined && (options.overlap || this.#staleCalls?.allRead === true),
          // The last lock says that this process lives: the resources' are for the server too.
          inherited: () => (this.#held?.instance.locks ?? []).slice(0, -1).map(({ fd }) => fd),
          path: () => this.#path,
          staleCalls: () => this.#staleCalls,
          changed: (servers, problem) => this.#changed(servers, problem),
        });
  }

  #changed(servers: readonly ServerProcess[], problem: string | undefined): void {
    this.#watchdog?.tell(servers.map(({ pid }) => pid));
    this.#publication?.set({ ...this.#staleCalls?.recorded });
    void this.#publication?.serves(servers, problem);
  }

  /** @returns why the port cannot be had */
  async listen(): Promise<string | undefined> {
    const { host, port } = this.#options.listen;
    this.#server.listen(port, host);
    try {
      await once(this.#server, 'listening');
    } catch (error) {
      const code = errorCode(error);
      return code === 'EADDRINUSE'
        ? `port ${port} is in use by another process`
        : `${host}:${port} cannot be listened on (${code ?? String(error)})`;
    }
    const address = this.#server.address();
    if (typeof address === 'object' && address !== null) {
      this.url.port = String(address.port);
    }
    return undefined;
  }

  async begin(): Promise<void> {
    if (this.#held) {
      await this.#publication?.open(this.#held.directory, this.#handlers());
      this.#token = shutdownToken(this.#held);
      const x = { ...this.#held.instance.record.x, http: { url: this.url.origin, health: '/health', shutdown: '/shutdown' } };
      this.#publication?.set({ x }, 'running');
    }
    const { upstream } = this.#options;
    if (!this.#served) {
      if (upstream) {
        this.#upstream.switchTo(upstream);
        this.#foreign = this.#lookingAt(upstream);
      }
      return;
    }
    this.#staleCalls = this.#staleGate({
      restart: (reason) => this.restart(reason),
      cure: () => this.#cure('restart', String(process.pid)),
    });
    // Not waited for: the port answers at once, and requests wait for the server.
    void this.#served.begin();
  }

  #staleGate(own: Pick<StaleCallsOptions, 'restart' | 'cure' | 'foreign'>): StaleCalls | undefined {
    return this.#options.onStale === 'off'
      ? undefined
      : new StaleCalls({
          ...own,
          options: this.#options,
          upstream: this.#upstream,
          table: guardTable(),
          log: (line) => this.#log.warn(line),
        });
  }

  /** Who listens behind `--upstream`, and what it runs; undefined when it runs on another machine. */
  #lookingAt(url: URL): ForeignServer | undefined {
    const { onStale, ensure } = this.#options;
    if (!loopbackAddresses(url.hostname)) {
      if (onStale !== 'off') {
        this.#log.info(`what runs at ${url.host} cannot be seen from this machine: calls pass, whatever code it runs`);
      }
      return undefined;
    }
    const foreign = new ForeignServer({
      url,
      table: guardTable(),
      connections: () => this.#upstream,
      read: async (row) => (await this.#staleCalls?.sighted(row)) ?? new ChildCode(),
      changed: (sighting, why) => {
        this.#staleCalls?.serve(sighting?.code);
        this.#log.info(sighting ? `the server is PID ${sighting.row.pid}` : `which process the server is, is not known: ${why}`);
      },
    });
    this.#staleCalls = this.#staleGate({
      restart: ensure === undefined ? undefined : (reason) => this.restart(reason),
      cure: () =>
        ensure === undefined
          ? { step: `end ${foreignText(foreign, url)} and start it again the way it was started` }
          : this.#cure('ensure', ensure, '--url', url.origin, ...replaceWords(foreign)),
      foreign,
    });
    if (onStale === 'restart' && ensure === undefined) {
      this.#log.warn(
        'this guard did not start the server and is not told who can: stale calls are refused. --ensure NAME says how, by "servers" in mcp-shepherd.json',
      );
    }
    void foreign.look();
    return foreign;
  }

  #cure(...words: readonly string[]): string {
    return ownCommand(words, runDirOf(process.env, this.#options.runDir));
  }

  /** @throws when nobody here knows how the server is started, and when the new one does not start */
  async restart(reason: string): Promise<void> {
    this.#restarting ??= this.#restart(reason).finally(() => {
      this.#restarting = undefined;
    });
    await this.#restarting;
  }

  async #restart(reason: string): Promise<void> {
    const { ensure, upstream, runDir } = this.#options;
    if (this.#served) {
      this.#log.info(`the server is restarted: ${reason}`);
      await this.#served.restart();
      this.#log.info(`the server was restarted (PID ${this.#served.pid})`);
      return;
    }
    if (ensure === undefined || upstream === undefined) {
      throw new ControlRefusal('unsupported', 'this guard did not start the server: restart it where it was started; its sessions survive');
    }
    await this.#foreign?.look();
    const pid = this.#foreign?.sighting?.row.pid;
    if (pid === undefined) {
      throw new Error(`who listens at ${upstream.host} is not known`);
    }
    this.#log.info(`the server (PID ${pid}) is replaced by "mcp-shepherd ensure ${ensure}": ${reason}`);
    await this.#replaceForeign({ name: ensure, url: upstream, runDir }, pid);
    this.#log.info(`the server was replaced (PID ${this.#foreign?.sighting?.row.pid ?? 'unknown'})`);
  }

  /** Calls under way come to their end first; calls that come meanwhile wait. */
  async #replaceForeign(ensuring: Ensuring, pid: number): Promise<void> {
    const { target } = this.#upstream;
    this.#upstream.hold();
    try {
      if (target) {
        await this.#upstream.drained(target, this.#options.drainMs);
      }
      await replaceByEnsure(ensuring, pid);
    } finally {
      this.#upstream.release();
    }
    await this.#foreign?.look();
  }

  #handlers(): ControlHandlers {
    return {
      status: async () => ({
        url: this.url.origin,
        upstream: { ...(await this.#upstreamHealth()) },
        ...(this.#staleCalls ? { stale: JSON.parse(JSON.stringify(this.#staleCalls.report())) } : {}),
      }),
      restart: async ({ by }) => {
        await this.restart(`asked by ${by ?? 'somebody'}`).catch((error: unknown) => {
          throw error instanceof ControlRefusal
            ? error
            : new ControlRefusal('failed', error instanceof Error ? error.message : 'the new server did not start');
        });
        return { status: 'restarted', pid: this.#served?.pid ?? this.#foreign?.sighting?.row.pid };
      },
      stop: ({ by }) => {
        this.#log.info(`stopped by ${by ?? 'somebody'}`);
        setImmediate(() => void this.close());
        return { status: 'shutting_down' };
      },
    };
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    const { target } = this.#upstream;
    this.#foreign?.close();
    this.#publication?.set({}, 'stopping');
    if (target && !(await this.#upstream.drained(target, this.#options.drainMs))) {
      this.#log.warn(`calls were still under way after ${this.#options.drainMs / 1_000} s and were cut`);
    }
    const ended = new Promise((resolve) => this.#server.close(resolve));
    this.#upstream.close();
    this.#server.closeIdleConnections();
    await limited(ended, 500);
    this.#server.closeAllConnections();
    await this.#served?.stop();
    this.#watchdog?.dismiss();
    await this.#publication?.close();
    this.#resolveClosed();
  }

  async #upstreamHealth(): Promise<UpstreamHealth> {
    const { target } = this.#upstream;
    const served = this.#served;
    const up = target !== undefined && (served === undefined || served.state === 'running') && (await accepts(target.url));
    const { lastFault } = served ?? {};
    await this.#foreign?.settled();
    const foreign = this.#foreign?.sighting?.row;
    const since = served?.since ?? foreign?.startedAt;
    return {
      status: up ? 'up' : served && served.state !== 'running' ? served.state : 'down',
      url: target?.url.origin ?? null,
      pid: served?.pid ?? foreign?.pid ?? null,
      started: since === undefined ? null : new Date(since).toISOString(),
      ...(up || lastFault === undefined ? {} : { lastFault: createRedactor([]).text(lastFault) }),
    };
  }
}

function foreignText({ sighting }: ForeignServer, url: URL): string {
  return sighting ? `PID ${sighting.row.pid}, which listens on port ${url.port},` : `what listens on port ${url.port}`;
}

function replaceWords({ sighting }: ForeignServer): string[] {
  return sighting ? ['--replace', String(sighting.row.pid)] : [];
}
