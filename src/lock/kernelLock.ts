import { closeSync, constants, fstatSync, lstatSync, openSync } from 'node:fs';
import { errorCode, reasonOf } from '../base/errors.ts';
import { because } from '../base/language/because.ts';
import { type FlockHelper, findFlockHelpers, flockByHelper, unlockByHelper } from './flockHelper.ts';

/** How the kernel keeps the lock: flock(2), or on Windows a file that is open without sharing. */
type LockMechanism = 'flock' | 'share0';

/** A lock that the kernel keeps until this process ends, in whatever way. */
export interface KernelLock {
  readonly path: string;
  readonly mechanism: LockMechanism;
  /** The open file. A child that inherits it holds the lock too. */
  readonly fd: number;
  /** Whether the path still names the locked file; false when the file was deleted or replaced. */
  isIntact(): boolean;
  /** Closes the file; the lock is free unless a child inherited it. Safe to call twice. */
  release(): void;
  /**
   * Removes the lock for all processes that inherited the open file, and closes it. For a lock that a child inherited, when the child has ended: its
   * descendants may still have the file open. @returns whether the lock was removed; the file is closed in any case
   */
  unlock(): Promise<boolean>;
}

export type LockAttempt =
  | { readonly status: 'locked'; readonly lock: KernelLock }
  | { readonly status: 'held' }
  /** This system or file system offers no such lock. A caller that needs exclusion must not continue. */
  | { readonly status: 'unavailable'; readonly reason: string }
  /** The lock file is a link or a directory, belongs to another user, or cannot be opened. */
  | { readonly status: 'refused'; readonly reason: string };

export interface LockOptions {
  /** How long to try again while it is held, ms of the monotonic clock. Default: one attempt. */
  readonly waitMs?: number;
  /** Between two attempts, random between these two, ms. */
  readonly pauseMs?: readonly [number, number];
  readonly signal?: AbortSignal;
  /** Replaced in tests only. */
  readonly platform?: NodeJS.Platform;
  readonly helpers?: readonly FlockHelper[];
  readonly helperLimitMs?: number;
}

/** `O_EXLOCK` of macOS's <fcntl.h>: open and flock in one step. */
const macExclusive = 0x20;
/** `UV_FS_O_EXLOCK` of libuv on Windows (uv/win.h): no sharing, so that a second open fails. */
const windowsExclusive = 0x1000_0000;

/** How long to try by default, ms: another process may hold the lock for a moment to test it, and on Windows a virus scanner may open the file. */
export const shortWaitMs: number = process.platform === 'win32' ? 2_000 : 300;

/**
 * Takes the exclusive kernel lock on a file, which is created when missing and never written, renamed or deleted.
 * A held lock stays held, whatever its age and whatever a record says. Never throws.
 */
export async function lockFile(path: string, options: LockOptions = {}): Promise<LockAttempt> {
  const { waitMs = 0, pauseMs = [20, 60], signal } = options;
  const until = performance.now() + waitMs;
  for (;;) {
    const attempt = await tryOnce(path, options);
    const left = until - performance.now();
    if (attempt.status !== 'held' || left <= 0 || signal?.aborted) {
      return attempt;
    }
    const pause = pauseMs[0] + Math.random() * (pauseMs[1] - pauseMs[0]);
    await new Promise((resolve) => setTimeout(resolve, Math.min(pause, left)));
  }
}

/** When another process keeps deleting the file, the attempt fails after this many times. */
const maxReplacements = 20;

async function tryOnce(path: string, options: LockOptions): Promise<LockAttempt> {
  for (let tries = 0; tries < maxReplacements; tries += 1) {
    const attempt = await openAndLock(path, options);
    if (attempt.status !== 'locked' || attempt.lock.isIntact()) {
      return attempt;
    }
    // The file was deleted or replaced between open and lock.
    attempt.lock.release();
  }
  return { status: 'refused', reason: because`${path} is replaced repeatedly by another process` };
}

