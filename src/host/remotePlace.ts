import type { HostParts } from '../guard/hostParts.ts';
import type { GuardPlace, OpenedSession, ShareFacts } from '../guard/process/guardPlace.ts';
import type { ServerProcess, StartRequest } from '../guard/process/serverProcess.ts';
import type { Relay } from '../guard/relay/relay.ts';
import type { Frame, Greeting } from '../relay/contract.ts';
import { keptLines, keptServers, Ledger, restoreLink, restoreMemory } from './ledger.ts';
import { RemoteServer } from './remoteServer.ts';
import { RemoteSink, RemoteSource } from './remoteStreams.ts';
import { SessionShare } from './share/sessionShare.ts';
import type { SharedServers } from './share/sharedServers.ts';

/** Time for a server that no session has, from the end of its input to SIGTERM, and from there to SIGKILL. */
const replaceLimits = { politeMs: 2_000, termMs: 2_000 };

/** Whether and how the server of a session may be shared with others. */
interface Sharing {
  /** Undefined: each session has one of its own. */
  readonly servers: SharedServers | undefined;
  readonly isAsked: boolean;
  readonly later: (act: () => void) => void;
}

type Send = (kind: string, name: string, body?: Buffer | string) => void;

/** See `HostWatchdog.watch`. */
type Watch = (server: RemoteServer) => () => void;

/** The process of a relay, as a place where a session runs. */
export class RemotePlace implements GuardPlace {
  readonly env: NodeJS.ProcessEnv;
  readonly cwd: string;
  readonly pid: number;
  readonly ppid: number;
  readonly input: RemoteSource;
  readonly output: RemoteSink;
  readonly #send: Send;
  readonly #parts: HostParts;
  readonly #watch: Watch;
  readonly #greeting: Greeting;
  readonly #servers = new Map<string, RemoteServer>();
  readonly #starting = new Map<string, { started(server: RemoteServer): void; failed(error: Error): void }>();
  readonly #signals = new Map<string, (() => void)[]>();
  readonly #ledger = new Ledger(process.argv[1] ?? '');
  readonly #share: SessionShare | undefined;
  readonly shares: GuardPlace['shares'];
  #session: OpenedSession | undefined;
  #resumes = false;
  #last = 0;
  /** What came of the client while the session of another host was not restored yet. */
  #early: Frame[] | undefined;

  constructor(greeting: Greeting, send: Send, parts: HostParts, watch: Watch, { servers, isAsked, later }: Sharing) {
    ({ env: this.env, cwd: this.cwd, pid: this.pid, ppid: this.ppid } = greeting);
    this.#greeting = greeting;
    this.#early = greeting.ledger.size > 0 ? [] : undefined;
    this.#send = send;
    this.#parts = parts;
    this.#watch = watch;
    this.input = new RemoteSource((frames) => send('done', '-', `${frames}`));
    this.output = new RemoteSink((bytes) => send('lines', '-', bytes));
    if (servers) {
      const passErrors = (bytes: Buffer): void => this.passErrors(bytes);
      this.#share = new SessionShare({ servers, isAsked, pid: greeting.pid, session: () => this.#session, later, passErrors });
      this.shares = (facts) => this.#sharesWith(facts);
    }
    for (const text of greeting.servers) {
      const [name = '', pid = '', ...how] = text.split(' ');
      const server = this.#add(name, Number(pid));
      this.#last = Math.max(this.#last, Number(name));
      if (how[0] !== 'running') {
        server.end(how.join(' '));
      }
    }
  }

  say(text: string): void {
    this.#send('say', '-', this.#parts.logLine(text));
  }

  passErrors(bytes: Buffer): void {
    this.#send('say', '-', bytes);
  }

