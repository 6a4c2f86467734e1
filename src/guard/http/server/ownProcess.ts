import { setTimeout as pause } from 'node:timers/promises';
import { reasonOf } from '../../../base/errors.ts';
import type { Log } from '../../../base/log.ts';
import { endServer } from '../../process/endServer.ts';
import { type ServerProcess, startServer } from '../../process/serverProcess.ts';
import type { ServerCode } from '../../stale/serverCode.ts';
import { acceptsConnections, freePort, verifyFault } from '../transport/reachable.ts';
import type { Upstream, UpstreamTarget } from '../transport/upstream.ts';
import type { StaleCalls } from './staleCalls.ts';

export interface OwnProcessOptions {
  readonly command: string;
  readonly args: readonly string[];
  readonly portEnv: string | undefined;
  /** Where it listens, when it has a port of its own. */
  readonly fixed: URL | undefined;
  readonly graceMs: number;
  readonly drainMs: number;
  /** For its first connection, ms. */
  readonly startMs: number;
  readonly overlap: () => boolean;
  readonly log: Log;
  /** Open files that the server inherits: the locks, which shall live as long as it does. */
  readonly inherited: () => readonly number[];
  /** The path that clients use, once one has. */
  readonly path: () => string | undefined;
  /** Which code each server runs; undefined when nobody wants to know. */
  readonly staleCalls: () => StaleCalls | undefined;
  /** Told of every change: who runs, the one that counts last, or why nobody does. */
  changed(servers: readonly ServerProcess[], problem: string | undefined): void;
}

interface Running {
  readonly process: ServerProcess;
  readonly url: URL;
  readonly since: number;
  readonly code: ServerCode | undefined;
  target: UpstreamTarget | undefined;
  /** We end it ourselves. */
  leaving: boolean;
}

const firstBackOffMs = 250;
const longestBackOffMs = 10_000;
/** A server that ran this long had started well. */
const steadyMs = 60_000;

/** The server that the proxy starts itself, and starts again when it ends. */
export class OwnProcess {
  readonly #options: OwnProcessOptions;
  readonly #upstream: Upstream;
  #running: Running | undefined;
  /** Everybody who has not ended yet. */
  readonly #alive = new Set<ServerProcess>();
  readonly #starts = new Set<Promise<Running>>();
  #state: 'starting' | 'running' | 'restarting' | 'waiting' | 'stopped' = 'starting';
  #backOffMs = firstBackOffMs;
  #restart: Promise<void> | undefined;
  /** The restart's new server serves, and the old one finishes its calls. */
  #isLettingGo = false;
  #stopped = new AbortController();
  #lastFault: string | undefined;

  constructor(upstream: Upstream, options: OwnProcessOptions) {
    this.#upstream = upstream;
    this.#options = options;
  }

  get state(): string {
    return this.#state;
  }

  get pid(): number | undefined {
    return this.#running?.process.pid;
  }

  /** Epoch milliseconds. */
  get since(): number | undefined {
    return this.#running?.since;
  }

  get lastFault(): string | undefined {
    return this.#lastFault;
  }

  /** Starts the first server. @returns why it could not be started; calls wait for the next try then */
  async begin(): Promise<string | undefined> {
    try {
      await this.#replace(await this.#start());
      return undefined;
    } catch (error) {
      this.#retryLater(reasonOf(error));
      return reasonOf(error);
    }
  }

