import { say } from './answers.ts';
import { endServer } from './endServer.ts';
import { changedLists, changeNotifications, replayHandshake } from './handshake.ts';
import type { Relay } from './relay.ts';
import { RestartLimit } from './restartLimit.ts';
import type { ServerLink } from './serverLink.ts';
import type { Ended, ServerProcess } from './serverProcess.ts';

export type RestartOutcome =
  | { readonly status: 'restarted'; readonly pid: number; readonly lostCalls: number; readonly ms: number }
  /** `kept`: the old server serves on. Otherwise every call is answered with the reason, and it is tried again. */
  | { readonly status: 'failed'; readonly reason: string; readonly kept: boolean };

export interface SupervisorOptions {
  /** For messages. */
  readonly name: string;
  readonly graceMs: number;
  readonly drainMs: number;
  start(): Promise<ServerProcess>;
  /** Whether the new server is to start before the old one ends. Asked at each restart. */
  overlap(): boolean;
  /** A server started, or one ended: for the record and the watchdog. `problem`: why there is none, or why the last restart failed. */
  changed(servers: readonly ServerProcess[], problem: string | undefined): void;
  /** The server ended, and nobody is to be started any more. */
  finished(ended: Ended): void;
}

/** A server that is replaced gets less time than one that ends with its client: the client waits. */
const replaceLimits = { politeMs: 2_000, termMs: 2_000 } as const;
/** From the end's SIGTERM to SIGKILL, ms. */
const endTermMs = 5_000;
/** What a process that ended has written may still be in the pipe; something below it may hold the pipe open for ever. */
const outputMs = 500;

/** Keeps a server running behind a relay: starts it, replaces it, brings it back when it crashed, and ends it. */
export class Supervisor {
  readonly #relay: Relay;
  readonly #options: SupervisorOptions;
  readonly #limit = new RestartLimit();
  readonly #running = new Set<ServerProcess>();
  /** Servers that we end ourselves. */
  readonly #dismissed = new Set<ServerProcess>();
  #restart: Promise<RestartOutcome> | undefined;
  readonly #ending = new AbortController();
  #wakeRecovery: (() => void) | undefined;
  #recovering = false;

  constructor(relay: Relay, options: SupervisorOptions) {
    this.#relay = relay;
    this.#options = options;
  }

