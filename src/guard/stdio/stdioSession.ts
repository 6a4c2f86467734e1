import { reasonOf } from '../../base/errors.ts';
import type { ControlHandlers } from '../../lock/control/controlServer.ts';
import type { HeldInstance, InstanceFacts } from '../../lock/holdResources.ts';
import { say } from '../message/ownAnswers.ts';
import type { GuardOptions } from '../options/guardOptions.ts';
import { endServer } from '../process/endServer.ts';
import { type Ended, type ServerProcess, startServer } from '../process/serverProcess.ts';
import { Watchdog } from '../process/watchdog.ts';
import type { GuardEnvironment } from '../publish/guardEnvironment.ts';
import type { GuardRecord } from '../publish/guardRecord.ts';
import { Relay } from '../relay/relay.ts';
import type { CodeRecorder } from '../stale/codeRecorder.ts';
import { CallMonitor } from './callMonitor.ts';
import { keepNewSpaceSmall } from './memoryUse.ts';
import type { StdioCallGate } from './stdioCallGate.ts';
import { Supervisor } from './supervisor.ts';

/** After the client let go, waiting for a resource goes on so long, ms: what it sent may be all that it wants to send. */
const lingerMs = 2_000;

/** A server that has not answered after this time is published all the same, ms. */
const settleMs = 500;

/** One client, its server, and everything around them: puts the parts together. */
export class StdioSession {
  readonly #options: GuardOptions;
  readonly relay: Relay;
  readonly supervisor: Supervisor;
  readonly finished: Promise<Ended>;
  readonly #name: string;
  readonly #inputEnded: Promise<void>;
  readonly #calls: CallMonitor;
  #surroundings: Promise<GuardEnvironment> | undefined;
  #instance: HeldInstance | undefined;
  #conflict: string | undefined;
  #publication: Promise<GuardRecord | undefined> | undefined;
  #watchdog: Watchdog | undefined;
  #stopClientWatch: () => void = () => undefined;
  #servers: readonly ServerProcess[] = [];
  #problem: string | undefined;
  #recorder: CodeRecorder | undefined;
  #gate: StdioCallGate | undefined;
  #versions: Partial<InstanceFacts> = {};

