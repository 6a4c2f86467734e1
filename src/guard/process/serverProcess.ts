import { type ChildProcess, spawn } from 'node:child_process';
import type { Readable, Writable } from 'node:stream';
import { isGroupAlive } from './processGroup.ts';

/** How a process ended, as its parent learns it. */
export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** One running server. */
export interface ServerProcess {
  readonly pid: number;
  readonly stdin: Writable;
  readonly stdout: Readable;
  /** The end of its input; nothing where its input is our own. */
  closeInput(): void;
  /** Resolves when the process ended; its output may still come, from it or from processes below it. */
  readonly exited: Promise<Ended>;
  readonly ended: Ended | undefined;
  /** Signals the whole process group (POSIX) or the process (Windows). Never throws; does nothing once nobody of it is left. */
  signal(signal: NodeJS.Signals): void;
  /** Whether anybody of the process group still runs. A process that ended and was not waited for by its own parent counts as gone. */
  isGroupAlive(): boolean;
}

export interface StartRequest {
  readonly command: string;
  readonly args: readonly string[];
  /** Open files that the server inherits as descriptors 3, 4 … */
  readonly inherited?: readonly number[];
  /** `inherit`: the server gets our own standard input and output. */
  readonly stdio?: 'pipe' | 'inherit';
  /** Variables beside our own. */
  readonly env?: Readonly<Record<string, string>>;
}

/** Starts the server in a process group of its own. Rejects with the system's error when it cannot be started. */
export async function startServer(request: StartRequest): Promise<ServerProcess> {
  const mode = request.stdio ?? 'pipe';
  const windows = process.platform === 'win32';
  // Only Windows needs help with `.cmd` files and quoting.
  const start = windows ? (await import('cross-spawn')).default.spawn : spawn;
  const child: ChildProcess = start(request.command, [...request.args], {
    stdio: [mode, mode, 'inherit', ...(request.inherited ?? [])],
    // A group of its own on POSIX; on Windows it would be a console of its own.
    detached: !windows,
    windowsHide: true,
    ...(request.env ? { env: { ...process.env, ...request.env } } : {}),
  });
  await new Promise<void>((resolve, reject) => {
    child.once('spawn', resolve);
    child.once('error', reject);
  });
  return serverProcess(child);
}

function serverProcess(child: ChildProcess): ServerProcess {
  const { pid } = child;
  if (pid === undefined) {
    throw new Error('the server has no PID');
  }
  let ended: Ended | undefined;
  const exited = new Promise<Ended>((resolve) => {
    child.once('exit', (code, signal) => {
      ended = { code, signal };
      resolve(ended);
    });
  });
  // Errors of a signal that came too late; the exit tells the rest.
  child.on('error', () => undefined);
  child.stdin?.on('error', () => undefined);
  child.stdout?.on('error', () => undefined);
  return {
    pid,
    get stdin() {
      return present(child.stdin);
    },
    get stdout() {
      return present(child.stdout);
    },
    closeInput: () => child.stdin?.end(),
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
        // The number stays taken while anybody of the group lives, and the leader is our child: it cannot name a stranger before it was waited for.
        process.kill(-pid, signal);
      } catch {
        // Nobody is left.
      }
    },
    isGroupAlive: () => (process.platform === 'win32' ? ended === undefined : isGroupAlive(pid)),
  };
}

function present<T>(stream: T | null): T {
  if (stream === null) {
    throw new Error('the server has our own standard input and output');
  }
  return stream;
}
