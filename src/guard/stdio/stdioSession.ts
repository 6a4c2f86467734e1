import { reasonOf } from '../../base/errors.ts';
import type { HeldInstance } from '../../lock/holdResources.ts';
import type { GuardOptions } from '../options/guardOptions.ts';
import { endServer } from '../process/endServer.ts';
import type { GuardPlace } from '../process/guardPlace.ts';
import type { ServerErrors } from '../process/serverErrors.ts';
import type { Ended, ServerProcess } from '../process/serverProcess.ts';
import type { Watchdog } from '../process/watchdog.ts';
import type { GuardEnvironment } from '../publish/guardEnvironment.ts';
import type { GuardRecord, Versions } from '../publish/guardRecord.ts';
import { Relay } from '../relay/relay.ts';
import type { ServerLink } from '../relay/serverLink.ts';
import type { CodeRecorder } from '../stale/codeRecorder.ts';
import type { CallMonitor } from './callMonitor.ts';
import type { StdioCallGate } from './stdioCallGate.ts';
import { type RestartOutcome, Supervisor } from './supervisor.ts';

/** After the end of the client's input, the guard still waits this long for a resource, ms: the client may have sent everything at once. */
const lingerMs = 2_000;

/** A server that has not answered after this time is published anyway, ms. */
const settleMs = 500;

const notStarted = 'it is not started: its next call starts what is installed then';

/** One stdio session: puts relay, supervisor, gate, record and watchdog together. */
export class StdioSession {
  readonly #options: GuardOptions;
  readonly place: GuardPlace;
  readonly relay: Relay;
  readonly supervisor: Supervisor;
  readonly finished: Promise<Ended>;
  readonly #name: string;
  readonly #inputEnded: Promise<void>;
  #calls: CallMonitor | undefined;
  #environment: Promise<GuardEnvironment> | undefined;
  #instance: HeldInstance | undefined;
  #conflict: string | undefined;
  #record: Promise<GuardRecord | undefined> | undefined;
  #watchdog: Pick<Watchdog, 'tell' | 'dismiss'> | undefined;
  #stopClientWatch: () => void = () => undefined;
  #servers: readonly ServerProcess[] = [];
  #problem: string | undefined;
  #errors: ServerErrors | undefined;
  #recorder: CodeRecorder | undefined;
  #gate: StdioCallGate | undefined;
  readonly #versions = new WeakMap<ServerProcess, Versions>();

