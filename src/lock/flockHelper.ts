import { spawn } from 'node:child_process';
import { errorCode, reasonOf } from '../base/errors.ts';
import { systemProgram } from '../base/runProgram.ts';

/** A program that locks the open file which it inherits as descriptor 3, and ends. A flock(2) lock belongs to the open file, so this process keeps it. */
export interface FlockHelper {
  readonly program: string;
  readonly args: readonly string[];
  /** Arguments that remove the lock. */
  readonly unlockArgs?: readonly string[];
}

/** Result of one attempt. `unavailable`: whether the lock is free is not known, so it must not be treated as free. */
type HelperAnswer = 'locked' | 'held' | { readonly unavailable: string };

const systemFolders: readonly string[] = [
  '/usr/bin',
  '/bin',
  '/usr/local/bin',
  '/run/current-system/sw/bin',
  '/data/data/com.termux/files/usr/bin',
];

const perlUnlockText = 'open(my $f, "+<&=", 3) or exit 71; flock($f, 8) or exit 71';
const pythonUnlockText = 'import fcntl; fcntl.flock(3, 8)';
/** Exit codes: 0 = locked, 1 = held by another process, others = failed. */
const perlText = 'open(my $f, "+<&=", 3) or exit 71; flock($f, 6) and exit 0; $! = $! + 0; exit($!{EWOULDBLOCK} ? 1 : 71)';
const pythonText = [
  'import fcntl, sys',
  'try: fcntl.flock(3, 6)',
  'except BlockingIOError: sys.exit(1)',
  'except OSError: sys.exit(71)',
].join('\n');

/** Fastest first (2 ms, 5 ms, 15 ms). */
const candidates: readonly FlockHelper[] = [
  { program: 'flock', args: ['-x', '-n', '3'], unlockArgs: ['-u', '3'] },
  { program: 'busybox', args: ['flock', '-x', '-n', '3'], unlockArgs: ['flock', '-u', '3'] },
  { program: 'perl', args: ['-MErrno', '-e', perlText], unlockArgs: ['-e', perlUnlockText] },
  { program: 'python3', args: ['-I', '-S', '-c', pythonText], unlockArgs: ['-I', '-S', '-c', pythonUnlockText] },
];

/** The helpers that this system has, fastest first. @param only names to choose from, for tests */
export function findFlockHelpers(folders: readonly string[] = systemFolders, only?: readonly string[]): FlockHelper[] {
  return candidates.flatMap(({ program, ...helper }) => {
    const path = systemProgram(program, folders);
    return path === undefined || only?.includes(program) === false ? [] : [{ program: path, ...helper }];
  });
}

/** A network file system may block the helper forever; only the helper's process hangs then. */
const timeoutMs = 2_000;

/**
 * Tries the helpers in turn until one answers. A helper that fails (not started, missing applet, refused by the system) is skipped.
 * @param fd an open file, which stays open and holds the lock when the answer is `locked` @param limitMs for each helper
 */
export async function flockByHelper(fd: number, helpers: readonly FlockHelper[], limitMs: number = timeoutMs): Promise<HelperAnswer> {
  let reason = 'none of flock, busybox, perl and python3 is in the system’s folders';
  for (const helper of helpers) {
    const answer = await run(helper, fd, limitMs);
    if (typeof answer === 'string') {
      return answer;
    }
    reason = answer.unavailable;
    if (answer.hung) {
      // The next one would hang too, and the first may still wait in the kernel with this file.
      break;
    }
  }
  return { unavailable: reason };
}

/**
 * Removes the lock of an open file, also for processes that inherited the file.
 * @returns whether a helper removed it
 */
export async function unlockByHelper(fd: number, helpers: readonly FlockHelper[], limitMs: number = timeoutMs): Promise<boolean> {
  for (const { program, unlockArgs } of helpers) {
    if (unlockArgs && (await run({ program, args: unlockArgs }, fd, limitMs)) === 'locked') {
      return true;
    }
  }
  return false;
}

function run(helper: FlockHelper, fd: number, limitMs: number): Promise<'locked' | 'held' | { unavailable: string; hung: boolean }> {
  return new Promise((resolve) => {
    const failed = (unavailable: string, hung = false): void => resolve({ unavailable: `${helper.program} ${unavailable}`, hung });
    const child = spawn(helper.program, helper.args, { stdio: ['ignore', 'ignore', 'ignore', fd], env: { LC_ALL: 'C' }, cwd: '/' });
    const timer = setTimeout(() => {
      child.kill('SIGKILL');
      child.unref();
      failed(`did not answer within ${limitMs} ms`, true);
    }, limitMs);
    child.once('error', (error) => {
      clearTimeout(timer);
      failed(`could not be started (${errorCode(error) ?? reasonOf(error)})`);
    });
    child.once('exit', (code, signal) => {
      clearTimeout(timer);
      if (code === 0) {
        resolve('locked');
      } else if (code === 1) {
        resolve('held');
      } else {
        failed(code === null ? `was ended by ${signal}` : `could not lock (exit code ${code})`);
      }
    });
  });
}