  /**
   * Replaces the server. With overlap the new one must work before the old one goes; without it calls wait. All who ask meanwhile get the same restart.
   * @throws when the new one does not start; with overlap the old one goes on then, without it the start is tried again and again
   */
  restart(): Promise<void> {
    this.#restart ??= (this.#options.overlap() && this.#running ? this.#overlapping(this.#running) : this.#stopFirst()).finally(() => {
      this.#restart = undefined;
    });
    return this.#restart;
  }

  /** Ends the server for good. */
  async stop(): Promise<void> {
    this.#state = 'stopped';
    this.#stopped.abort();
    const running = this.#running;
    this.#running = undefined;
    if (running) {
      await this.#end(running);
    }
    // One that is just being started is ended by its start.
    await Promise.allSettled(this.#starts);
  }

  async #overlapping(old: Running): Promise<void> {
    await this.#replace(await this.#start());
    // It may have ended by itself meanwhile.
    await old.process.exited;
  }

  /** Calls go to the new server; whoever served before finishes its calls and is ended. */
  async #replace(next: Running): Promise<void> {
    const before = this.#running;
    this.#takeOver(next);
    if (before && before !== next) {
      this.#isLettingGo = true;
      await this.#letGo(before).finally(() => {
        this.#isLettingGo = false;
      });
    }
  }

  async #letGo(old: Running): Promise<void> {
    old.leaving = true;
    if (old.target) {
      await this.#upstream.drained(old.target, this.#options.drainMs);
      this.#upstream.retire(old.target);
    }
    await this.#end(old);
  }

  async #stopFirst(): Promise<void> {
    const old = this.#running;
    this.#state = 'restarting';
    this.#upstream.hold();
    if (old) {
      await this.#letGo(old);
      this.#running = undefined;
    }
    try {
      await this.#replace(await this.#start());
    } catch (error) {
      this.#retryLater(reasonOf(error));
      throw error;
    }
  }

  /** Starts one and waits until it accepts connections and answers. @throws when it does not, and it is gone then */
  #start(): Promise<Running> {
    const start = this.#startOne();
    this.#starts.add(start);
    void start.catch(() => undefined).finally(() => this.#starts.delete(start));
    return start;
  }

  async #startOne(): Promise<Running> {
    if (this.#stopped.signal.aborted) {
      throw new Error('it was stopped');
    }
    const { command, args, portEnv, fixed, startMs } = this.#options;
    const staleCalls = this.#options.staleCalls();
    const url = fixed ?? new URL(`http://127.0.0.1:${await freePort()}`);
    const { port } = url;
    const code = staleCalls?.spawning();
    const process = await startServer({
      command,
      args: args.map((arg) => arg.replaceAll('{port}', port)),
      inherited: this.#options.inherited(),
      ...(portEnv === undefined ? {} : { env: { [portEnv]: port } }),
    });
    this.#alive.add(process);
    this.#changed();
    // A server that speaks HTTP has nothing to say there; what it prints is for people.
    process.stdout.on('data', (chunk: Buffer) => globalThis.process.stderr.write(chunk));
    const running: Running = { process, url, since: Date.now(), code, target: undefined, leaving: false };
    const fault = (await this.#untilAccepting(running, startMs)) ?? (await verifyFault(url, this.#options.path()));
    if (code && fault === undefined) {
      await staleCalls?.accepted(code, process.pid);
    }
    if (fault !== undefined || this.#stopped.signal.aborted) {
      await this.#end(running);
      throw new Error(fault ?? 'it was stopped while it started');
    }
    return running;
  }

  #changed(problem?: string): void {
    const current = this.#running?.process;
    this.#options.changed([...[...this.#alive].filter((one) => one !== current), ...(current ? [current] : [])], problem);
  }

  async #untilAccepting({ process, url }: Running, limitMs: number): Promise<string | undefined> {
    const deadline = performance.now() + limitMs;
    while (!(await acceptsConnections(url))) {
      if (process.ended) {
        const { code, signal } = process.ended;
        return `it ended with ${signal ?? `exit code ${code}`} before it accepted connections on port ${url.port}`;
      }
      if (performance.now() > deadline || this.#stopped.signal.aborted) {
        return `it did not accept connections on port ${url.port} within ${Math.round(limitMs / 1_000)} s`;
      }
      await pause(30);
    }
    // With a port of its own, somebody else may be the one who answers there.
    return process.ended ? `it ended while port ${url.port} is held by another process` : undefined;
  }

  #takeOver(next: Running): void {
    if (this.#running) {
      this.#running.leaving = true;
    }
    this.#running = next;
    this.#state = 'running';
    if (next.code) {
      this.#options.staleCalls()?.serve(next.code);
    }
    this.#changed();
    this.#upstream.switchTo(next.url);
    next.target = this.#upstream.target;
    void next.process.exited.then((ended) => this.#ended(next, ended.signal ?? `exit code ${ended.code}`));
  }

  #ended(one: Running, how: string): void {
    if (one.leaving || this.#state === 'stopped' || this.#running !== one) {
      return;
    }
    this.#running = undefined;
    this.#upstream.hold();
    if (one.target) {
      this.#upstream.retire(one.target);
    }
    // What it left behind in its group holds its port and its resources.
    one.process.signal('SIGKILL');
    this.#alive.delete(one.process);
    if (Date.now() - one.since > steadyMs) {
      this.#backOffMs = firstBackOffMs;
    }
    this.#retryLater(`it ended with ${how}`);
  }

  #retryLater(fault: string): void {
    if (this.#state === 'stopped') {
      return;
    }
    this.#state = 'waiting';
    this.#lastFault = fault;
    this.#options.log.warn(`the server is not running: ${fault}; it is started again in ${(this.#backOffMs / 1_000).toFixed(1)} s`);
    this.#upstream.hold();
    this.#changed(fault);
    const wait = this.#backOffMs;
    this.#backOffMs = Math.min(this.#backOffMs * 2, longestBackOffMs);
    void pause(wait, undefined, { signal: this.#stopped.signal })
      .then(async () => {
        // Somebody may have asked for a restart meanwhile, and that may fail. One that only waits for the old server starts none.
        if (!this.#isLettingGo) {
          await this.#restart?.catch(() => undefined);
        }
        if (this.#state === 'waiting') {
          await this.begin();
        }
      })
      .catch(() => undefined);
  }

  async #end(one: Running): Promise<void> {
    one.leaving = true;
    // Servers that speak HTTP do not end with their input.
    one.process.signal('SIGTERM');
    const gone = await endServer(one.process, { politeMs: this.#options.graceMs, termMs: 1_000 });
    if (!gone) {
      this.#options.log.warn(`PID ${one.process.pid} cannot be ended`);
    }
    this.#alive.delete(one.process);
    this.#changed();
  }
}