  /** Servers of ours that run: one, two during an overlap, or none. */
  get servers(): readonly ServerProcess[] {
    return [...this.#running];
  }

  get isRestarting(): boolean {
    return this.#restart !== undefined || this.#recovering;
  }

  /** @throws the system's error when it cannot be started */
  async begin(): Promise<void> {
    const link = this.#connect(await this.#options.start());
    this.#relay.release(link);
    this.#options.changed(this.servers, undefined);
  }

  /** Replaces the server without being asked to: within the limit. Never rejects. @param why for the log */
  async restartByItself(why: string): Promise<RestartOutcome> {
    const now = performance.now();
    if (!this.#restart) {
      if (this.#limit.isStorm(now)) {
        return { status: 'failed', reason: 'it was restarted too often within a minute', kept: true };
      }
      this.#limit.note(now);
    }
    return this.restart(why);
  }

  /** Replaces the server. Whoever asks while it is done gets the same outcome. Never rejects. @param why for the log */
  restart(why: string): Promise<RestartOutcome> {
    this.#restart ??= this.#replace(why).finally(() => {
      this.#restart = undefined;
    });
    return this.#restart;
  }

  async #replace(why: string): Promise<RestartOutcome> {
    const begun = performance.now();
    if (this.#ending.signal.aborted) {
      return { status: 'failed', reason: 'the session is ending', kept: true };
    }
    const old = this.#relay.current;
    if (!old) {
      // It is being brought back already: at once, then.
      this.#wakeRecovery?.();
      return { status: 'failed', reason: this.#relay.broken ?? 'it is just being started', kept: false };
    }
    say(`restarting ${this.#options.name}: ${why}`);
    const result = this.#options.overlap() ? await this.#overlapping(old) : await this.#stopFirst(old);
    if (typeof result === 'string') {
      const kept = this.#relay.current !== undefined;
      if (!kept) {
        // The old one crashed while the new one did not start.
        void this.#recover(result);
      }
      say(`${this.#options.name} was not restarted: ${result}${kept ? '; the old one serves on' : ''}`);
      this.#options.changed(this.servers, result);
      return { status: 'failed', reason: result, kept };
    }
    const { link, lostCalls } = result;
    this.#options.changed(this.servers, undefined);
    void this.#tellChanges(link);
    return { status: 'restarted', pid: link.process.pid, lostCalls, ms: Math.round(performance.now() - begun) };
  }

  async #stopFirst(old: ServerLink): Promise<{ link: ServerLink; lostCalls: number } | string> {
    this.#relay.hold();
    this.#dismissed.add(old.process);
    const lostCalls = await this.#retire(old);
    try {
      const link = await this.#bringUp();
      this.#relay.release(link);
      return { link, lostCalls };
    } catch (error) {
      return messageOf(error);
    }
  }

  async #overlapping(old: ServerLink): Promise<{ link: ServerLink; lostCalls: number } | string> {
    let link: ServerLink;
    try {
      link = await this.#bringUp();
    } catch (error) {
      return messageOf(error);
    }
    this.#dismissed.add(old.process);
    this.#relay.release(link);
    return { link, lostCalls: await this.#retire(old) };
  }

  /** Lets a server finish what it has begun, within limits, and ends it. @returns how many calls were cut off */
  async #retire(old: ServerLink): Promise<number> {
    const finished = await old.idle(this.#options.drainMs, this.#ending.signal);
    const lostCalls = old.inFlight.size - old.listening.size;
    const { ended } = old.process;
    if (!finished) {
      this.#relay.disconnect(old, ended ? endedText(ended) : 'The server was restarted');
    }
    old.out.flush();
    await endServer(old.process, replaceLimits);
    this.#relay.disconnect(old, 'The server was restarted');
    return lostCalls;
  }

  /** Starts a new server and brings it to where the session is. @throws with the reason; nothing of it runs then */
  async #bringUp(): Promise<ServerLink> {
    const process = await this.#options.start();
    const link = this.#connect(process);
    this.#options.changed(this.servers, undefined);
    try {
      await replayHandshake(link, this.#relay.memory);
      if (this.#ending.signal.aborted) {
        throw new Error('the session is ending');
      }
      return link;
    } catch (error) {
      this.#dismissed.add(process);
      this.#relay.disconnect(link, 'The server did not start');
      await endServer(process, replaceLimits);
      throw error;
    }
  }

  #connect(process: ServerProcess): ServerLink {
    this.#running.add(process);
    const link = this.#relay.connect(process);
    void process.exited.then(async (ended) => {
      await Promise.race([link.drained, new Promise((resolve) => setTimeout(resolve, outputMs))]);
      this.#running.delete(process);
      if (this.#dismissed.delete(process)) {
        return;
      }
      this.#crashed(link, ended);
    });
    return link;
  }

  #crashed(link: ServerLink, ended: Ended): void {
    if (this.#ending.signal.aborted) {
      return;
    }
    if (!this.#relay.memory.hasServed) {
      // It never worked: its end is the answer, and the client shows its exit code and what it said.
      this.#relay.disconnect(link, endedText(ended));
      this.#options.finished(ended);
      return;
    }
    const wasCurrent = this.#relay.current === link;
    if (wasCurrent) {
      this.#relay.hold();
    }
    this.#relay.disconnect(link, endedText(ended));
    say(`${this.#options.name} (PID ${link.process.pid}): ${endedText(ended)}`);
    if (wasCurrent && !this.#restart) {
      void this.#recover(endedText(ended));
    }
  }

  /** Brings a server back, for as long as the session lasts. */
  async #recover(why: string): Promise<void> {
    if (this.#recovering) {
      return;
    }
    this.#recovering = true;
    let reason = why;
    for (let failures = 0; !this.#ending.signal.aborted; failures += 1) {
      const now = performance.now();
      const pause = Math.max(this.#limit.pauseMs(now), failures === 0 ? 0 : Math.min(500 * 2 ** (failures - 1), 30_000));
      if (failures > 0 || this.#limit.isStorm(now)) {
        this.#relay.giveUp(this.#brokenText(reason, this.#limit.isStorm(now), pause));
        this.#options.changed(this.servers, reason);
      }
      await this.#sleep(pause);
      if (this.#ending.signal.aborted) {
        break;
      }
      this.#limit.note(performance.now());
      try {
        const link = await this.#bringUp();
        this.#recovering = false;
        this.#relay.release(link);
        this.#options.changed(this.servers, undefined);
        void this.#tellChanges(link);
        return;
      } catch (error) {
        reason = messageOf(error);
        say(`${this.#options.name} could not be restarted: ${reason}`);
      }
    }
    this.#recovering = false;
  }

  #brokenText(reason: string, storm: boolean, pauseMs: number): string {
    const again = `It is tried again in ${Math.max(1, Math.ceil(pauseMs / 1_000))} s`;
    const why = storm ? `It ended too often within a minute (last: ${reason})` : reason;
    return `${this.#options.name} does not run: ${why}. ${again}. Nothing was carried out; what the server itself says stands in the client’s log.`;
  }

  #sleep(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const done = (): void => {
        clearTimeout(timer);
        this.#wakeRecovery = undefined;
        this.#ending.signal.removeEventListener('abort', done);
        resolve();
      };
      const timer = setTimeout(done, ms);
      this.#wakeRecovery = done;
      this.#ending.signal.addEventListener('abort', done);
    });
  }

  async #tellChanges(link: ServerLink): Promise<void> {
    const { memory } = this.#relay;
    for (const method of changeNotifications(await changedLists(link, memory))) {
      this.#relay.listChanged(method);
    }
  }

  /**
   * The client let go: passes the end of its input on, and ends what does not end by itself.
   * @param signal sent on at once, when it was one
   */
  async end(signal?: NodeJS.Signals): Promise<void> {
    if (this.#ending.signal.aborted) {
      if (signal) {
        this.#signalAll(signal);
      }
      return;
    }
    if (this.isRestarting && !signal && this.#relay.broken === undefined) {
      // What the client sent last is still to be carried out.
      await Promise.race([this.#settled(), new Promise((resolve) => setTimeout(resolve, this.#options.graceMs))]);
    }
    this.#ending.abort();
    if (signal) {
      this.#signalAll(signal);
    }
    const link = this.#relay.current;
    const servers = this.servers;
    for (const server of servers) {
      this.#dismissed.add(server);
    }
    link?.out.flush();
    await Promise.all(servers.map((server) => endServer(server, { politeMs: this.#options.graceMs, termMs: endTermMs })));
    if (link) {
      await Promise.race([link.drained, new Promise((resolve) => setTimeout(resolve, outputMs))]);
    }
    // Without a server there is nothing to end as.
    this.#options.finished(link?.process.ended ?? { code: 1, signal: null });
  }

  async #settled(): Promise<void> {
    while (this.isRestarting && this.#relay.broken === undefined) {
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  }

  #signalAll(signal: NodeJS.Signals): void {
    for (const server of this.servers) {
      server.signal(signal);
    }
  }
}

function endedText({ code, signal }: Ended): string {
  return `The server ended (${signal === null ? `exit code ${code ?? '?'}` : signal})`;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