  constructor(options: GuardOptions, place: GuardPlace) {
    this.#options = options;
    this.place = place;
    this.#name = options.name ?? options.command;
    this.relay = new Relay(place.input, place.output, undefined, (text) => place.say(text));
    this.relay.onClientInfo = ({ name, version }) => this.#clientNamed(name, version);
    this.#inputEnded = new Promise((resolve) => {
      place.input.once('end', resolve);
      // The relay closes it after a line that does not end.
      place.input.once('close', () => resolve());
      place.input.once('error', () => resolve());
    });
    let finish: (ended: Ended) => void = () => undefined;
    this.finished = new Promise((resolve) => {
      finish = resolve;
    });
    this.supervisor = new Supervisor(this.relay, {
      name: this.#name,
      graceMs: options.graceMs,
      drainMs: options.drainMs,
      start: async () => {
        const code = this.#recorder?.beforeStart();
        const inherited = this.#instance?.inheritableFiles ?? [];
        const errors = await this.#readErrors();
        const pass = this.relay.memory.lazy?.errors;
        const server = await place.startServer({ ...options, inherited, errors: (output) => errors.take(output, pass) });
        this.#watchdog ??= place.watchdog(options.graceMs);
        this.#watchdog.tell([...this.#servers.map(({ pid }) => pid), server.pid]);
        try {
          // Loaded while the server starts: the gate is needed for the first call only.
          await this.#openGate();
        } catch (error) {
          // Without the gate the server must not get calls.
          await endServer(server, { politeMs: 0, termMs: 2_000 });
          throw error;
        }
        this.#gate?.started(code, server);
        return server;
      },
      // Two servers on one resource only with --overlap.
      overlap: () => options.overlap || (options.locks.length === 0 && this.#gate?.onlyReads === true),
      changed: (servers, problem) => this.#changed(servers, problem),
      crashed: (ended) => this.#crashed(ended),
      finished: finish,
    });
  }

  /** Takes the resources of `--lock`. @returns why the server must not start */
  async lock(): Promise<string | undefined> {
    const ended = new AbortController();
    void this.#inputEnded.then(() => setTimeout(() => ended.abort(), lingerMs).unref());
    const environment = await this.#readEnvironment();
    const outcome = await environment.lock(ended.signal);
    if (outcome.status === 'refuse') {
      return outcome.text;
    }
    this.#instance = outcome.instance;
    this.#conflict = outcome.conflict?.text;
    return undefined;
  }

  /** Answers every request with the reason, until the client closes the input. */
  async refuse(reason: string): Promise<void> {
    this.relay.giveUp(reason);
    await this.#inputEnded;
    await this.relay.client.drained();
    const { calls = 0 } = this.relay.refusals.summary ?? {};
    this.place.say(`${calls} ${calls === 1 ? 'request was' : 'requests were'} refused`);
  }

  /** Starts the server. @throws the system's error when it cannot be started */
  async begin(): Promise<void> {
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
      this.place.onSignal(signal, () => this.#end(signal));
    }
    const lazy = this.#options.start === 'lazy' || this.#options.sleepAfterMs !== undefined;
    if (lazy || this.#options.onStale !== 'off' || this.#options.updateNote) {
      const { CodeRecorder } = await import('../stale/codeRecorder.ts');
      const { command, args } = this.#options;
      this.#recorder = new CodeRecorder({ command, args, cwd: this.place.cwd, env: this.place.env });
    }
    this.place.onSignal('SIGUSR2', () => void this.#restart('asked by SIGUSR2'));
    if (this.place.resume) {
      await this.#openGate();
    }
    const resumes = this.place.resume?.(this) ?? false;
    if (lazy && this.#recorder && (!resumes || this.place.shares)) {
      const { openLazy } = await import('../lazy/openLazy.ts');
      await openLazy(this.#options, this.#recorder, this, [this.#inputEnded, this.finished], () => this.#record);
    }
    await (this.relay.memory.lazy?.begins ? this.#openGate() : resumes || this.supervisor.begin());
    this.relay.longLines = await import('../relay/unreadLines.ts');
    // What a restart needs: an update may remove the files of a running guard.
    await Promise.all([import('../relay/handshake.ts'), import('../relay/listChanges.ts')]);
    void this.#inputEnded.then(() => this.#end());
    // Messages that the client has already sent go first.
    await new Promise((resolve) => setImmediate(resolve));
    this.#record = this.#settled().then((continues) => (continues ? this.#publish() : undefined));
    await this.#monitor();
    await this.place.begun();
  }

  /** Goes on with a server that another process started; without one, starts a server in the state of the session. */
  adopt(server: ServerProcess | undefined): ServerLink | undefined {
    if (server) {
      // It is read once the function that takes it is loaded.
      server.errors?.pause();
      void this.#readErrors().then((errors) => {
        errors.take(server.errors);
        server.errors?.resume();
      });
      this.#gate?.started(this.#recorder?.unrecorded(), server);
    }
    return this.supervisor.adopt(server);
  }

  async #readErrors(): Promise<ServerErrors> {
    const { ServerErrors } = await import('../process/serverErrors.ts');
    this.#errors ??= new ServerErrors(this.#options, this.place);
    return this.#errors;
  }

  /** Restarts the server; one that was not started yet, or sleeps, needs no restart. */
  async #restart(why: string): Promise<RestartOutcome> {
    if (this.relay.memory.lazy?.rests) {
      this.place.say(notStarted);
      return { status: 'failed', reason: notStarted, kept: true };
    }
    return this.supervisor.restart(why);
  }

  async #monitor(): Promise<void> {
    const { CallMonitor, recordedCalls } = await import('./callMonitor.ts');
    this.#calls = new CallMonitor(
      this.relay,
      recordedCalls(() => this.#record),
      () => this.place.collect(),
    );
    this.#calls.begin();
  }

  /** Waits for the server's first answer, at most 500 ms, so that publishing does not slow its start down. @returns false when the session is over */
  async #settled(): Promise<boolean> {
    let timer: NodeJS.Timeout | undefined;
    const continues = await Promise.race([
      this.finished.then(() => false),
      new Promise<boolean>((resolve) => {
        timer = setTimeout(() => resolve(true), settleMs);
        this.relay.onFirstAnswer = () => resolve(true);
      }),
    ]);
    clearTimeout(timer);
    this.relay.onFirstAnswer = undefined;
    return continues;
  }

  /** Loads the gate. No message is read before that. */
  async #openGate(): Promise<void> {
    const readOnly = this.#conflict !== undefined && this.#options.onConflict.mode === 'read-only';
    if (this.#gate || (!this.#recorder && !readOnly)) {
      return;
    }
    const { createCallGate } = await import('./stdioCallGate.ts');
    const gate = createCallGate({
      options: this.#options,
      place: this.place,
      relay: this.relay,
      restart: (reason) => this.supervisor.restartByItself(reason),
      isRestarting: () => this.supervisor.isRestarting,
      serving: () => this.#servers.at(-1)?.pid ?? this.place.pid,
      running: () => this.#versionsOf(this.#servers.at(-1)).package,
      log: (line) => this.place.say(line),
      recorded: (versions, server) => {
        this.#versions.set(server, versions);
        this.#publishServers();
      },
      record: () => this.#record,
    });
    if (readOnly) {
      gate.readOnly = { text: this.#conflict ?? '', promote: () => this.#promote() };
    }
    this.#gate = gate;
    this.relay.gate = gate;
  }

  /** Tries once to take the resource, whose holder may be gone. @returns which process has it, undefined when this guard has it now */
  async #promote(): Promise<string | undefined> {
    const environment = await this.#readEnvironment();
    const result = await environment.promote(AbortSignal.timeout(lingerMs));
    if (result.status !== 'held') {
      const { text } = result;
      this.#conflict = text;
      (await this.#record)?.mark('conflict', text);
      return text;
    }
    const before = await this.#record;
    this.#instance = result.instance;
    this.#conflict = undefined;
    this.#record = this.#publish();
    await this.#record;
    await before?.close();
    this.place.say(`${this.#name} has its resource now and may write`);
    return undefined;
  }

  #end(signal?: NodeJS.Signals): void {
    this.relay.memory.lazy?.ending();
    void this.#record?.then((record) => record?.set({}, 'stopping'));
    void this.supervisor.end(signal);
  }

  /** Releases everything. Call it when no server runs. */
  async close(): Promise<void> {
    this.#stopClientWatch();
    this.#calls?.end();
    this.#watchdog?.dismiss();
    await this.relay.memory.lazy?.close();
    await this.#errors?.ended();
    const record = await this.#record;
    await (record ? record.close() : this.#instance?.unlockAndClose());
    await this.relay.client.drained();
  }

  /** Loaded on demand: a server without a lock is started before. */
  #readEnvironment(): Promise<GuardEnvironment> {
    this.#environment ??= import('../publish/guardEnvironment.ts').then(({ GuardEnvironment }) =>
      GuardEnvironment.read(this.#options, this.place),
    );
    return this.#environment;
  }

  async #publish(): Promise<GuardRecord | undefined> {
    try {
      const environment = await this.#readEnvironment();
      this.#stopClientWatch();
      this.#stopClientWatch = environment.watchClient(() => {
        this.place.say('the client is gone');
        this.#end();
      });
      const { publishSession } = await import('./sessionRecord.ts');
      const record = await publishSession({
        ...{ environment, instance: this.#instance, conflict: this.#conflict, relay: this.relay, supervisor: this.supervisor },
        now: () => ({ servers: this.#servers, problem: this.#problem, calls: this.#calls, gate: this.#gate }),
        versions: (server) => this.#versionsOf(server),
        restart: (why) => this.#restart(why),
        say: (text) => this.place.say(text),
      });
      const { clientInfo } = this.relay.memory;
      if (clientInfo) {
        this.#clientNamed(clientInfo.name, clientInfo.version);
      }
      return record;
    } catch (error) {
      this.place.say(`it is not published: ${reasonOf(error)}`);
      return undefined;
    }
  }

  #clientNamed(name: string, version: string | undefined): void {
    void this.#record?.then((record) => record?.clientNamed(name, version));
  }

  #changed(servers: readonly ServerProcess[], problem: string | undefined): void {
    this.#servers = servers;
    this.#problem = problem;
    this.#watchdog?.tell(servers.map(({ pid }) => pid));
    this.#publishServers();
  }

  #crashed(ended: Ended): void {
    void this.#errors?.crashed(ended, (value) => void this.#record?.then((record) => record?.mark('ends', value)));
  }

  #publishServers(): void {
    void this.#record?.then((record) => record?.serves(this.#servers, this.#problem, (server) => this.#versionsOf(server)));
  }

  #versionsOf(server: ServerProcess | undefined): Versions {
    return (server && this.#versions.get(server)) ?? {};
  }
}
