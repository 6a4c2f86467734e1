import { say } from '../message/ownAnswers.ts';
import { endServer } from '../process/endServer.ts';
import { RestartLimit } from '../process/restartLimit.ts';
import type { Ended, ServerProcess } from '../process/serverProcess.ts';
import { listChanges } from '../relay/listChanges.ts';
import type { Relay } from '../relay/relay.ts';
import type { ServerLink } from '../relay/serverLink.ts';
import { outputRead, RunningServers } from './runningServers.ts';
import { ServerRecovery } from './serverRecovery.ts';
import { endedText, replaceLimits, ServerReplacement } from './serverReplacement.ts';

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

/** From the end's SIGTERM to SIGKILL, ms. */
const endTermMs = 5_000;

/** Keeps a server running behind a relay: starts it, replaces it, brings it back when it crashed, and ends it. */
export class Supervisor {
  readonly #relay: Relay;
  readonly #options: SupervisorOptions;
  readonly #limit = new RestartLimit();
  readonly #running = new RunningServers({
    crashed: (link, ended) => this.#crashed(link, ended),
    muted: (link) => void this.#replaceMute(link),
  });
  readonly #replacement: ServerReplacement;
  readonly #recovery: ServerRecovery;
  readonly #ending = new AbortController();
  #restart: Promise<RestartOutcome> | undefined;

  constructor(relay: Relay, options: SupervisorOptions) {
    this.#relay = relay;
    this.#options = options;
    this.#replacement = new ServerReplacement({
      relay,
      running: this.#running,
      drainMs: options.drainMs,
      ending: this.#ending.signal,
      start: () => options.start(),
      started: () => this.#changed(undefined),
    });
    this.#recovery = new ServerRecovery({
      name: options.name,
      limit: this.#limit,
      ending: this.#ending.signal,
      bringUp: async () => {
        await this.#running.leftoversGone();
        return this.#replacement.bringUp();
      },
      missing: (text, reason) => {
        relay.giveUp(text);
        this.#changed(reason);
      },
      back: (link) => {
        relay.release(link);
        this.#changed(undefined);
        void this.#tellChanges(link);
      },
    });
  }

  get isRestarting(): boolean {
    return this.#restart !== undefined || this.#recovery.isRunning;
  }

  #changed(problem: string | undefined): void {
    this.#options.changed(this.#running.all, problem);
  }

  /** @throws the system's error when it cannot be started */
  async begin(): Promise<void> {
    this.#relay.release(await this.#replacement.connect());
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
      return this.#hurried(why, begun);
    }
    say(`restarting ${this.#options.name}: ${why}`);
    const result = this.#options.overlap() ? await this.#replacement.overlapping(old) : await this.#replacement.stopFirst(old);
    if (typeof result === 'string') {
      const kept = this.#relay.current !== undefined;
      if (!kept) {
        // The old one crashed while the new one did not start.
        void this.#recovery.run(result, 1);
      }
      say(`${this.#options.name} was not restarted: ${result}${kept ? '; the old one serves on' : ''}`);
      this.#changed(result);
      return { status: 'failed', reason: result, kept };
    }
    const { link, lostCalls } = result;
    if (this.#relay.current !== link) {
      // It crashed while the old one finished what it had begun, and is brought back.
      return this.#relay.current ? restarted(this.#relay.current, begun, lostCalls) : this.#hurried(why, begun);
    }
    this.#changed(undefined);
    void this.#tellChanges(link);
    return restarted(link, begun, lostCalls);
  }

  /** None runs: it is being brought back already, and is now, without the pause. */
  async #hurried(why: string, begun: number): Promise<RestartOutcome> {
    if (!this.#recovery.isRunning) {
      return { status: 'failed', reason: 'it is just being started', kept: false };
    }
    say(`starting ${this.#options.name}: ${why}`);
    const link = await this.#recovery.hurry();
    return typeof link === 'string' ? { status: 'failed', reason: link, kept: false } : restarted(link, begun, 0);
  }

  /** It is ended, and replaced like one that crashed. */
  async #replaceMute(link: ServerLink): Promise<void> {
    if (this.#ending.signal.aborted) {
      return;
    }
    say(`${this.#options.name} (PID ${link.process.pid}) has closed its output: it is ended`);
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
      // It never worked: its end is the answer, and the client shows its exit code and what it said.
      this.#relay.disconnect(link, endedText(ended));
      void this.#running.leftoversGone().then(() => this.#options.finished(ended));
      return;
    }
    const wasCurrent = this.#relay.current === link;
    if (wasCurrent) {
      this.#relay.hold();
    }
    this.#relay.disconnect(link, endedText(ended));
    say(`${this.#options.name} (PID ${link.process.pid}): ${endedText(ended)}`);
    // Where a restart is bringing up another one, that one will serve. Once it serves, the restart has nothing to do but to end the old one.
    if (wasCurrent && !this.#replacement.isStarting) {
      void this.#recovery.run(endedText(ended));
    }
  }

  async #tellChanges(link: ServerLink): Promise<void> {
    const { gate, memory } = this.#relay;
    // Meanwhile another server may serve, whose list it would not be.
    const tools = (result: unknown): void => void (this.#relay.current === link && gate?.listed(result, true));
    this.#relay.tell(await listChanges(link, memory, tools));
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
    if (!signal && this.#isBusy) {
      // What the client sent last is still to be carried out.
      await Promise.race([this.#settled(), new Promise((resolve) => setTimeout(resolve, this.#options.graceMs))]);
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
    // A restart that was under way has its own server to end.
    while (this.isRestarting) {
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    if (link) {
      await outputRead(link);
    }
    if (signal && link) {
      // Somebody else than the client may have ended it: nobody is left without an answer.
      this.#relay.disconnect(link, `The server was ended (${signal})`);
    }
    this.#relay.giveUp('The session ended before a server could take this. Nothing was carried out.');
    // Without a server there is nothing to end as.
    this.#options.finished(link?.process.ended ?? (signal ? { code: null, signal } : { code: 1, signal: null }));
  }

  /** What the client sent waits for a server, or for the gate. */
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
