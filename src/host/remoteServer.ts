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
  #apart: { readonly over: Promise<void>; readonly end: () => void } | undefined;
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
      let end = (): void => undefined;
      const over = new Promise<void>((resolve) => {
        end = resolve;
      });
      this.#apart = { over, end };
      this.#send('direct', this.name);
    }
    return this.#apart.over;
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
