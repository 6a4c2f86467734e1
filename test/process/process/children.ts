import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process';
import { readdirSync, readlinkSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { setTimeout as pause } from 'node:timers/promises';
import type { ProcessRow, ProcessTable } from '../../../src/model/process.ts';

/** Real processes of one test file; `end` ends all of them. */
export class Children {
  readonly #started = new Set<ChildProcess>();
  readonly #others = new Set<number>();

  /** Starts a program; when this resolves, the program has replaced the copy of ours (Node waits for the exec). */
  async start(file: string, args: readonly string[], options: SpawnOptions = {}): Promise<ChildProcess & { readonly pid: number }> {
    const child = spawn(file, args, { stdio: 'ignore', ...options });
    this.#started.add(child);
    await new Promise((resolve, reject) => child.once('spawn', resolve).once('error', reject));
    return child as ChildProcess & { readonly pid: number };
  }

  /** Starts a program that prints the PID of a process that it has started; both are ended by `end`. */
  async startClient(
    file: string,
    args: readonly string[],
  ): Promise<{ readonly client: ChildProcess & { readonly pid: number }; readonly pid: number }> {
    const client = await this.start(file, args, { stdio: ['pipe', 'pipe', 'inherit'] });
    const pid = Number(await firstLine(client));
    this.remember(pid);
    return { client, pid };
  }

  /** A process that another one of ours has started. */
  remember(pid: number): void {
    // 0 and negative numbers are process groups, our own among them.
    if (!Number.isSafeInteger(pid) || pid <= 1) {
      throw new Error(`${pid} is not the PID of a child.`);
    }
    this.#others.add(pid);
  }

  async end(): Promise<void> {
    const alive = [...this.#started].filter((child) => child.exitCode === null && child.signalCode === null);
    const gone = alive.map((child) => new Promise((resolve) => child.once('exit', resolve)));
    for (const pid of this.#others) {
      try {
        process.kill(pid, 'SIGKILL');
      } catch {
        // It went by itself.
      }
    }
    for (const child of alive) {
      child.kill('SIGKILL');
    }
    await Promise.all(gone);
    this.#started.clear();
    this.#others.clear();
  }
}

/** The first line that a child prints. */
export async function firstLine(child: ChildProcess): Promise<string> {
  if (!child.stdout) {
    throw new Error('The child has no pipe for its output.');
  }
  for await (const line of createInterface({ input: child.stdout })) {
    return line;
  }
  throw new Error('The child ended without a line.');
}

/** Kills a process of ours and waits until it is reaped. */
export async function kill(child: ChildProcess): Promise<void> {
  const gone = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGKILL');
  await gone;
}

/** Reads again until the value is the wanted one or the time is over. @returns the last value, for the assertion to judge */
export async function readUntil<T>(read: () => Promise<T>, wanted: (value: T) => boolean, withinMs = 20_000): Promise<T> {
  const end = performance.now() + withinMs;
  for (;;) {
    const value = await read();
    if (wanted(value) || performance.now() > end) {
      return value;
    }
    await pause(20);
  }
}

/** The row of a PID. @throws when it is not in the list */
export async function rowOf(table: ProcessTable, pid: number): Promise<ProcessRow> {
  const row = (await table.list()).find((one) => one.pid === pid);
  if (!row) {
    throw new Error(`PID ${pid} is not in the list.`);
  }
  return row;
}

/**
 * Whether it can be proven here that no process holds the other end of a pipe. A first process whose files may not be read may hold it, unless it is a plain init.
 * In a PID namespace of the tests' own it is one of ours.
 */
export function deadPipesCanBeProven(): boolean {
  const refused = readdirSync('/proc/1/fd').some((fd) => {
    try {
      readlinkSync(`/proc/1/fd/${fd}`);
      return false;
    } catch (error) {
      // The descriptor that lists the directory, if it is our own, is closed by now.
      return !(error instanceof Error && 'code' in error && error.code === 'ENOENT');
    }
  });
  if (refused) {
    console.log('skipped: the first process may hold the other end of a pipe and may not be read; run in a PID namespace');
  }
  return !refused;
}
