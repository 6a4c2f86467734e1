import { closeSync, constants, fstatSync, lstatSync, openSync } from 'node:fs';
import { errorCode } from '../base/errors.ts';
import { type FlockHelper, findFlockHelpers, flockByHelper, unlockByHelper } from './flockHelper.ts';

/** How the kernel keeps the lock. The three exclude each other where they can meet on one system. */
export type LockMechanism = 'flock' | 'share0';

/** A lock that the kernel keeps for this process. It goes with the process, however that ends. */
export interface KernelLock {
  readonly path: string;
  readonly mechanism: LockMechanism;
  /** To hand to a child as its descriptor 3, when the lock shall live as long as the child. */
  readonly fd: number;
  /** Whether the path still names the file that is locked; false once somebody deleted or replaced it. */
  isIntact(): boolean;
  /** Lets go by closing. Safe to call twice. */
  release(): void;
  /**
   * Takes the lock away from all who inherited the open file as well, and closes it: for whoever handed it to a child, once that child is gone, so that a
   * stray descendant does not keep it. @returns whether it could; it is closed in any case
   */
  unlock(): Promise<boolean>;
}

export type LockAttempt =
  | { readonly status: 'locked'; readonly lock: KernelLock }
  | { readonly status: 'held' }
  /** Exclusion cannot be had here. It is neither free nor held: whoever needs exclusion must not go on. */
  | { readonly status: 'unavailable'; readonly reason: string }
  /** The lock file is not what it has to be. */
  | { readonly status: 'refused'; readonly reason: string };

export interface LockOptions {
  /** How long to try again while it is held, ms of the monotonic clock. Default: one try. */
  readonly waitMs?: number;
  /** Between two tries, at random. */
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

/** How long acquirers try by default: against the moments in which somebody looks, and on Windows against virus scanners. */
export const shortWaitMs: number = process.platform === 'win32' ? 2_000 : 300;

/**
 * Takes the exclusive kernel lock on a file, which is made when missing and never written, renamed or deleted.
 * No age and no record ever makes a held lock free. Never throws.
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

/** Somebody who deletes the file again and again cannot keep us here for ever. */
const replacedTries = 20;

async function tryOnce(path: string, options: LockOptions): Promise<LockAttempt> {
  for (let tries = 0; tries < replacedTries; tries += 1) {
    const attempt = await openAndLock(path, options);
    if (attempt.status !== 'locked' || attempt.lock.isIntact()) {
      return attempt;
    }
    // Deleted or replaced between open and lock: what we hold is a file without a name.
    attempt.lock.release();
  }
  return { status: 'refused', reason: `${path} is replaced again and again by somebody` };
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
    return { status: 'refused', reason: info.isFile() ? `${path} belongs to user ${info.uid}` : `${path} is no plain file` };
  }
  if (platform === 'win32' || platform === 'darwin') {
    const reason = platform === 'win32' ? secondOpenSucceeds(path, platform) : undefined;
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

/** What opening answers; on macOS and Windows it is the lock as well. */
function open(path: string, platform: NodeJS.Platform): { fd: number } | Exclude<LockAttempt, { status: 'locked' }> {
  const extra = platform === 'win32' ? windowsExclusive : platform === 'darwin' ? macExclusive : 0;
  const flags = constants.O_RDWR | constants.O_CREAT | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0) | extra;
  try {
    return { fd: openSync(path, flags, 0o600) };
  } catch (error) {
    const code = errorCode(error) ?? String(error);
    if (platform === 'win32' ? code === 'EBUSY' || code === 'EPERM' : code === 'EAGAIN' || code === 'EWOULDBLOCK') {
      return { status: 'held' };
    }
    if (['ENOLCK', 'ENOSYS', 'EOPNOTSUPP', 'ENOTSUP', 'EINVAL'].includes(code)) {
      return { status: 'unavailable', reason: `the file system of ${path} keeps no locks (${code})` };
    }
    return { status: 'refused', reason: `${path} cannot be opened (${code})` };
  }
}

/** Node does not export the flag of Windows: that it still means what it meant is tried out each time, at the cost of one open. */
function secondOpenSucceeds(path: string, platform: NodeJS.Platform): string | undefined {
  const second = open(path, platform);
  if (!('fd' in second)) {
    return undefined;
  }
  closeSync(second.fd);
  return 'this Node does not open files without sharing';
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
