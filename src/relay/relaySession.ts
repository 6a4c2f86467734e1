import type { Socket } from 'node:net';
import { ClientOutput } from './clientOutput.ts';
import type { Frame } from './contract.ts';
import { greetHost, HostLink } from './hostConnection.ts';
import {
  connectHost,
  type HostProgram,
  hostSecret,
  isHostStarting,
  lastProgram,
  ownNamespaces,
  startHost,
  startOwnHost,
} from './hostFolder.ts';
import { keptIn, LineStream, type Lines } from './lineStream.ts';
import { endServers, RelayServer } from './relayServer.ts';

/**
 * A host greets within the first time, or the relay becomes a guard without one; the next host within the second, or the relay starts one of its own.
 * The first time begins anew while a host is starting, for the third: a guard would need as long to start. ms.
 */
const [firstMs, nextMs, startingMs] = [1_000, 10_000, 4_000];
const pauseMs = 30;
/** With more lost hosts within this time, ms, the relay starts one of its own. */
const [maxLosses, lossMs] = [3, 60_000];
/** Time between two checks whether the host answers, ms. */
const checkMs = 5_000;
/** Time to end servers without a host, from the end of their input to SIGTERM, where the host named none; ms. */
const graceMs = 10_000;
/** The host ends a session within the grace and this time, or the relay does, ms. */
const spareMs = 8_000;

/** `code N` or `signal NAME`. Undefined: no host took the session, and nothing of the client was read. */
export type RelayEnd = string | undefined;

