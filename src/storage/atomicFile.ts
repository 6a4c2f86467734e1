import { closeSync, constants, fstatSync, linkSync, lstatSync, openSync, readSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { errorCode } from '../base/errors.ts';
import { systemRandom } from '../base/random.ts';
import { ownUser } from './privateFolder.ts';

/** The whole text of a small file, or why it was not read. `absent` is not a fault: other programs create and delete files. */
type WholeFile =
  | { readonly text: string; readonly modifiedAt: number }
  | { readonly problem: 'absent' | 'no plain file' | 'of another user' | 'too large' | 'no UTF-8' | 'unreadable' };

/**
 * Reads a file that any program may have created: never follows a link, never waits for a pipe's writer, never reads more than `maxBytes`. Never throws.
 * @param owners the accepted owners; undefined = any owner
 */
export function readWhole(file: string, maxBytes: number, owners?: number | readonly number[]): WholeFile {
  let descriptor: number | undefined;
  try {
    // Most of these files do not exist, and an error costs ten times as much as this call.
    if (lstatSync(file, { throwIfNoEntry: false }) === undefined) {
      return { problem: 'absent' };
    }
    descriptor = openSync(file, constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0));
    const info = fstatSync(descriptor);
    if (!info.isFile()) {
      return { problem: 'no plain file' };
    }
    if (owners !== undefined && ![owners].flat().includes(info.uid)) {
      return { problem: 'of another user' };
    }
    if (info.size > maxBytes) {
      return { problem: 'too large' };
    }
    // One byte more than the size, so that a file that grew since fstat is noticed.
    const bytes = Buffer.alloc(info.size + 1);
    let length = 0;
    for (let count = -1; count !== 0 && length < bytes.length; length += count) {
      count = readSync(descriptor, bytes, length, bytes.length - length, null);
    }
    const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes.subarray(0, length));
    return { text, modifiedAt: info.mtimeMs };
  } catch (error) {
    return { problem: problemOf(error) };
  } finally {
    if (descriptor !== undefined) {
      closeSync(descriptor);
    }
  }
}

/** The same for a file of our own state: its owner is this user, or root (a command that ran with sudo). */
export function readOwn(file: string, maxBytes: number): WholeFile {
  const uid = ownUser();
  return readWhole(file, maxBytes, uid === undefined ? undefined : [uid, 0]);
}

/**
 * Opens a file of our own state, of any size, for one use, which reads bounded parts of it: a plain file (no link) of this user or of root.
 * @returns undefined for any other @throws the system's error when it cannot be opened, and what `use` throws
 */
export function withOwnFile<T>(file: string, use: (handle: number, size: number) => T): T | undefined {
  const descriptor = openSync(file, constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0));
  try {
    const info = fstatSync(descriptor);
    const uid = ownUser();
    return info.isFile() && (uid === undefined || [uid, 0].includes(info.uid)) ? use(descriptor, info.size) : undefined;
  } finally {
    closeSync(descriptor);
  }
}

function problemOf(error: unknown): Extract<WholeFile, { problem: string }>['problem'] {
  switch (errorCode(error)) {
    case 'ENOENT':
    case 'ENOTDIR':
      return 'absent';
    // ELOOP and EMLINK: O_NOFOLLOW met a link. ENXIO: a socket.
    case 'ELOOP':
    case 'EMLINK':
    case 'ENXIO':
      return 'no plain file';
    case 'ERR_ENCODING_INVALID_ENCODED_DATA':
      return 'no UTF-8';
    default:
      return 'unreadable';
  }
}

/** Replaces a file by rename, so that readers see the whole old or the whole new text. Only this user may read it. @throws on I/O errors */
export function writeWhole(file: string, text: string): void {
  const temporary = temporaryFor(file, text);
  try {
    renamePatiently(temporary, file);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw error;
  }
}

/** On Windows virus scanners and editors keep files open for a moment; a rename over such a file fails until they close it. */
const renameTries = 20;

/** Renames a file over another. On Windows a file that another program keeps open is tried 20 times, 10 ms apart. @throws what the system throws */
export function renamePatiently(from: string, to: string): void {
  for (let tries = 1; ; tries += 1) {
    try {
      renameSync(from, to);
      return;
    } catch (error) {
      if (process.platform !== 'win32' || tries === renameTries || !['EPERM', 'EBUSY', 'EACCES'].includes(errorCode(error) ?? '')) {
        throw error;
      }
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 10);
    }
  }
}

/** Writes a file only if it does not exist; of several processes, one succeeds. @returns whether this call wrote it @throws on I/O errors other than "exists" */
export function writeWholeOnce(file: string, text: string): boolean {
  const temporary = temporaryFor(file, text);
  try {
    linkSync(temporary, file);
    return true;
  } catch (error) {
    if (errorCode(error) === 'EEXIST') {
      return false;
    }
    throw error;
  } finally {
    rmSync(temporary, { force: true });
  }
}

function temporaryFor(file: string, text: string): string {
  const temporary = `${file}.${systemRandom(6).toString('hex')}.tmp`;
  try {
    writeFileSync(temporary, text, { mode: 0o600, flag: 'wx' });
  } catch (error) {
    // A full disk leaves an empty or incomplete file behind.
    rmSync(temporary, { force: true });
    throw error;
  }
  return temporary;
}