  /** The relay starts the command of its own arguments, with its own environment. */
  async startServer(request: StartRequest): Promise<ServerProcess> {
    const { errors } = request;
    this.#last += 1;
    const name = `${this.#last}`;
    const shared = await this.#share?.server(name, request, this);
    if (shared) {
      return shared;
    }
    this.#send('start', name, errors ? 'errors' : undefined);
    return new Promise((resolve, reject) => {
      this.#starting.set(name, {
        started: (server) => {
          errors?.(server.errors);
          resolve(server);
        },
        failed: reject,
      });
    });
  }

  #sharesWith(facts: ShareFacts): boolean {
    this.#share?.keyed(facts);
    return this.#resumes;
  }

  others(): Iterable<Relay> {
    return this.#share?.others() ?? [];
  }

  onSignal(signal: NodeJS.Signals, take: () => void): void {
    this.#signals.set(signal, [...(this.#signals.get(signal) ?? []), take]);
  }

  /** This host is the watchdog of its sessions; for the case that it is killed, too, see `HostWatchdog`. */
  watchdog(): { tell(): void; dismiss(): void } {
    return { tell: () => undefined, dismiss: () => undefined };
  }

  begun(): Promise<void> {
    this.#share?.begun();
    return this.#parts.begun();
  }

  collect(): Promise<void> {
    return this.#parts.collect();
  }

  resume(session: OpenedSession): boolean {
    this.#session = session;
    const { ledger } = this.#greeting;
    const kept = keptServers(ledger).find(({ isCurrent, name }) => isCurrent && this.#servers.has(name));
    const server = kept && this.#servers.get(kept.name);
    for (const other of this.#servers.values()) {
      if (other !== server && !other.ended) {
        void this.#parts.endServer(other, replaceLimits);
      }
    }
    if (ledger.size === 0) {
      return false;
    }
    const { relay } = session;
    // This host counts its entries anew; both leave within one commit.
    for (const key of ledger.keys()) {
      this.#send('drop', key);
    }
    restoreMemory(relay.memory, ledger);
    for (const gone of keptServers(ledger).filter(({ name }) => !this.#servers.has(name))) {
      this.#last = Math.max(this.#last, Number(gone.name));
      const lost = relay.connect(new RemoteServer(gone.name, 0, this.#send, this.#parts));
      restoreLink(lost, gone, ledger);
      relay.disconnect(lost, 'The host ended, and with it the server that several clients shared,');
    }
    const isNew = !server && !relay.memory.hasServed;
    const link = isNew ? undefined : session.adopt(server);
    if (link && kept) {
      restoreLink(link, kept, ledger);
      relay.release(link);
      if (link.hasAnswered) {
        relay.gate?.answered(link.process);
      }
    }
    for (const line of keptLines(ledger)) {
      relay.take(line);
    }
    this.#resumes = !isNew;
    const early = this.#early ?? [];
    this.#early = undefined;
    for (const frame of early) {
      this.take(frame);
    }
    return !isNew;
  }

  /** What the relay has to keep for the next host, and whether it may pass lines of servers by itself. */
  tellState(graceMs: number): void {
    const relay = this.#session?.relay;
    for (const server of relay ? this.#servers.values() : []) {
      const current = relay?.current;
      const isPlain = current?.process === server && relay?.isPlain(current) === true;
      server.passDirectly(isPlain);
      server.openFor(isPlain && this.#greeting.canOpen === true && relay?.isOpen === true);
    }
    for (const { key, text } of this.#session
      ? this.#ledger.changes(this.#session.relay, [...this.#servers.values(), ...(this.#share?.views ?? [])], graceMs)
      : []) {
      this.#send(text === undefined ? 'drop' : 'keep', key, text);
    }
  }

  /** Takes a frame of the relay. */
  take(frame: Frame): void {
    const { kind, name, body } = frame;
    if (this.#early && (name === '-' || kind === 'sent')) {
      this.#early.push(frame);
      return;
    }
    const server = this.#servers.get(name);
    const text = (): string => body.toString('utf8');
    switch (kind) {
      case 'lines':
        (name === '-' ? this.input : server?.stdout)?.push(body);
        this.#share?.heard();
        break;
      case 'passed':
        server?.stdout.push(body, true);
        break;
      case 'sent':
        // One of an earlier host may be gone.
        this.input.push(body, server ?? new RemoteServer(name, 0, this.#send, this.#parts));
        break;
      case 'apart':
        server?.isApart();
        break;
      case 'shut':
        server?.isShut();
        break;
      case 'eof':
        (name === '-' ? this.input : server?.stdout)?.end();
        if (name === '-') {
          this.#share?.ended();
        }
        break;
      case 'errors':
        server?.errors.push(body);
        break;
      case 'silent':
        server?.errors.end();
        break;
      case 'started':
        this.#started(name, Number(text()));
        break;
      case 'failed':
        this.#failed(name, text());
        break;
      case 'ended':
        server?.end(text());
        break;
      case 'took':
        (name === '-' ? this.output : server?.stdin)?.took(Number(text()));
        break;
      case 'signal':
        this.#signalled(name);
        break;
    }
  }

  #started(name: string, pid: number): void {
    const server = this.#add(name, pid);
    this.#starting.get(name)?.started(server);
    this.#starting.delete(name);
  }

  #add(name: string, pid: number): RemoteServer {
    const server = new RemoteServer(name, pid, this.#send, this.#parts);
    this.#servers.set(name, server);
    void server.exited.then(this.#watch(server));
    return server;
  }

  #failed(name: string, text: string): void {
    const [code = '', ...words] = text.split(' ');
    this.#starting.get(name)?.failed(Object.assign(new Error(words.join(' ')), { code }));
    this.#starting.delete(name);
  }

  #signalled(name: string): void {
    if (name !== 'SIGUSR2') {
      this.#share?.ended();
      for (const server of this.#servers.values()) {
        if (!server.ended) {
          server.delivered(name);
        }
      }
    }
    for (const take of this.#signals.get(name) ?? []) {
      take();
    }
  }

  /** The connection is closed. @param killed the relay runs no more: its servers are ended; otherwise they are another host's */
  lost(killed: boolean): void {
    this.output.close();
    this.#share?.lost();
    for (const [name, { failed }] of this.#starting) {
      this.#starting.delete(name);
      failed(new Error('its relay is gone'));
    }
    this.input.destroy();
    for (const server of this.#servers.values()) {
      server.lost(killed);
    }
  }
}
