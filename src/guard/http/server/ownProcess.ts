import { setTimeout as pause } from 'node:timers/promises';
import { reasonOf } from '../../../base/errors.ts';
import type { Log } from '../../../base/log.ts';
import { endServer } from '../../process/endServer.ts';
import { type Ended, type MessageSource, type ServerProcess, startServer } from '../../process/serverProcess.ts';
import type { ServerCode } from '../../stale/serverCode.ts';
import { acceptsConnections, freePort, verifyFault } from '../transport/reachable.ts';
import type { Upstream, UpstreamTarget } from '../transport/upstream.ts';
import type { StaleCalls } from './staleCalls.ts';

interface OwnProcessOptions {
  readonly command: string;
  readonly args: readonly string[];
  readonly portEnv: string | undefined;
  /** Its address, when the user gave it a fixed port. */
  readonly fixed: URL | undefined;
  readonly graceMs: number;
  readonly drainMs: number;
  /** Until it accepts connections, ms. */
  readonly startMs: number;
  readonly overlap: () => boolean;
  readonly log: Log;
  /** Descriptors that the server inherits: the locks, which stay held as long as it runs. */
  readonly inherited: () => readonly number[];
  /** The path that clients use; undefined until one has connected. */
  readonly path: () => string | undefined;
  /** Records which code each server runs; undefined when calls are not checked. */
  readonly staleCalls: () => StaleCalls | undefined;
  /** Takes what a server writes to standard error. */
  errors(output: MessageSource | null): void;
  /** Called when a server ended and the guard did not end it. */
  crashed(ended: Ended): void;
  /** Called on every change. @param servers those that run, the current one last @param problem why none runs */
  changed(servers: readonly ServerProcess[], problem: string | undefined): void;
}

interface Running {
  readonly process: ServerProcess;
  readonly url: URL;
  readonly since: number;
  readonly code: ServerCode | undefined;
  target: UpstreamTarget | undefined;
  /** The guard ends it. */
  leaving: boolean;
}

function endText({ code, signal }: Ended): string {
  return signal ?? `exit code ${code}`;
}

const firstBackOffMs = 250;
const longestBackOffMs = 10_000;
/** After a run of this length the next start is not delayed further, ms. */
const steadyMs = 60_000;

/** The server that the guard starts, and starts again when it ends. */
export class OwnProcess {
  readonly #options: OwnProcessOptions;
  readonly #upstream: Upstream;
  #running: Running | undefined;
  /** Servers that have not ended yet. */
  readonly #alive = new Set<ServerProcess>();
  readonly #starts = new Set<Promise<Running>>();
  #state: 'starting' | 'running' | 'restarting' | 'waiting' | 'stopped' = 'starting';
  #backOffMs = firstBackOffMs;
  #restart: Promise<void> | undefined;
  /** The new server of a restart takes calls while the old one finishes its calls. */
  #isDraining = false;
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

  /** Starts the first server. @returns why it could not be started; calls then wait for the next attempt */
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
   * Replaces the server. With overlap the old one is ended when the new one answers; without it calls wait. Concurrent calls share one restart.
   * @throws when the new one does not start; with overlap the old one then stays, without it the start is tried again
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
    // A server that is being started is ended by `#startOne`.
    await Promise.allSettled(this.#starts);
  }

  async #overlapping(old: Running): Promise<void> {
    await this.#replace(await this.#start());
    await old.process.exited;
  }

  /** Sends calls to the new server; the earlier one finishes its calls and is ended. */
  async #replace(next: Running): Promise<void> {
    const before = this.#running;
    this.#takeOver(next);
    if (before && before !== next) {
      this.#isDraining = true;
      await this.#drainAndEnd(before).finally(() => {
        this.#isDraining = false;
      });
    }
  }

  async #drainAndEnd(old: Running): Promise<void> {
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
      await this.#drainAndEnd(old);
      this.#running = undefined;
    }
    try {
      await this.#replace(await this.#start());
    } catch (error) {
      this.#retryLater(reasonOf(error));
      throw error;
    }
  }

  /** Starts a server and waits until it accepts connections and answers. @throws when it does not; it was ended then */
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
    const code = await staleCalls?.beforeStart();
    const process = await startServer({
      command,
      args: args.map((arg) => arg.replaceAll('{port}', port)),
      inherited: this.#options.inherited(),
      errors: (output) => this.#options.errors(output),
      ...(portEnv === undefined ? {} : { env: { [portEnv]: port } }),
    });
    this.#alive.add(process);
    this.#changed();
    // Standard output carries no messages here: it is for people.
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
        this.#options.crashed(process.ended);
        return `it ended with ${endText(process.ended)} before it accepted connections on port ${url.port}`;
      }
      if (performance.now() > deadline || this.#stopped.signal.aborted) {
        return `it did not accept connections on port ${url.port} within ${Math.round(limitMs / 1_000)} s`;
      }
      await pause(30);
    }
    // With a fixed port, another process may be the one that accepts.
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
    void next.process.exited.then((ended) => this.#ended(next, ended));
  }

  #ended(one: Running, ended: Ended): void {
    if (one.leaving || this.#state === 'stopped' || this.#running !== one) {
      return;
    }
    this.#options.crashed(ended);
    this.#running = undefined;
    this.#upstream.hold();
    if (one.target) {
      this.#upstream.retire(one.target);
    }
    // Processes that it left in its group hold its port and its resources.
    one.process.signal('SIGKILL');
    this.#alive.delete(one.process);
    if (Date.now() - one.since > steadyMs) {
      this.#backOffMs = firstBackOffMs;
    }
    this.#retryLater(`it ended with ${endText(ended)}`);
  }

  #retryLater(fault: string): void {
    if (this.#state === 'stopped') {
      return;
    }
    this.#state = 'waiting';
    this.#lastFault = fault;
    this.#options.log.warn(`the server is not running: ${fault}; next start in ${(this.#backOffMs / 1_000).toFixed(1)} s`);
    this.#upstream.hold();
    this.#changed(fault);
    const wait = this.#backOffMs;
    this.#backOffMs = Math.min(this.#backOffMs * 2, longestBackOffMs);
    void pause(wait, undefined, { signal: this.#stopped.signal })
      .then(async () => {
        // A requested restart starts the server too, unless it only waits for the old server; it may fail.
        if (!this.#isDraining) {
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
    // HTTP servers do not end when their input ends.
    one.process.signal('SIGTERM');
    const gone = await endServer(one.process, { politeMs: this.#options.graceMs, termMs: 1_000 });
    if (!gone) {
      this.#options.log.warn(`PID ${one.process.pid} could not be ended`);
    }
    this.#alive.delete(one.process);
    this.#changed();
  }
}