  constructor(options: GuardOptions) {
    this.#options = options;
    this.#name = options.name ?? options.command;
    this.relay = new Relay(process.stdin, process.stdout);
    this.relay.onClientInfo = ({ name, version }) => this.#clientNamed(name, version);
    // It stands in the record, and goes from it with what ends it.
    this.#calls = new CallMonitor(this.relay, {
      unanswered: (calls) => void this.#publication?.then((publication) => publication?.mark('unresponsive', calls)),
      idle: (since) => void this.#publication?.then((publication) => publication?.mark('idleSince', since)),
      refused: (calls) => void this.#publication?.then((publication) => publication?.refused(calls)),
    });
    this.#inputEnded = new Promise((resolve) => {
      process.stdin.once('end', resolve);
      process.stdin.once('error', () => resolve());
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
        const server = await startServer({ ...options, inherited: this.#instance?.inheritableFiles ?? [] });
        this.#watchdog ??= new Watchdog(options.graceMs);
        this.#watchdog.tell([...this.#servers.map(({ pid }) => pid), server.pid]);
        try {
          // In the shade of its start: what judges calls is needed only when the first of them comes.
          await this.#openGate();
        } catch (error) {
          // Without its gate nobody stands between: nothing of it goes on.
          await endServer(server, { politeMs: 0, termMs: 2_000 });
          throw error;
        }
        this.#gate?.started(code, server);
        return server;
      },
      // Two servers on one resource are never our own idea.
      overlap: () => options.overlap || (options.locks.length === 0 && this.#gate?.onlyReads === true),
      changed: (servers, problem) => this.#changed(servers, problem),
      finished: finish,
    });
  }

  /** Takes the resources. @returns why the server must not start */
  async lock(): Promise<string | undefined> {
    const ended = new AbortController();
    void this.#inputEnded.then(() => setTimeout(() => ended.abort(), lingerMs).unref());
    const surroundings = await this.#look();
    const outcome = await surroundings.lock(ended.signal);
    if (outcome.status === 'refuse') {
      return outcome.text;
    }
    this.#instance = outcome.instance;
    this.#conflict = outcome.conflict?.text;
    return undefined;
  }

  /** Answers whatever the client asks with the reason, until it lets go. */
  async refuse(reason: string): Promise<void> {
    this.relay.giveUp(reason);
    await this.#inputEnded;
    await this.relay.client.drained();
    const { calls = 0 } = this.relay.refusals.summary ?? {};
    say(`${calls} ${calls === 1 ? 'request was' : 'requests were'} refused`);
  }

  /** Starts the server. @throws the system's error when it cannot be started */
  async begin(): Promise<void> {
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
      process.on(signal, () => this.#end(signal));
    }
    if (this.#options.onStale !== 'off' || this.#options.updateNote) {
      const { CodeRecorder } = await import('../stale/codeRecorder.ts');
      const { command, args } = this.#options;
      this.#recorder = new CodeRecorder({ command, args, cwd: process.cwd(), env: process.env });
    }
    process.on('SIGUSR2', () => void this.supervisor.restart('asked by SIGUSR2'));
    await this.supervisor.begin();
    void this.#inputEnded.then(() => this.#end());
    // What the client sent already goes first.
    await new Promise((resolve) => setImmediate(resolve));
    this.#publication = this.#settled().then((goesOn) => (goesOn ? this.#publish() : undefined));
    this.#calls.begin();
    await keepNewSpaceSmall();
  }

  /** To publish takes two programs and some reading: the server, which is just starting, has the machine to itself first. @returns false when it is over already */
  async #settled(): Promise<boolean> {
    let timer: NodeJS.Timeout | undefined;
    const goesOn = await Promise.race([
      this.finished.then(() => false),
      new Promise<boolean>((resolve) => {
        timer = setTimeout(() => resolve(true), settleMs);
        this.relay.onFirstAnswer = () => resolve(true);
      }),
    ]);
    clearTimeout(timer);
    this.relay.onFirstAnswer = undefined;
    return goesOn;
  }

  /** Nothing of the client is read before it is open. */
  async #openGate(): Promise<void> {
    const readOnly = this.#conflict !== undefined && this.#options.onConflict.mode === 'read-only';
    if (this.#gate || (!this.#recorder && !readOnly)) {
      return;
    }
    const { createCallGate } = await import('./createCallGate.ts');
    const gate = createCallGate({
      options: this.#options,
      relay: this.relay,
      restart: (reason) => this.supervisor.restartByItself(reason),
      serving: () => this.#servers.at(-1)?.pid ?? process.pid,
      running: () => this.#versions.package,
      log: say,
      recorded: (versions) => {
        this.#versions = versions;
        void this.#publication?.then((publication) => publication?.set({ package: undefined, deps: undefined, ...versions }));
      },
    });
    if (readOnly) {
      gate.readOnly = { text: this.#conflict ?? '', promote: () => this.#promote() };
    }
    this.#gate = gate;
    this.relay.gate = gate;
  }

  /** The holder may be gone by now: one try for the resource, and from then on this guard is like any other. @returns who has it, when another one does */
  async #promote(): Promise<string | undefined> {
    const surroundings = await this.#look();
    const result = await surroundings.promote(AbortSignal.timeout(lingerMs));
    if (result.status !== 'held') {
      const text = result.status === 'in-use' ? result.text : `whether its resource is free cannot be told, because ${result.text}`;
      this.#conflict = text;
      (await this.#publication)?.mark('conflict', text);
      return text;
    }
    const before = await this.#publication;
    this.#instance = result.instance;
    this.#conflict = undefined;
    this.#publication = this.#publish();
    await this.#publication;
    await before?.close();
    say(`${this.#name} has its resource now, and writes`);
    return undefined;
  }

  #end(signal?: NodeJS.Signals): void {
    void this.#publication?.then((publication) => publication?.set({}, 'stopping'));
    void this.supervisor.end(signal);
  }

  /** Once no server runs: gives everything back. */
  async close(): Promise<void> {
    this.#stopClientWatch();
    this.#calls.end();
    this.#watchdog?.dismiss();
    const publication = await this.#publication;
    await (publication ? publication.close() : this.#instance?.unlockAndClose());
    await this.relay.client.drained();
  }

  /** Loaded only now: a server that needs no lock has been started before. */
  #look(): Promise<GuardEnvironment> {
    this.#surroundings ??= import('../publish/guardEnvironment.ts').then(({ GuardEnvironment }) => GuardEnvironment.read(this.#options));
    return this.#surroundings;
  }

  async #publish(): Promise<GuardRecord | undefined> {
    try {
      const surroundings = await this.#look();
      this.#stopClientWatch();
      this.#stopClientWatch = surroundings.watchClient(() => {
        say('the client is gone');
        this.#end();
      });
      const x = this.#conflict === undefined ? {} : { conflict: this.#conflict };
      const publication = await surroundings.publish(this.#instance, x, this.#handlers(), say);
      publication?.set(this.#versions);
      const { clientInfo } = this.relay.memory;
      if (clientInfo) {
        this.#clientNamed(clientInfo.name, clientInfo.version);
      }
      await publication?.serves(this.#servers, this.#problem);
      return publication;
    } catch (error) {
      say(`it is not published: ${reasonOf(error)}`);
      return undefined;
    }
  }

  /** The client says in its handshake who it is: better than the name of its program. */
  #clientNamed(name: string, version: string | undefined): void {
    void this.#publication?.then((publication) => {
      const client = { ...publication?.instance.record.client, name, ...(version === undefined ? {} : { version }) };
      publication?.set({ client });
    });
  }

  #changed(servers: readonly ServerProcess[], problem: string | undefined): void {
    this.#servers = servers;
    this.#problem = problem;
    this.#watchdog?.tell(servers.map(({ pid }) => pid));
    void this.#publication?.then((publication) => publication?.serves(this.#servers, this.#problem));
  }

  #handlers(): ControlHandlers {
    return {
      status: () => ({
        servers: this.#servers.map(({ pid }) => pid),
        restarting: this.supervisor.isRestarting,
        held: this.relay.heldCount,
        inFlight: this.relay.current?.inFlight.size ?? 0,
        ...(this.#problem === undefined ? {} : { problem: this.#problem }),
        ...(this.#calls.unanswered ? { unresponsive: { ...this.#calls.unanswered } } : {}),
        ...(this.relay.refusals.summary ? { refused: { ...this.relay.refusals.summary } } : {}),
        ...(this.#gate ? { stale: JSON.parse(JSON.stringify(this.#gate.report())) } : {}),
      }),
      restart: async ({ by }) => {
        const outcome = await this.supervisor.restart(`asked by ${by ?? 'somebody'}`);
        return { ...outcome };
      },
      stop: async ({ by }) => {
        say(`stopped by ${by ?? 'somebody'}`);
        await this.supervisor.end('SIGTERM');
        return { status: 'stopped' };
      },
    };
  }
}
