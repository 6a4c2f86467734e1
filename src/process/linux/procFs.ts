import { closeSync, lstatSync, openSync, readdirSync, readlinkSync, readSync, statSync } from 'node:fs';
import { errorCode } from '../../base/errors.ts';
import type { FileNumbers } from '../../model/process.ts';

/** Metadata of a file. `device` is the number of the device that a device node stands for. */
interface ProcNode {
  readonly mode: number;
  readonly device: number;
}

/**
 * The reads of `/proc`. Each may throw an errno error, because the process has ended or belongs to another user. Synchronous: the kernel answers from memory, and
 * with promises the same scan took seven times as long.
 */
export interface ProcFs {
  names(path: string): readonly string[];
  /**
   * The first `limit` bytes as text; bytes that are not UTF-8 become U+FFFD. `cut` when there was more.
   * @param comes `at once`: the kernel returns the whole file in one read (`stat`, `status`, `cmdline`), so a short read is the end; other files come page by page
   */
  read(path: string, limit: number, comes?: 'at once'): { readonly text: string; readonly cut: boolean };
  bytes(path: string, limit: number): Buffer;
  link(path: string): string;
  /** User id of the owner. */
  owner(path: string): number;
  /** Mode of the link itself. For `fd/N` it shows whether the descriptor is open for reading or writing. */
  linkMode(path: string): number;
  /** Kind of the link's target; opens nothing. */
  node(path: string): ProcNode;
  /** Device and inode of the link's target; opens nothing. */
  file(path: string): FileNumbers;
}

/** One buffer for all reads: each result is copied before the next read. */
let buffer = Buffer.allocUnsafe(64 * 1024);

/** Reads until the end or the limit, because files in /proc have no size. @returns number of bytes in `buffer` */
function fill(path: string, limit: number, comes?: 'at once'): number {
  const fd = openSync(path, 'r');
  try {
    let length = 0;
    for (;;) {
      const wanted = Math.min(buffer.length, limit) - length;
      const count = readSync(fd, buffer, length, wanted, null);
      length += count;
      if (count === 0 || length >= limit || (comes === 'at once' && count < wanted)) {
        return length;
      }
      if (length === buffer.length) {
        buffer = Buffer.concat([buffer], buffer.length * 2);
      }
    }
  } finally {
    closeSync(fd);
  }
}

/** The real file system. */
export const kernelProcFs: ProcFs = {
  names: (path) => readdirSync(path),
  read(path, limit, comes) {
    // One byte more shows whether the file is longer.
    const length = fill(path, limit + 1, comes);
    return { text: buffer.toString('utf8', 0, Math.min(length, limit)), cut: length > limit };
  },
  bytes(path, limit) {
    const length = fill(path, limit);
    return Buffer.from(buffer.subarray(0, length));
  },
  link: (path) => readlinkSync(path),
  owner: (path) => statSync(path).uid,
  linkMode: (path) => lstatSync(path).mode,
  node(path) {
    const { mode, rdev } = statSync(path);
    return { mode, device: rdev };
  },
  file(path) {
    const { dev, ino, size } = statSync(path);
    return { device: dev, inode: ino, size };
  },
};

/** Why a read failed: the process, or that part of it, is gone; permission is denied; another error. */
export type ProcFailure = 'gone' | 'denied' | 'failed';

function failureOf(error: unknown): ProcFailure {
  switch (errorCode(error)) {
    // ESRCH: the process ended after the file was opened.
    case 'ENOENT':
    case 'ESRCH':
      return 'gone';
    case 'EACCES':
    case 'EPERM':
      return 'denied';
    default:
      return 'failed';
  }
}

/** Whether this program has run out of descriptors or memory: then a process that cannot be read is not gone. */
export function isOutOfResources(error: unknown): boolean {
  return ['EMFILE', 'ENFILE', 'ENOMEM'].includes(errorCode(error) ?? '');
}

export type Attempt<T> = { readonly value: T } | { readonly failure: ProcFailure };

/** The result of a read, or why it failed. */
export function attempt<T>(read: () => T): Attempt<T> {
  try {
    return { value: read() };
  } catch (error) {
    return { failure: failureOf(error) };
  }
}

/** The result of a read, or undefined when it fails. */
export function orNothing<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}
