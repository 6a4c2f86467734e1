import { reasonOf } from '../../base/errors.ts';
import { settlesWithin } from '../../base/settlesWithin.ts';
import { endServer } from '../process/endServer.ts';
import { RestartLimit } from '../process/restartLimit.ts';
import type { Ended, ServerProcess } from '../process/serverProcess.ts';
import type { Relay } from '../relay/relay.ts';
import type { ServerLink } from '../relay/serverLink.ts';
import { outputRead, RunningServers } from './runningServers.ts';
import { ServerRecovery } from './serverRecovery.ts';
import { endedText, replaceLimits, ServerReplacement } from './serverReplacement.ts';

export type RestartOutcome =
  | { readonly status: 'restarted'; readonly pid: number; readonly lostCalls: number; readonly ms: number }
  /** `kept`: the old server still serves. Otherwise calls are answered with the reason until a later attempt succeeds. */
  | { readonly status: 'failed'; readonly reason: string; readonly kept: boolean };

interface SupervisorOptions {
  /** For messages. */
  readonly name: string;
  readonly graceMs: number;
  readonly drainMs: number;
  start(): Promise<ServerProcess>;
  /** Whether the new server starts before the old one ends. Called at each restart. */
  overlap(): boolean;
  /** A server started or ended. `problem`: why there is none, or why the last restart failed. */
  changed(servers: readonly ServerProcess[], problem: string | undefined): void;
  /** A server that had served ended, and the guard did not end it. */
  crashed(ended: Ended): void;
  /** The last server ended; none is started again. */
  finished(ended: Ended): void;
}

/** From SIGTERM to SIGKILL at the end of the session, ms. */
const endTermMs = 5_000;

