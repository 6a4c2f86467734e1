import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { sawOutput } from '../../everySnapshot.ts';
import { shippedProgram } from '../shippedProgram.ts';

/** Puts the command line as it ships into a folder. @returns path of the program */
export function buildCli(folder: string): Promise<string> {
  return shippedProgram('cli', folder);
}

/** The same with the guard beside it, which the command line starts. @returns path of the command line */
export async function buildPrograms(folder: string): Promise<string> {
  await shippedProgram('guard', folder);
  return buildCli(folder);
}

/** Node programs of this machine by major version: the one that runs the tests and those on PATH. */
export function nodesByMajor(): ReadonlyMap<number, string> {
  const found = new Map<number, string>();
  const named = (process.env.PATH ?? '').split(delimiter).filter((folder) => folder !== '' && hasNode(folder));
  for (const program of [process.execPath, ...named.map((folder) => join(folder, process.platform === 'win32' ? 'node.exe' : 'node'))]) {
    const major = Number(/^v(\d+)\./.exec(spawnSync(program, ['--version'], { encoding: 'utf8' }).stdout ?? '')?.[1]);
    if (major && !found.has(major)) {
      found.set(major, program);
    }
  }
  return found;
}

function hasNode(folder: string): boolean {
  try {
    return readdirSync(folder).some((name) => name === 'node' || name === 'node.exe');
  } catch {
    return false;
  }
}

export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A command line that runs, with what it has said so far. */
export class RunningCli {
  readonly child: ChildProcess;
  stdout = '';
  stderr = '';
  readonly #ended: Promise<Ended>;
  readonly #wakers = new Set<() => void>();

  constructor(
    node: string,
    bundle: string,
    args: readonly string[],
    options: { readonly cwd: string; readonly env: NodeJS.ProcessEnv; readonly uid?: number; readonly gid?: number },
  ) {
    this.child = spawn(node, [bundle, ...args], { ...options, stdio: ['ignore', 'pipe', 'pipe'] });
    this.child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      this.stdout += text;
      this.#wake();
    });
    this.child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.stderr += text;
    });
    this.#ended = new Promise((resolve, reject) => {
      this.child.once('error', reject);
      this.child.once('close', (code, signal) => {
        sawOutput(this.stdout);
        sawOutput(this.stderr);
        resolve({ code, signal, stdout: this.stdout, stderr: this.stderr });
        this.#wake();
      });
    });
  }

  /** Waits until stdout fits. @throws when the program ends before, with what it said */
  async until(fits: (stdout: string) => boolean): Promise<void> {
    while (!fits(this.stdout)) {
      if (this.child.exitCode !== null || this.child.signalCode !== null) {
        throw new Error(`ended with ${this.child.exitCode ?? this.child.signalCode}:\n${this.stdout}\n${this.stderr}`);
      }
      await new Promise<void>((resolve) => this.#wakers.add(resolve));
    }
  }

  ended(): Promise<Ended> {
    return this.#ended;
  }

  #wake(): void {
    for (const waker of this.#wakers) {
      waker();
    }
    this.#wakers.clear();
  }
}