/** One session of a client, and its servers. */
export class RelaySession {
  readonly #args: readonly string[];
  readonly #command: readonly string[];
  readonly #program: HostProgram;
  readonly #servers = new Map<string, RelayServer>();
  readonly #ledger = new Map<string, string>();
  readonly #client = new LineStream('-', (paused) => (paused ? process.stdin.pause() : process.stdin.resume()));
  readonly #output = new ClientOutput((isHeld) => {
    for (const { output } of this.#servers.values()) {
      output.hold(isHeld);
    }
  });
  #socket: Socket | undefined;
  #host: HostLink | undefined;
  #heardAt = 0;
  #hasPinged = false;
  /** When hosts were lost, `performance.now()`. */
  #losses: readonly number[] = [];
  #finish: (end: RelayEnd) => void = () => undefined;
  readonly #finished = new Promise<RelayEnd>((resolve) => {
    this.#finish = resolve;
  });
  /** The relay ends the session without a host. */
  #endsAlone = false;

  constructor(args: readonly string[], command: readonly string[], program: HostProgram) {
    this.#args = args;
    this.#command = command;
    this.#program = program;
  }

  async run(): Promise<RelayEnd> {
    if (!(await this.#findHost(firstMs))) {
      return undefined;
    }
    for (const stream of [process.stdout, process.stderr]) {
      stream.on('error', () => undefined);
    }
    for (const name of ['SIGHUP', 'SIGINT', 'SIGTERM'] as const) {
      process.on(name, () => this.#signalled(name));
    }
    process.on('SIGUSR2', () => this.#send('signal', 'SIGUSR2'));
    process.stdin.on('data', (chunk: Buffer) => this.#sendLines('-', this.#client.push(chunk)));
    const ended = (): void => {
      if (!this.#client.hasEnded) {
        this.#sendLines('-', this.#client.end());
        this.#send('eof', '-');
        this.#inputEnded();
      }
    };
    process.stdin.once('end', ended).once('close', ended).once('error', ended);
    const check = setInterval(() => this.#checkHost(), checkMs);
    const end = await this.#finished;
    clearInterval(check);
    await this.#output.written();
    return end;
  }

  /** @returns whether a host took the session */
  async #findHost(limitMs: number): Promise<boolean> {
    const begun = performance.now();
    let until = begun + limitMs;
    while (performance.now() < until && !this.#endsAlone) {
      const secret = hostSecret(this.#program.runDir);
      const socket = secret === undefined ? undefined : await connectHost(this.#program.runDir);
      if (!socket) {
        startHost(this.#hostProgram);
        if (limitMs === firstMs && performance.now() < begun + startingMs && isHostStarting(this.#program.runDir)) {
          until = performance.now() + firstMs;
        }
      } else {
        const answer = await this.#greet(socket, secret ?? '', until - performance.now());
        if (answer === 'ready' || (answer === 'no' && limitMs === firstMs)) {
          return answer === 'ready';
        }
      }
      await new Promise((resolve) => setTimeout(resolve, pauseMs));
    }
    return false;
  }

  #greet(socket: Socket, secret: string, limitMs: number): Promise<'ready' | 'no' | 'gone'> {
    const { env, pid, ppid } = process;
    const servers = [...this.#servers].map(([name, server]) => `${name} ${server.pid} ${server.state}`);
    const place = { cwd: process.cwd(), ns: ownNamespaces(), args: this.#args, ledger: this.#ledger, servers, canOpen: true };
    return greetHost(socket, { secret, env, pid, ppid, ...place }, limitMs, {
      ready: () => this.#attach(socket),
      heard: () => {
        this.#heardAt = performance.now();
        this.#hasPinged = false;
      },
      obey: (frames, done) => {
        for (const frame of this.#socket === socket ? frames : []) {
          this.#obey(frame);
        }
        for (const [name, count] of this.#socket === socket ? done : []) {
          (name === '-' ? this.#client : this.#servers.get(name)?.output)?.done(count);
        }
      },
      lost: (isOver) => {
        if (this.#socket === socket) {
          this.#drop();
          void this.#lost(isOver);
        }
      },
    });
  }

  /** A host has taken the session: it gets all that no host has dealt with. */
  #attach(socket: Socket): void {
    this.#socket = socket;
    this.#host = new HostLink(socket);
    const streams = new Map([['-', this.#client], ...[...this.#servers].map(([name, { output }]) => [name, output] as const)]);
    streams.forEach((stream) => void stream.restart());
    for (const lines of keptIn(streams.values())) {
      this.#send(lines.frame[0], lines.frame[1], lines.bytes);
    }
    streams.forEach(({ hasEnded }, name) => void (hasEnded && this.#send('eof', name)));
  }

  get #hostProgram(): HostProgram {
    return lastProgram(this.#program, this.#ledger.get('program'));
  }

  #drop(): void {
    const host = this.#host;
    this.#socket = undefined;
    this.#host = undefined;
    host?.close();
  }

  /** The host is gone. @param isOver another one is known to go on */
  async #lost(isOver: boolean): Promise<void> {
    if (this.#client.hasEnded) {
      this.#endAlone();
      return;
    }
    // A session that ends each host must not end those of others.
    const now = performance.now();
    this.#losses = [...this.#losses.filter((at) => now - at < lossMs), ...(isOver ? [] : [now])];
    const hasNext = this.#losses.length <= maxLosses && (await this.#findHost(nextMs));
    if (!hasNext && !this.#endsAlone && (await this.#greet(startOwnHost(this.#hostProgram), '', nextMs)) !== 'ready') {
      this.#endAlone();
    }
  }

  #send(kind: string, name: string, body?: Buffer | string): void {
    this.#host?.send(kind, name, body);
  }

  #sendLines(name: string, lines: Lines | undefined): void {
    if (lines && this.#endsAlone) {
      (name === '-' ? this.#client : this.#servers.get(name)?.output)?.drop();
      this.#passAlone(name, lines.bytes);
    } else if (lines) {
      const [kind, to] = lines.frame;
      if (kind === 'passed') {
        this.#output.pass(lines.bytes);
      } else if (kind === 'sent') {
        this.#servers.get(to)?.pass(lines.bytes, (isHeld) => this.#client.hold(isHeld));
      }
      this.#send(kind, to, lines.bytes);
    }
  }

  #obey({ kind, name, body }: Frame): void {
    const text = (): string => body.toString('utf8');
    const server = this.#servers.get(name);
    switch (kind) {
      case 'lines':
        if (name === '-') {
          this.#output.write(body, () => this.#host?.took('-', body.length));
        } else {
          server?.write(body);
        }
        break;
      case 'keep':
        this.#ledger.set(name, text());
        break;
      case 'drop':
        this.#ledger.delete(name);
        break;
      case 'start':
        void this.#start(name, text() === 'errors');
        break;
      case 'direct':
        if (server) {
          server.output.direct = text() === 'on' ? ['passed', name] : undefined;
        }
        if (text() !== 'on') {
          this.#send('apart', name);
        }
        break;
      case 'open':
        this.#client.direct = text() === 'on' && server?.isRunning ? ['sent', name] : undefined;
        if (text() !== 'on') {
          this.#send('shut', name);
        }
        break;
      case 'close':
        server?.close();
        break;
      case 'kill':
        server?.signal(text());
        break;
      case 'say':
        process.stderr.write(body);
        break;
      case 'exit':
        this.#finish(text());
        break;
    }
  }

  async #start(name: string, passErrors: boolean): Promise<void> {
    try {
      const server = new RelayServer(name, this.#command, passErrors, {
        lines: (lines) => this.#sendLines(name, lines),
        outputEnded: () => this.#send('eof', name),
        errors: (bytes) => (this.#host ? this.#send('errors', name, bytes) : process.stderr.write(bytes)),
        errorsEnded: () => this.#send('silent', name),
        ended: (how) => {
          this.#client.direct = undefined;
          this.#send('ended', name, how);
        },
        took: (bytes) => this.#host?.took(name, bytes),
      });
      await server.started();
      this.#servers.set(name, server);
      this.#send('started', name, `${server.pid}`);
    } catch (error) {
      const { code = 'UNKNOWN', message } = error as NodeJS.ErrnoException;
      this.#send('failed', name, `${code} ${message}`);
    }
  }

  #signalled(name: NodeJS.Signals): void {
    for (const server of this.#servers.values()) {
      server.signal(name);
    }
    this.#send('signal', name);
    this.#inputEnded();
  }

  /** The session is ending. The host does that; without one, or when it hangs, this process does. */
  #inputEnded(): void {
    if (!this.#host) {
      this.#endAlone();
    } else {
      setTimeout(() => this.#endAlone(), this.#graceMs + spareMs).unref();
    }
  }

  get #graceMs(): number {
    return Number(this.#ledger.get('grace') ?? graceMs);
  }

  /** Ends the servers without a host: closes their input, then SIGTERM, then SIGKILL. What they still write reaches the client. */
  #endAlone(): void {
    if (this.#endsAlone) {
      return;
    }
    this.#endsAlone = true;
    this.#send('bye', '-');
    this.#drop();
    this.#client.drop();
    const running = [...this.#servers.values()].filter(({ isRunning }) => isRunning);
    for (const [name, server] of this.#servers) {
      this.#passAlone(name, server.output.drop());
      server.close();
    }
    endServers(running, this.#graceMs, () => this.#finish([...this.#servers.values()].at(-1)?.state ?? 'code 1'));
  }

  #passAlone(name: string, lines: Buffer): void {
    if (name !== '-' && lines.length > 0) {
      this.#output.pass(lines);
    }
  }

  /** A host that hangs is left: what it does from then on reaches no process. */
  #checkHost(): void {
    const owes = [this.#client, ...[...this.#servers.values()].map(({ output }) => output)].some(({ kept }) => kept.length > 0);
    if (this.#host && this.#hasPinged) {
      this.#send('bye', '-');
      this.#host.close();
    } else if (this.#host && owes && performance.now() - this.#heardAt > checkMs) {
      this.#hasPinged = true;
      this.#send('ping', '-');
    }
  }
}