async function openAndLock(path: string, options: LockOptions): Promise<LockAttempt> {
  const platform = options.platform ?? process.platform;
  const opened = open(path, platform);
  if (!('fd' in opened)) {
    return opened;
  }
  const { fd } = opened;
  const info = fstatSync(fd);
  const uid = platform === 'win32' ? undefined : process.geteuid?.();
  if (!info.isFile() || (uid !== undefined && info.uid !== uid)) {
    closeSync(fd);
    return {
      status: 'refused',
      reason: info.isFile() ? because`${path} belongs to user ${info.uid}` : because`${path} is not a regular file`,
    };
  }
  if (info.nlink > 1) {
    // By a hard link, another program's own lock file would look as if that program held this lock.
    closeSync(fd);
    return { status: 'refused', reason: because`${path} has several names (hard links): remove it` };
  }
  if (platform === 'win32' || platform === 'darwin') {
    const reason = platform === 'win32' ? sharingFault(path, platform) : undefined;
    if (reason !== undefined) {
      closeSync(fd);
      return { status: 'unavailable', reason };
    }
    return { status: 'locked', lock: kernelLock(path, fd, platform === 'win32' ? 'share0' : 'flock', findFlockHelpers) };
  }
  const helpers = options.helpers ?? findFlockHelpers();
  const answer = await flockByHelper(fd, helpers, options.helperLimitMs);
  if (answer === 'locked') {
    return { status: 'locked', lock: kernelLock(path, fd, 'flock', () => helpers) };
  }
  closeSync(fd);
  return answer === 'held' ? { status: 'held' } : { status: 'unavailable', reason: answer.unavailable };
}

/** Opens the file; on macOS and Windows this also takes the lock. */
function open(path: string, platform: NodeJS.Platform): { fd: number } | Exclude<LockAttempt, { status: 'locked' }> {
  const extra = platform === 'win32' ? windowsExclusive : platform === 'darwin' ? macExclusive : 0;
  const flags = constants.O_RDWR | constants.O_CREAT | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0) | extra;
  try {
    return { fd: openSync(path, flags, 0o600) };
  } catch (error) {
    const code = errorCode(error) ?? reasonOf(error);
    if (platform === 'win32' ? code === 'EBUSY' || code === 'EPERM' : code === 'EAGAIN' || code === 'EWOULDBLOCK') {
      return { status: 'held' };
    }
    if (['ENOLCK', 'ENOSYS', 'EOPNOTSUPP', 'ENOTSUP', 'EINVAL'].includes(code)) {
      return { status: 'unavailable', reason: because`the file system of ${path} does not support locks (${code})` };
    }
    return { status: 'refused', reason: because`${path} cannot be opened (${code})` };
  }
}

/** Node does not export the Windows flag, so each lock checks that a second open fails. @returns why it is no lock */
function sharingFault(path: string, platform: NodeJS.Platform): string | undefined {
  const second = open(path, platform);
  if (!('fd' in second)) {
    return undefined;
  }
  closeSync(second.fd);
  return 'this version of Node does not open files without sharing';
}

function kernelLock(path: string, fd: number, mechanism: LockMechanism, helpers: () => readonly FlockHelper[]): KernelLock {
  let released = false;
  const release = (): void => {
    if (!released) {
      released = true;
      closeSync(fd);
    }
  };
  return {
    path,
    mechanism,
    fd,
    isIntact() {
      try {
        const held = fstatSync(fd, { bigint: true });
        const named = lstatSync(path, { bigint: true });
        return !released && held.nlink > 0n && held.ino === named.ino && held.dev === named.dev;
      } catch {
        return false;
      }
    },
    release,
    async unlock() {
      try {
        return !released && mechanism === 'flock' && (await unlockByHelper(fd, helpers()));
      } finally {
        release();
      }
    },
  };
}
