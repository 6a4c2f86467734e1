import type { Ended, ServerProcess } from '../guard/process/serverProcess.ts';
import { NotedCalls } from './notedCalls.ts';
import { RemoteSink, RemoteSource } from './remoteStreams.ts';

/** What the guard's own modules do; see `HostParts`. */
export interface ProcessChecks {
  isGroupAlive(group: number): boolean;
  /** Start time of a process; `-` where it cannot be read. */
  startOf(pid: number): string;
}

type Send = (kind: string, name: string, body?: Buffer | string) => void;

/** Time between two checks of a server whose relay is gone, ms. */
const checkMs = 100;

/** Of a relay. */
interface Answer {
  readonly over: Promise<void>;
  end(): void;
}

function answer(): Answer {
  let end = (): void => undefined;
  const over = new Promise<void>((resolve) => {
    end = resolve;
  });
  return { over, end };
}

/** A server that is the child of a relay. */
export class RemoteServer implements ServerProcess {
  readonly name: string;
  readonly pid: number;
  readonly stdin: RemoteSink;
  readonly stdout: RemoteSource;
  /** Standard error, where the session reads it. */
  readonly errors: RemoteSource = new RemoteSource(() => undefined);
  readonly calls: NotedCalls = new NotedCalls();
  readonly exited: Promise<Ended>;
  ended: Ended | undefined;
  readonly #send: Send;
  readonly #checks: ProcessChecks;
  /** Start time; `-` where it cannot be read. */
  readonly start: string;
  #exit: (ended: Ended) => void = () => undefined;
  /** The relay passes its lines to the client at once, and tells this process of them. */
  isDirect = false;
  /** Waits for the relay, which no longer does so. */
  #apart: Answer | undefined;
  /** It gets lines of the client without this process. */
  isOpen = false;
  #staysShut = false;
  /** Answers of the relay that it no longer does. */
  #due = 0;
  #shut: Answer | undefined;
  /** Signals that the relay has passed on by itself. */
  readonly #delivered = new Set<string>();
  /** `relay`: its relay signals it. `none`: its relay was killed, so this process does. `other`: it is no longer this host's. */
  #owner: 'relay' | 'none' | 'other' = 'relay';

  constructor(name: string, pid: number, send: Send, checks: ProcessChecks) {
    this.name = name;
    this.pid = pid;
    this.#send = send;
    this.#checks = checks;
    this.start = checks.startOf(pid);
    this.stdin = new RemoteSink((bytes) => send('lines', name, bytes));
    this.stdout = new RemoteSource((frames) => send('done', name, `${frames}`));
    this.exited = new Promise((resolve) => {
      this.#exit = resolve;
    });
  }

  /** From now on its lines reach the client only through this process. Resolves when the relay does so. */
  apart(): Promise<void> {
    if (!this.#apart) {
      this.#apart = answer();
      this.#send('direct', this.name);
    }
    return this.#apart.over;
  }

  /** From now on it gets lines of the client only from this process. Resolves when this process has read all others. */
  async shut(): Promise<void> {
    this.openFor(false);
    this.#staysShut = true;
    if (this.#due > 0) {
      this.#shut ??= answer();
      await this.#shut.over;
    }
  }

  /** The relay has answered. */
  isShut(): void {
    this.#due -= 1;
    if (this.#due <= 0) {
      this.#shut?.end();
    }
  }

  /** The relay has answered. */
  isApart(): void {
    this.#apart?.end();
  }

  /** Whether the relay may pass its lines to the client. @param isPlain the session would pass them unchanged */
  passDirectly(isPlain: boolean): void {
    const wanted = isPlain && !this.#apart;
    if (wanted !== this.isDirect) {
      this.isDirect = wanted;
      this.#send('direct', this.name, wanted ? 'on' : undefined);
    }
  }

  /** Whether it may get the client's lines without this process. @param isPlain the session would send them unchanged */
  openFor(isPlain: boolean): void {
    if (isPlain !== this.isOpen && !this.#staysShut) {
      this.isOpen = isPlain;
      this.#due += isPlain ? 0 : 1;
      this.#send('open', this.name, isPlain ? 'on' : undefined);
    }
  }

  closeInput(): void {
    this.#send('close', this.name);
  }

  signal(signal: NodeJS.Signals): void {
    if (this.#owner === 'relay') {
      if (!this.#delivered.delete(signal)) {
        this.#send('kill', this.name, signal);
      }
    } else if (this.#owner === 'none' && this.isGroupAlive()) {
      try {
        process.kill(-this.pid, signal);
      } catch {
        // The group is empty.
      }
    }
  }

  /** A leader with another start is another process. A group whose leader is gone keeps its id for as long as it has members. */
  isGroupAlive(): boolean {
    const start = this.#checks.startOf(this.pid);
    return this.#owner !== 'other' && (start === '-' || start === this.start) && this.#checks.isGroupAlive(this.pid);
  }

  delivered(signal: string): void {
    this.#delivered.add(signal);
  }

  /** @param how `code N` or `signal NAME` */
  end(how: string): void {
    const [kind, value = ''] = how.split(' ');
    this.ended ??= kind === 'signal' ? { code: null, signal: value as NodeJS.Signals } : { code: Number(value), signal: null };
    this.stdin.close();
    this.#exit(this.ended);
  }

  /** The connection to its relay is closed. @param killed the relay runs no more */
  lost(killed: boolean): void {
    this.#owner = killed ? 'none' : 'other';
    this.isApart();
    this.#due = 0;
    this.isShut();
    this.stdin.close();
    this.stdout.destroy();
    this.errors.destroy();
    if (!killed) {
      this.end('code 0');
      return;
    }
    const wait = setInterval(() => {
      if (!this.isGroupAlive()) {
        clearInterval(wait);
        this.end('code 0');
      }
    }, checkMs);
  }
}
