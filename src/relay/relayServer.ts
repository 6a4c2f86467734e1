import { type ChildProcess, spawn } from 'node:child_process';
import { windowBytes } from './contract.ts';
import { LineStream, type Lines } from './lineStream.ts';

interface ServerEvents {
  lines(lines: Lines): void;
  outputEnded(): void;
  errors(bytes: Buffer): void;
  errorsEnded(): void;
  ended(how: string): void;
  /** Bytes were written to its input, or cannot be. */
  took(bytes: number): void;
}

/** From SIGTERM to SIGKILL, and between two checks, ms. */
const [termMs, pauseMs] = [5_000, 30];

/** Ends servers whose input is closed: SIGTERM after `graceMs`, then SIGKILL. @param ended called when none of them runs */
export function endServers(servers: readonly RelayServer[], graceMs: number, ended: () => void): void {
  const signalAll = (name: string): void => servers.forEach((server) => void server.signal(name));
  const timers = [setTimeout(signalAll, graceMs, 'SIGTERM'), setTimeout(signalAll, graceMs + termMs, 'SIGKILL')];
  const wait = setInterval(() => {
    if (servers.every(({ isRunning }) => !isRunning)) {
      clearInterval(wait);
      timers.forEach(clearTimeout);
      signalAll('SIGKILL');
      ended();
    }
  }, pauseMs);
}

/** One server, a child of the relay in a process group of its own. */
export class RelayServer {
  readonly #child: ChildProcess;
  readonly #events: ServerEvents;
  readonly output: LineStream;
  /** `running`, `code N` or `signal NAME`. */
  state = 'running';

  /** @throws what `spawn` throws */
  constructor(name: string, command: readonly string[], passErrors: boolean, events: ServerEvents) {
    const [program = '', ...args] = command;
    this.#events = events;
    this.#child = spawn(program, args, { stdio: ['pipe', 'pipe', passErrors ? 'pipe' : 'inherit'], detached: true });
    const { stdin, stdout, stderr } = this.#child;
    this.output = new LineStream(name, (paused) => (paused ? stdout?.pause() : stdout?.resume()));
    const passed = (lines: Lines | undefined): void => void (lines && events.lines(lines));
    stdin?.on('error', () => undefined);
    stdout?.on('data', (chunk: Buffer) => passed(this.output.push(chunk)));
    stdout?.once('close', () => {
      passed(this.output.end());
      events.outputEnded();
    });
    stderr?.on('data', events.errors);
    stderr?.once('close', events.errorsEnded);
    this.#child.once('exit', (code, signal) => {
      this.state = signal === null ? `code ${code ?? 1}` : `signal ${signal}`;
      events.ended(this.state);
    });
  }

  /** Resolves when it runs. Rejects with the system's error. */
  started(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#child.once('spawn', resolve);
      this.#child.once('error', reject);
    });
  }

  get pid(): number {
    return this.#child.pid ?? -1;
  }

  get isRunning(): boolean {
    return this.state === 'running' && this.#child.pid !== undefined;
  }

  write(bytes: Buffer): void {
    const { stdin } = this.#child;
    const took = (): void => this.#events.took(bytes.length);
    if (stdin?.writable) {
      stdin.write(bytes, took);
    } else {
      took();
    }
  }

  /** Writes lines of the client. @param hold stops and continues it: the server does not read */
  pass(bytes: Buffer, hold: (isHeld: boolean) => void): void {
    const { stdin } = this.#child;
    const check = (): void => hold(stdin?.writable === true && stdin.writableLength > windowBytes);
    stdin?.write(bytes, check);
    check();
  }

  close(): void {
    this.#child.stdin?.end();
  }

  signal(name: string): void {
    try {
      if (this.#child.pid !== undefined) {
        // The id belongs to the group of this child, which was not waited for while it runs, or to its other members.
        process.kill(-this.#child.pid, name as NodeJS.Signals);
      }
    } catch {
      // The group is empty.
    }
  }
}
