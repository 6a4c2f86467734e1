import { type ChildProcess, spawn } from 'node:child_process';
import { LineSplitter } from '../../guard/message/lineSplitter.ts';
import type { EndingServer } from '../../guard/process/endServer.ts';
import type { Ended } from '../../guard/process/serverProcess.ts';
import type { Relay } from '../../guard/relay/relay.ts';
import { SharedLines } from './sharedLines.ts';
import { maxKept, SharedView } from './sharedView.ts';

/** A command in the place of the client that was first. */
export interface SharedCommand {
  readonly command: string;
  readonly args: readonly string[];
  readonly cwd: string;
  readonly env: Readonly<NodeJS.ProcessEnv>;
}

/** A session that has a part of the server. */
export interface Sharer {
  /** Restarts the session's server, which leaves this one. */
  restart(why: string): void;
  relay(): Relay | undefined;
  /** Carries it out when the relay knows what the session did until now. */
  later(act: () => void): void;
  /** Bytes for the standard error of the client. */
  passErrors(bytes: Buffer): void;
}

interface ServerOptions {
  /** See `isGroupAlive`. */
  isGroupAlive(group: number): boolean;
  /** No further client may share it. */
  unsafe(evidence: string): void;
  /** The last client has left. */
  left(server: SharedServer): void;
  ended(server: SharedServer): void;
}

/** After its end its output is read for this time, ms. */
const outputMs = 500;

/** One server for several clients, a child of this process. */
export class SharedServer {
  readonly pid: number;
  readonly exited: Promise<Ended>;
  readonly views = new Map<SharedView, Sharer>();
  /** Resolves when it has answered a request: what it says against being shared is known. Also when it has ended. */
  readonly answered: Promise<void>;
  ended: Ended | undefined;
  readonly #child: ChildProcess;
  readonly #options: ServerOptions;
  readonly #lines: SharedLines;
  readonly #writable: (() => void)[] = [];

  /** @throws the system's error when it cannot be started */
  static async start({ command, args, cwd, env }: SharedCommand, options: ServerOptions): Promise<SharedServer> {
    const child = spawn(command, [...args], { stdio: 'pipe', detached: true, cwd, env: { ...env } });
    await new Promise<void>((resolve, reject) => {
      child.once('spawn', resolve);
      child.once('error', reject);
    });
    return new SharedServer(child, options);
  }

  private constructor(child: ChildProcess, options: ServerOptions) {
    this.pid = child.pid ?? 0;
    this.#child = child;
    this.#options = options;
    let answer = (): void => undefined;
    this.answered = new Promise((resolve) => {
      answer = resolve;
    });
    this.#lines = new SharedLines({
      toServer: (line) => void child.stdin?.write(line),
      unsafe: options.unsafe,
      answered: answer,
      now: () => performance.now(),
    });
    const splitter = new LineSplitter(
      {
        line: (line) => this.#lines.fromServer(line),
        part: () => undefined,
        cut: () => undefined,
        // As when its output is closed: it can no longer answer.
        endless: () => child.stdout?.destroy(),
      },
      { kept: maxKept, longest: maxKept },
    );
    child.on('error', () => undefined);
    child.stdin?.on('error', () => undefined).on('drain', () => this.#drained());
    child.stdout?.on('error', () => undefined).on('data', (chunk: Buffer) => splitter.push(chunk));
    child.stderr?.on('error', () => undefined).on('data', (bytes: Buffer) => this.#errors(bytes));
    this.exited = new Promise((resolve) => {
      child.once('exit', (code, signal) => {
        this.ended = { code, signal };
        resolve(this.ended);
        // What it wrote last may still be in the pipe; a process below it may keep the pipe open.
        const timer = setTimeout(() => child.stdout?.destroy(), outputMs);
        child.once('close', () => clearTimeout(timer));
      });
    });
    child.stdout?.once('close', () => {
      this.process.signal('SIGTERM');
      void this.exited.then((ended) => this.#over(ended));
      answer();
    });
  }

  #over(ended: Ended): void {
    this.#drained();
    for (const view of this.views.keys()) {
      view.end(ended);
    }
    this.views.clear();
    this.#options.ended(this);
  }

  /** Its process, for those that end it. */
  get process(): EndingServer {
    const { pid, exited, ended } = this;
    return {
      ...{ exited, ended },
      closeInput: () => void this.#child.stdin?.end(),
      signal: (signal) => {
        try {
          // The id belongs to this group while a member lives, and to the leader, a child of this process, until it was waited for.
          process.kill(-pid, signal);
        } catch {
          // The group is empty.
        }
      },
      isGroupAlive: () => this.#options.isGroupAlive(pid),
    };
  }

  /** Requests of clients are in flight. */
  get isBusy(): boolean {
    return [...this.views.keys()].some(({ calls }) => calls.size > 0);
  }

  /** One more client. @param name of its part, in the ledger of its session */
  join(name: string, sharer: Sharer): SharedView {
    const view: SharedView = new SharedView({
      ...{ name, pid: this.pid },
      take: (line) => this.#lines.take(member, line),
      later: (act) => sharer.later(act),
      writable: (act) => (this.#child.stdin?.writableNeedDrain ? void this.#writable.push(act) : act()),
      left: () => {
        this.#lines.leave(member);
        this.views.delete(view);
        if (this.views.size === 0) {
          this.#options.left(this);
        }
      },
    });
    const member = this.#lines.join((line) => view.add(line));
    this.views.set(view, sharer);
    return view;
  }

  #drained(): void {
    for (const act of this.#writable.splice(0)) {
      act();
    }
  }

  /** What it writes to standard error belongs to no one client: the one that has it for the longest time gets it. */
  #errors(bytes: Buffer): void {
    const [first] = this.views;
    first?.[1].passErrors(bytes);
  }
}
