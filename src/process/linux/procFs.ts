import { closeSync, lstatSync, openSync, readdirSync, readlinkSync, readSync, statSync } from 'node:fs';
import { errorCode } from '../../base/errors.ts';
import type { FileNumbers } from '../../model/process.ts';

/** What a file says of itself. `device` is the device that a device node stands for. */
interface ProcNode {
  readonly mode: number;
  readonly device: number;
}

/**
 * The few looks that the reader of `/proc` takes, each of which may throw an errno error because the process ended a moment ago or
 * belongs to somebody else. Synchronous on purpose: the kernel answers from memory, and promises made the same scan seven times slower.
 */
export interface ProcFs {
  names(path: string): readonly string[];
  /**
   * The first `limit` bytes as text; bytes that are not UTF-8 become U+FFFD. `cut` when there was more.
   * @param comes `at once`: a file that the kernel gives whole in one read (`stat`, `status`, `cmdline`), so that a short one is its end; others come in pieces of a page
   */
  read(path: string, limit: number, comes?: 'at once'): { readonly text: string; readonly cut: boolean };
  bytes(path: string, limit: number): Buffer;
  link(path: string): string;
  /** User id that a file belongs to. */
  owner(path: string): number;
  /** Of the link itself: for `fd/N` the mode tells whether it is open for reading or writing. */
  linkMode(path: string): number;
  /** Of what the link leads to; opens nothing. */
  node(path: string): ProcNode;
  /** Of what the link leads to; opens nothing. */
  file(path: string): FileNumbers;
}

/** One buffer for all reads: they are synchronous, and each answer is copied out before the next. */
let buffer = Buffer.allocUnsafe(64 * 1024);

/** Files in /proc have no size: read until the end or the limit. @returns number of bytes in `buffer` */
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

/** The kernel's own. */
export const kernelProcFs: ProcFs = {
  names: (path) => readdirSync(path),
  read(path, limit, comes) {
    // One byte more than asked for tells whether there is more.
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

/** Why a look failed: the process (or that part of it) is not there any more, it is refused, or the look itself could not be taken. */
export type ProcFailure = 'gone' | 'denied' | 'failed';

/** @param error what a look threw @returns the reason in our words */
function failureOf(error: unknown): ProcFailure {
  switch (errorCode(error)) {
    // ESRCH is what reading gives when the process ended after the file was opened.
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

/** Whether we ourselves have run out of descriptors or memory: then nothing that is not seen is gone. */
export function isOutOfResources(error: unknown): boolean {
  return ['EMFILE', 'ENFILE', 'ENOMEM'].includes(errorCode(error) ?? '');
}

export type Attempt<T> = { readonly value: T } | { readonly failure: ProcFailure };

/** A look that may fail: its answer, or why there is none. */
export function attempt<T>(look: () => T): Attempt<T> {
  try {
    return { value: look() };
  } catch (error) {
    return { failure: failureOf(error) };
  }
}

/** A look whose failure does not matter more than that there is no answer. */
export function orNothing<T>(look: () => T): T | undefined {
  try {
    return look();
  } catch {
    return undefined;
  }
}
