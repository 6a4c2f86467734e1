import { closeSync, constants, fstatSync, openSync, readSync, realpathSync, type Stats, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { errorCode } from '../../base/errors.ts';
import { t } from '../../base/language/translate.ts';

/** In bytes. `~/.claude.json` contains histories and can have a few megabytes. */
export const maxConfigBytes = 8 * 1024 * 1024;

export type ConfigText =
  | { readonly status: 'absent' }
  /** `realPath` is equal for two names of one file. */
  | { readonly status: 'text'; readonly realPath: string; readonly text: string }
  /** `at`: the path that the reason is about: the file, or a directory above it. */
  | { readonly status: 'problem'; readonly reason: string; readonly at: string };

/**
 * Reads one configuration file. Only regular files of at most 8 MB are opened: opening a named pipe blocks, and opening a device may have effects.
 * A missing file is `absent`; a file that cannot be read is a problem with its reason. Never throws.
 * In one go: such files are small, and with the thread pool each of its seven steps costs more processor time than reading them.
 */
export function readConfigFile(path: string): ConfigText {
  let handle: number | undefined;
  try {
    const found = statSync(path, { throwIfNoEntry: false });
    if (found === undefined) {
      return { status: 'absent' };
    }
    const refused = refusal(found);
    if (refused !== undefined) {
      return { status: 'problem', reason: refused, at: path };
    }
    // Non-blocking, in case a pipe replaces the file between the two calls.
    handle = openSync(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
    const opened = fstatSync(handle);
    const refusedNow = refusal(opened);
    if (refusedNow !== undefined) {
      return { status: 'problem', reason: refusedNow, at: path };
    }
    return { status: 'text', realPath: realPathOf(path), text: readAll(handle, opened.size) };
  } catch (error) {
    return failure(path, error);
  } finally {
    if (handle !== undefined) {
      closeSync(handle);
    }
  }
}

function realPathOf(path: string): string {
  try {
    return realpathSync.native(path);
  } catch {
    return path;
  }
}

function readAll(handle: number, size: number): string {
  // One byte more than its size, so that a file that grows during the read is read up to the limit.
  const buffer = Buffer.allocUnsafe(Math.min(size + 1, maxConfigBytes));
  let used = 0;
  while (used < buffer.length) {
    const wanted = buffer.length - used;
    const bytesRead = readSync(handle, buffer, used, wanted, used);
    used += bytesRead;
    // A read that gives less than it was asked for has met the end, where all is read that the file had.
    if (bytesRead === 0 || (bytesRead < wanted && used >= size)) {
      break;
    }
  }
  const bytes = buffer.subarray(0, used);
  // Windows PowerShell writes UTF-16 when output is redirected to a file.
  const text = bytes[0] === 0xff && bytes[1] === 0xfe ? bytes.toString('utf16le') : bytes.toString('utf8');
  return text.charCodeAt(0) === 0xfeff ? text.slice(1) : text;
}

function refusal(found: Stats): string | undefined {
  if (!found.isFile()) {
    const what = found.isDirectory() ? t('a directory') : found.isFIFO() ? t('a named pipe') : t('not a regular file');
    return t('This is {0} where a configuration file is expected; it is not read.', what);
  }
  return found.size > maxConfigBytes
    ? t('The file is too large to be a configuration file ({0} bytes); it is not read.', found.size)
    : undefined;
}

function failure(path: string, error: unknown): ConfigText {
  const code = errorCode(error) ?? t('unknown error');
  switch (code) {
    case 'ENOENT':
    case 'ENOTDIR':
    case 'ENAMETOOLONG':
    case 'ERR_INVALID_ARG_VALUE':
      return { status: 'absent' };
    case 'ELOOP':
      return { status: 'problem', reason: t('The path is a loop of symbolic links.'), at: path };
    case 'EACCES':
    case 'EPERM':
      return denied(path);
    default:
      return { status: 'problem', reason: t('The file cannot be read ({0}).', code), at: path };
  }
}

/** Whether the file or a directory above it denies access, so that one closed directory is reported once. */
function denied(path: string): ConfigText {
  for (let at = path; ; at = dirname(at)) {
    try {
      statSync(at);
      const reason =
        at === path
          ? t('Permission denied: the file cannot be read.')
          : t('Permission denied: this directory cannot be searched for configuration files.');
      return { status: 'problem', reason, at };
    } catch {
      if (at === dirname(at)) {
        return { status: 'problem', reason: t('Permission denied.'), at: path };
      }
    }
  }
}
