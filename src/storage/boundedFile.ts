import { closeSync, constants, fstatSync, openSync, readSync, realpathSync, type Stats, statSync } from 'node:fs';
import { errorCode } from '../base/errors.ts';
import { isRecord } from '../base/json.ts';

/** Far more than any installer writes into a metadata file. */
const maxMetadataBytes = 4 * 1024 * 1024;

export type FileRead =
  | { readonly status: 'ok'; readonly text: string; readonly stat: Stats }
  | { readonly status: 'absent'; readonly reason: string }
  | { readonly status: 'unreadable'; readonly reason: string };

/** The kind of thing at a path. `absent` means that the system said so, never that it refused access. */
type PathState =
  | { readonly status: 'ok'; readonly stat: Stats }
  | { readonly status: 'absent'; readonly reason: string }
  | { readonly status: 'unreadable'; readonly reason: string };

/** Asks what is at a path, links followed. Never throws. */
export function statPath(path: string): PathState {
  try {
    const stat = statSync(path, { throwIfNoEntry: false });
    return stat ? { status: 'ok', stat } : { status: 'absent', reason: `${path} does not exist` };
  } catch (error) {
    return failure(path, error);
  }
}

/**
 * Reads a regular file of at most `maxBytes` as UTF-8, without a byte order mark. Named pipes, devices, sockets, directories, loops of links and larger files are
 * refused without being opened, because opening some of them blocks or has effects. Never throws.
 */
export function readBounded(path: string, maxBytes = maxMetadataBytes): FileRead {
  const read = readBytes(path, maxBytes);
  if (read.status !== 'ok') {
    return read;
  }
  const text = read.bytes.toString('utf8');
  return { status: 'ok', text: text.charCodeAt(0) === 0xfeff ? text.slice(1) : text, stat: read.stat };
}

/**
 * The same, with the bytes as they are in the file. Bytes and `stat` belong to the file that was opened, even if another process replaces it during the call.
 * @param flags added to the flags of open(2): with `O_NOFOLLOW` a path that is itself a link is refused
 */
export function readBytes(
  path: string,
  maxBytes = maxMetadataBytes,
  flags = 0,
): Exclude<FileRead, { status: 'ok' }> | { readonly status: 'ok'; readonly bytes: Buffer; readonly stat: Stats } {
  const seen = statPath(path);
  if (seen.status !== 'ok') {
    return seen;
  }
  const refusal = refuse(path, seen.stat, maxBytes);
  if (refusal) {
    return refusal;
  }
  try {
    return opened(
      path,
      (handle, stat) => refuse(path, stat, maxBytes) ?? { status: 'ok', bytes: readAll(handle, stat.size, maxBytes), stat },
      flags,
    );
  } catch (error) {
    return failure(path, error);
  }
}

/** Opens what may be any file. O_NONBLOCK: a pipe may have replaced the file since it was looked at. @throws the system's error */
function opened<T>(path: string, use: (handle: number, stat: Stats) => T, flags = 0): T {
  const handle = openSync(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0) | flags);
  try {
    return use(handle, fstatSync(handle));
  } finally {
    closeSync(handle);
  }
}

/**
 * Opens a regular file of any size for one use, which reads bounded parts of it. Links are followed; other kinds of files are not opened.
 * @returns undefined when there is no regular file @throws the system's error when it cannot be opened, and what `use` throws
 */
export function withFile<T>(path: string, use: (handle: number, stat: Stats) => T): T | undefined {
  return statSync(path, { throwIfNoEntry: false })?.isFile()
    ? opened(path, (handle, stat) => (stat.isFile() ? use(handle, stat) : undefined))
    : undefined;
}

/** The first bytes of a regular file of any size; undefined for other files and when it cannot be read. Never throws. */
export function readStart(path: string, bytes: number): Buffer | undefined {
  try {
    return withFile(path, (handle) => {
      const buffer = Buffer.alloc(bytes);
      return buffer.subarray(0, readSync(handle, buffer, 0, bytes, 0));
    });
  } catch {
    return undefined;
  }
}

function readAll(handle: number, size: number, maxBytes: number): Buffer {
  // One byte more than the size, so that a file that grows in between is read up to the limit and no further.
  const buffer = Buffer.allocUnsafe(Math.min(size + 1, maxBytes));
  let used = 0;
  while (used < buffer.length) {
    const wanted = buffer.length - used;
    const count = readSync(handle, buffer, used, wanted, used);
    used += count;
    // A read that gives less than it was asked for has met the end, where all is read that the file had.
    if (count === 0 || (count < wanted && used >= size)) {
      break;
    }
  }
  return buffer.subarray(0, used);
}

function refuse(path: string, stat: Stats, maxBytes: number): Exclude<FileRead, { status: 'ok' }> | undefined {
  if (!stat.isFile()) {
    const what = stat.isDirectory() ? 'a directory' : stat.isFIFO() ? 'a named pipe' : 'not a regular file';
    return { status: 'unreadable', reason: `${path} is ${what}` };
  }
  return stat.size > maxBytes ? { status: 'unreadable', reason: `${path} is too large (${stat.size} bytes)` } : undefined;
}

/** The path with all links followed; undefined when it leads to nothing that can be seen. Never throws. */
export function realPath(path: string): string | undefined {
  try {
    return realpathSync.native(path);
  } catch {
    return undefined;
  }
}

/** The state and the reason for an error of the file system. The error's own message is not passed on. */
export function failure(path: string, error: unknown): { readonly status: 'absent' | 'unreadable'; readonly reason: string } {
  const code = errorCode(error) ?? 'unknown error';
  switch (code) {
    case 'ENOENT':
    case 'ENOTDIR':
      return { status: 'absent', reason: `${path} does not exist` };
    case 'ELOOP':
      return { status: 'unreadable', reason: `${path} is a link that is not followed, or a loop of links` };
    case 'EACCES':
    case 'EPERM':
      return { status: 'unreadable', reason: `${path} may not be read (permission denied)` };
    default:
      return { status: 'unreadable', reason: `${path} cannot be read (${code})` };
  }
}

/** The object in a JSON file; undefined when the file cannot be read (see `readBounded`) or holds something else. Never throws. */
export function readJsonObject(path: string, maxBytes?: number): Record<string, unknown> | undefined {
  const read = readBounded(path, maxBytes);
  if (read.status !== 'ok') {
    return undefined;
  }
  try {
    const value: unknown = JSON.parse(read.text);
    return isRecord(value) ? value : undefined;
  } catch {
    return undefined;
  }
}
