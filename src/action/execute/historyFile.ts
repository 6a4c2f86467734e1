import { appendFileSync, closeSync, constants, fstatSync, lstatSync, openSync, readFileSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { errorCode } from '../../base/errors.ts';
import { stateFolder } from '../../storage/stateFolder.ts';

/** Then the file is put aside and the one before it is dropped: years of use. */
const maxBytes = 1_048_576;

/** A file of the history that is there and cannot be read, in words for a person. */
export interface UnreadFile {
  readonly file: string;
  /** Why. */
  readonly reason: string;
  /** What to do, as a sentence. */
  readonly cure: string;
}

/** Adds one line, as one write, so that several programs can do it at once. @throws on I/O errors */
export function appendLine(runDir: string, text: string): void {
  const file = join(stateFolder(runDir, 'history'), fileName);
  // It begins with a line break too: what stands before it may have been cut by a full disk, and must not take this one with it.
  const line = `\n${text}\n`;
  const there = lstatSync(file, { throwIfNoEntry: false });
  if (there && (!there.isFile() || there.size + line.length > maxBytes)) {
    // A FIFO would be waited for, and a link leads elsewhere: put aside like what is full.
    renameSync(file, `${file}.1`);
  }
  appendFileSync(file, line, { mode: 0o600 });
}

/** Every line that is there, oldest first, and the files that cannot be read. Never throws: no file is no history. */
export function readLines(runDir: string): { readonly lines: string[]; readonly unread: UnreadFile[] } {
  const path = historyPath(runDir);
  const read = [`${path}.1`, path].map(textOf);
  return {
    lines: read.flatMap((one) => (typeof one === 'string' ? one.split('\n') : [])),
    unread: read.flatMap((one) => (typeof one === 'string' ? [] : [one])),
  };
}

const fileName = 'history.jsonl';

function historyPath(runDir: string): string {
  try {
    return join(stateFolder(runDir, 'history'), fileName);
  } catch {
    // Cannot be made: there is none, or it may not be read.
    return join(runDir, 'shepherd', 'history', fileName);
  }
}

/** The text of a plain file of ours, empty when there is none. Bytes that are no UTF-8 (cut by a full disk) cost their line alone. */
function textOf(file: string): string | UnreadFile {
  let descriptor: number | undefined;
  try {
    descriptor = openSync(file, constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0));
    const info = fstatSync(descriptor);
    if (!info.isFile()) {
      return unread(file, 'it is no plain file');
    }
    return info.size > 2 * maxBytes
      ? unread(file, `it has ${info.size} bytes, more than is ever written there`)
      : readFileSync(descriptor, 'utf8');
  } catch (error) {
    return unreadBy(file, errorCode(error));
  } finally {
    if (descriptor !== undefined) {
      closeSync(descriptor);
    }
  }
}

function unreadBy(file: string, code: string | undefined): UnreadFile | '' {
  switch (code) {
    case 'ENOENT':
    case 'ENOTDIR':
      return '';
    case 'EACCES':
    case 'EPERM':
      return unread(file, 'permission denied', 'It and its folder have to belong to your user; or name another run folder with --run-dir.');
    // O_NOFOLLOW on a link; a socket cannot be opened at all.
    case 'ELOOP':
    case 'EMLINK':
      return unread(file, 'it is a link');
    case 'ENXIO':
      return unread(file, 'it is no plain file');
    default:
      return unread(file, code ?? 'unknown error');
  }
}

function unread(file: string, reason: string, cure = 'Move it away: what is done from then on is written down as always.'): UnreadFile {
  return { file, reason, cure };
}
