import { type ChildProcess, spawn } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { errorCode } from '../../base/errors.ts';
import type { IdKey } from '../message/envelope.ts';

/** A request in flight. */
export interface Pending {
  readonly method: string;
  /** The tool of a `tools/call`. */
  readonly tool?: string | undefined;
  /** `performance.now()` */
  readonly since: number;
  /** An earlier request with the same id, which the protocol forbids. */
  readonly more?: Pending | undefined;
}

/** Exit code or signal of a process that ended. */
export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** Bytes that come, as Node's streams give them. */
export interface MessageSource {
  /** @param take its second value says who has these bytes already, behind a relay of the host: true means the client, otherwise a server */
  on(event: 'data', take: (chunk: Buffer, reached?: boolean | ServerProcess) => void): unknown;
  once(event: 'end' | 'close' | 'error', take: () => void): unknown;
  pause(): unknown;
  resume(): unknown;
  destroy(): unknown;
}

/** Where bytes go, as Node's streams take them. */
export interface MessageSink {
  readonly writable: boolean;
  readonly writableLength: number;
  readonly writableNeedDrain: boolean;
  /** @returns whether the reader takes more for now */
  write(bytes: Buffer): boolean;
  cork(): void;
  uncork(): void;
  on(event: 'drain' | 'close', take: () => void): unknown;
}

/** One running server. */
export interface ServerProcess {
  readonly pid: number;
  readonly stdin: MessageSink;
  readonly stdout: MessageSource;
  /** Standard error of a server that another process started. */
  readonly errors?: MessageSource;
  /** Where the requests in flight are noted; for the host, which tells its relay. */
  readonly calls?: Map<IdKey, Pending>;
  /** For a server whose lines may reach the client without this process: resolves when all such lines were read here. None follow. */
  readonly apart?: () => Promise<void>;
  /** For a server that may get lines of the client without this process: resolves when all such lines were read here. None follow. */
  readonly shut?: () => Promise<void>;
  /** Ends its input. */
  closeInput(): void;
  /** Resolves when the process ended. More output may follow, from it or from processes below it. */
  readonly exited: Promise<Ended>;
  readonly ended: Ended | undefined;
  /** Signals the process group (POSIX) or the process (Windows). Never throws; does nothing when none of it is left. */
  signal(signal: NodeJS.Signals): void;
  /** Whether a process of the group still runs; zombies do not count. */
  isGroupAlive(): boolean;
}

export interface StartRequest {
  readonly command: string;
  readonly args: readonly string[];
  /** Open file descriptors that the server inherits as 3, 4 … */
  readonly inherited?: readonly number[];
  /** Gets the server's standard error; without it the server has the guard's own. */
  readonly errors?: ((output: MessageSource | null) => void) | undefined;
  /** Variables to add to the guard's environment. */
  readonly env?: Readonly<Record<string, string>>;
}

/** Starts the server in a process group of its own. Rejects with the system's error when it cannot be started. */
export async function startServer(request: StartRequest): Promise<ServerProcess> {
  const windows = process.platform === 'win32';
  // Only Windows needs help with `.cmd` files and quoting.
  const start = windows ? (await import('cross-spawn')).default.spawn : spawn;
  const child: ChildProcess = start(request.command, [...request.args], {
    stdio: ['pipe', 'pipe', request.errors ? 'pipe' : 'inherit', ...(request.inherited ?? [])],
    // A group of its own on POSIX; on Windows it would be a console of its own.
    detached: !windows,
    windowsHide: true,
    ...(request.env ? { env: { ...process.env, ...request.env } } : {}),
  });
  await new Promise<void>((resolve, reject) => {
    child.once('spawn', resolve);
    child.once('error', reject);
  });
  request.errors?.(child.stderr);
  return serverProcess(child);
}

function serverProcess(child: ChildProcess): ServerProcess {
  const { pid, stdin, stdout } = child;
  if (pid === undefined || !stdin || !stdout) {
    throw new Error('the server has no PID');
  }
  let ended: Ended | undefined;
  const exited = new Promise<Ended>((resolve) => {
    child.once('exit', (code, signal) => {
      ended = { code, signal };
      resolve(ended);
    });
  });
  // A signal that came too late; `exit` reports the end.
  child.on('error', () => undefined);
  stdin.on('error', () => undefined);
  stdout.on('error', () => undefined);
  return {
    pid,
    stdin,
    stdout,
    closeInput: () => stdin.end(),
    exited,
    get ended() {
      return ended;
    },
    signal(signal) {
      if (process.platform === 'win32') {
        child.kill(signal);
        return;
      }
      try {
        // The id belongs to this group while a member lives, and to the leader, a child of this process, until it was waited for.
        process.kill(-pid, signal);
      } catch {
        // The group is empty.
      }
    },
    isGroupAlive: () => (process.platform === 'win32' ? ended === undefined : isGroupAlive(pid)),
  };
}

/**
 * Whether a process of a group still runs. kill(2) also finds zombies, which stay when their parent does not wait for them. On Linux /proc tells them apart.
 * @param group its id, a positive number
 */
export function isGroupAlive(group: number): boolean {
  try {
    process.kill(-group, 0);
  } catch (error) {
    return errorCode(error) === 'EPERM';
  }
  return process.platform !== 'linux' || hasRunningMember(group);
}

function hasRunningMember(group: number): boolean {
  let pids: string[];
  try {
    pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  } catch {
    return true;
  }
  return pids.some((pid) => {
    try {
      const text = readFileSync(`/proc/${pid}/stat`, 'latin1');
      const [state, , pgrp] = text.slice(text.lastIndexOf(')') + 2).split(' ');
      return Number(pgrp) === group && state !== 'Z' && state !== 'X';
    } catch {
      // It ended in the meantime.
      return false;
    }
  });
}
