import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type LockDirectory, openLockDirectory } from '../../../src/lock/lockDirectory.ts';

/** A run folder for one test, and the processes that it started. */
export class LockHome {
  readonly root: string = mkdtempSync(join(tmpdir(), 'lock-home-'));
  readonly directory: LockDirectory;
  readonly #children: ChildProcess[] = [];

  /** @param base where the protocol's files are; below `root` when missing */
  constructor(base?: string) {
    const opened = openLockDirectory(base ?? join(this.root, 'run', 'v1'));
    if ('refused' in opened) {
      throw new Error(opened.refused);
    }
    this.directory = opened.directory;
  }

  /** @param env replaces ours; what it says on standard error is for the caller then */
  start(program: string, args: readonly string[], env?: NodeJS.ProcessEnv): ChildProcess & { readonly pid: number } {
    const child = spawn(program, args, { stdio: ['pipe', 'pipe', env ? 'pipe' : 'inherit'], env: env ?? process.env });
    this.adopt(child);
    const { pid } = child;
    if (pid === undefined) {
      throw new Error(`${program} did not start`);
    }
    return Object.assign(child, { pid });
  }

  /** Ends it with the others. */
  adopt(child: ChildProcess): void {
    this.#children.push(child);
  }

  /** A process that holds the flock of a file until its input ends. */
  async hold(path: string, program: readonly string[] = []): Promise<ChildProcess & { readonly pid: number }> {
    const [file = '', ...args] = [
      ...program,
      'perl',
      '-e',
      'open(my $f, "+>>", $ARGV[0]) or die; flock($f, 6) or die; $| = 1; print "held\n"; <STDIN>',
      path,
    ];
    const child = this.start(file, args);
    await new Promise((resolve, reject) => {
      child.stdout?.once('data', resolve);
      child.once('exit', () => reject(new Error('The holder ended')));
    });
    return child;
  }

  async clean(): Promise<void> {
    await Promise.all(this.#children.map(ended));
    rmSync(this.root, { recursive: true, force: true });
  }
}

/** Ends a process, and waits until it is gone. */
export function ended(child: ChildProcess): Promise<void> {
  return new Promise((resolve) => {
    if (child.exitCode !== null || child.signalCode !== null) {
      resolve();
    } else {
      child.once('exit', () => resolve());
      child.kill('SIGCONT');
      child.kill('SIGKILL');
    }
  });
}