/** Keeps a server running behind a relay: starts it, replaces it, starts it again when it crashed, and ends it. */
export class Supervisor {
  readonly #relay: Relay;
  readonly #options: SupervisorOptions;
  readonly #limit = new RestartLimit();
  readonly #running = new RunningServers({
    crashed: (link, ended) => this.#crashed(link, ended),
    outputClosed: (link) => void this.#endSilent(link),
  });
  readonly #replacement: ServerReplacement;
  readonly #recovery: ServerRecovery;
  readonly #ending = new AbortController();
  #restart: Promise<RestartOutcome> | undefined;
  /** The server is being ended because nothing needs it. */
  #falling: Promise<unknown> | undefined;
  #isAsleep = false;
  #hasStarted = false;

  constructor(relay: Relay, options: SupervisorOptions) {
    this.#relay = relay;
    this.#options = options;
    this.#replacement = new ServerReplacement({
      relay,
      running: this.#running,
      drainMs: options.drainMs,
      ending: this.#ending.signal,
      start: () => {
        this.#hasStarted = true;
        return options.start();
      },
      started: () => this.#changed(undefined),
    });
    this.#recovery = new ServerRecovery({
      name: options.name,
      limit: this.#limit,
      say: (text) => relay.say(text),
      ending: this.#ending.signal,
      bringUp: async () => {
        await this.#running.leftoversGone();
        return this.#replacement.bringUp();
      },
      unavailable: (text, reason) => {
        relay.giveUp(text);
        this.#changed(reason);
      },
      recovered: (link) => this.#serve(link),
    });
  }

  get isRestarting(): boolean {
    return this.#restart !== undefined || this.#falling !== undefined || this.#recovery.isRunning;
  }

  #changed(problem: string | undefined): void {
    this.#options.changed(this.#running.all, problem);
  }

  /** @throws the system's error when it cannot be started */
  async begin(): Promise<void> {
    const link = await this.#replacement.connect();
    if (this.#ending.signal.aborted) {
      // A signal came during the start: no other function knows this server.
      await endServer(link.process, { politeMs: 0, termMs: endTermMs });
    } else {
      this.#relay.release(link);
    }
  }

  /** Goes on with a server that runs already; without one, starts a server in the state of the session. */
  adopt(process: ServerProcess | undefined): ServerLink | undefined {
    this.#hasStarted = true;
    if (!process) {
      void this.#recovery.run('its host ended');
      return undefined;
    }
    const link = this.#relay.connect(process);
    this.#running.add(link);
    return link;
  }

  /** Restarts the server for a stale call, within the limit of automatic restarts. Never rejects. @param why for the log */
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

  /** Restarts the server. Requests during a restart get its outcome. Never rejects. @param why for the log */
  restart(why: string): Promise<RestartOutcome> {
    this.#restart ??= this.#replace(why).finally(() => {
      this.#restart = undefined;
    });
    return this.#restart;
  }

  /** Ends the server politely; `restart` starts it again. Messages wait from now on. */
  sleep(link: ServerLink): void {
    this.#relay.hold();
    this.#isAsleep = true;
    this.#running.dismiss(link.process);
    link.out.flush();
    // It may have got calls without this process in the last moment.
    const idle = link.process.shut?.().then(() => link.idle(this.#options.drainMs, this.#ending.signal));
    this.#falling = Promise.resolve(idle).then(async () => {
      await endServer(link.process, replaceLimits);
      this.#relay.disconnect(link, 'The server was asleep');
      this.#falling = undefined;
      this.#changed(undefined);
    });
  }

  async #replace(why: string): Promise<RestartOutcome> {
    const begun = performance.now();
    if (this.#falling) {
      await this.#falling;
    }
    if (this.#ending.signal.aborted) {
      return { status: 'failed', reason: 'the session is ending', kept: true };
    }
    const old = this.#relay.current;
    if (!old) {
      return this.#startNow(why, begun);
    }
    this.#relay.say(`restarting ${this.#options.name}: ${why}`);
    const result = this.#options.overlap() ? await this.#replacement.overlapping(old) : await this.#replacement.stopFirst(old);
    if (typeof result === 'string') {
      const kept = this.#relay.current !== undefined;
      if (!kept) {
        // The old one crashed, and the new one did not start.
        void this.#recovery.run(result, 1);
      }
      this.#relay.say(`${this.#options.name} was not restarted: ${result}${kept ? '; the old one still serves' : ''}`);
      this.#changed(result);
      return { status: 'failed', reason: result, kept };
    }
    const { link, lostCalls } = result;
    if (this.#relay.current !== link) {
      // The new one crashed while the old one finished its calls; the recovery starts it again.
      return this.#relay.current ? restarted(this.#relay.current, begun, lostCalls) : this.#startNow(why, begun);
    }
    this.#changed(undefined);
    void this.#announceChanges(link);
    return restarted(link, begun, lostCalls);
  }

  /** No server runs: the recovery skips its pause. */
  async #startNow(why: string, begun: number): Promise<RestartOutcome> {
    if (this.#relay.memory.lazy?.wakes) {
      return this.#wake(begun);
    }
    if (!this.#recovery.isRunning) {
      return { status: 'failed', reason: 'it is being started', kept: false };
    }
    this.#relay.say(`starting ${this.#options.name}: ${why}`);
    const link = await this.#recovery.tryNow();
    return typeof link === 'string' ? { status: 'failed', reason: link, kept: false } : restarted(link, begun, 0);
  }

  /** The first server of a session that began without one, or the one after a sleep. */
  async #wake(begun: number): Promise<RestartOutcome> {
    try {
      const link = await this.#replacement.bringUp();
      this.#isAsleep = false;
      this.#serve(link);
      return restarted(link, begun, 0);
    } catch (error) {
      const reason = reasonOf(error);
      this.#changed(reason);
      return { status: 'failed', reason, kept: false };
    }
  }

  /** A server takes the place of one that is gone. */
  #serve(link: ServerLink): void {
    this.#relay.release(link);
    this.#changed(undefined);
    void this.#announceChanges(link);
  }

  /** A server that closed its output is ended. It is then replaced like one that crashed. */
  async #endSilent(link: ServerLink): Promise<void> {
    if (this.#ending.signal.aborted) {
      return;
    }
    this.#relay.say(`${this.#options.name} (PID ${link.process.pid}) has closed its output and is ended`);
    if (this.#relay.current === link && this.#relay.memory.hasServed) {
      this.#relay.hold();
    }
    await endServer(link.process, replaceLimits);
  }

  #crashed(link: ServerLink, ended: Ended): void {
    if (this.#ending.signal.aborted) {
      return;
    }
    if (!this.#relay.memory.hasServed) {
      // It never worked: the guard ends with its exit code, which the client shows.
      this.#relay.disconnect(link, endedText(ended));
      void this.#running.leftoversGone().then(() => this.#options.finished(ended));
      return;
    }
    this.#options.crashed(ended);
    const wasCurrent = this.#relay.current === link;
    if (wasCurrent) {
      this.#relay.hold();
    }
    this.#relay.disconnect(link, endedText(ended));
    this.#relay.say(`${this.#options.name} (PID ${link.process.pid}): ${endedText(ended)}`);
    // When a restart is starting another server, that one takes over. When it already serves, the restart only ends the old one.
    if (wasCurrent && !this.#replacement.isStarting) {
      void this.#recovery.run(endedText(ended));
    }
  }

  async #announceChanges(link: ServerLink): Promise<void> {
    const { gate, memory } = this.#relay;
    // When the answer comes, another server may have taken over.
    const tools = (result: unknown): void => void (this.#relay.current === link && gate?.listed(result, true));
    const { listChanges } = await import('../relay/listChanges.ts');
    this.#relay.tell(await listChanges(link, memory, tools));
  }

  /**
   * The client is gone: closes the server's input, and ends a server that does not end by itself.
   * @param signal the signal that the guard got; it is sent to the server at once
   */
  async end(signal?: NodeJS.Signals): Promise<void> {
    if (this.#ending.signal.aborted) {
      if (signal) {
        this.#signalAll(signal);
      }
      return;
    }
    if (!signal && this.#isBusy) {
      // The client's last messages are still to be delivered.
      await settlesWithin(this.#settled(), this.#options.graceMs);
    }
    this.#ending.abort();
    if (signal) {
      this.#signalAll(signal);
    }
    const link = this.#relay.current;
    const servers = this.#running.all;
    for (const server of servers) {
      this.#running.dismiss(server);
    }
    link?.out.flush();
    await Promise.all(servers.map((server) => endServer(server, { politeMs: this.#options.graceMs, termMs: endTermMs })));
    await this.#running.leftoversGone();
    // A restart that is in progress ends its own server.
    while (this.isRestarting) {
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    if (link) {
      await outputRead(link);
    }
    if (signal && link) {
      // The signal may not come from the client: every open request gets an answer.
      this.#relay.disconnect(link, `The server was ended (${signal})`);
    }
    this.#relay.giveUp('The session ended before a server could take this. Nothing was carried out.');
    // Without a server the guard ends by the signal, or with code 1.
    this.#options.finished(
      link?.process.ended ?? (signal ? { code: null, signal } : { code: this.#hasStarted && !this.#isAsleep ? 1 : 0, signal: null }),
    );
  }

  /** Messages of the client wait for a server or for the gate. */
  get #isBusy(): boolean {
    return this.#relay.broken === undefined && (this.isRestarting || this.#relay.isDeciding);
  }

  async #settled(): Promise<void> {
    while (this.#isBusy) {
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  }

  #signalAll(signal: NodeJS.Signals): void {
    for (const server of this.#running.all) {
      server.signal(signal);
    }
  }
}

function restarted({ process }: ServerLink, begun: number, lostCalls: number): RestartOutcome {
  return { status: 'restarted', pid: process.pid, lostCalls, ms: Math.round(performance.now() - begun) };
}
