import { appendFileSync, closeSync, constants, fstatSync, lstatSync, openSync, readFileSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { errorCode } from '../../base/errors.ts';
import { ownUser, stateRefusal } from '../../storage/privateFolder.ts';
import { stateFolder } from '../../storage/stateFolder.ts';

/** Bytes, which take years to collect. A larger file is set aside as `.1`, and the `.1` before it is dropped. */
const maxBytes = 1_048_576;

/** A file of the history that exists and cannot be read, in words for the user. */
export interface UnreadFile {
  readonly file: string;
  readonly reason: string;
  /** What to do, as a sentence. */
  readonly hint: string;
}

/** Adds one line, as one write, so that several programs can do it at once. @throws on I/O errors */
export function appendLine(runDir: string, text: string): void {
  const file = join(stateFolder(runDir, 'history'), fileName);
  // The line break in front keeps this line apart from one that a full disk cut short.
  const line = `\n${text}\n`;
  const there = lstatSync(file, { throwIfNoEntry: false });
  if (there && (!there.isFile() || there.size + line.length > maxBytes)) {
    // A FIFO would block and a link leads elsewhere: both are set aside like a full file.
    renameSync(file, `${file}.1`);
  }
  appendFileSync(file, line, { mode: 0o600 });
}

/** All lines, oldest first, and the files that cannot be read. Never throws: without a file there are no lines. */
export function readLines(runDir: string): { readonly lines: string[]; readonly unread: UnreadFile[] } {
  const refused = stateRefusal(runDir, 'history');
  if (refused !== undefined) {
    const file = join(runDir, 'shepherd', 'history');
    return { lines: [], unread: [unread(file, refused, 'Or name another run folder with --run-dir.')] };
  }
  const path = join(runDir, 'shepherd', 'history', fileName);
  const read = [`${path}.1`, path].map(textOf);
  return {
    lines: read.flatMap((one) => (typeof one === 'string' ? one.split('\n') : [])),
    unread: read.flatMap((one) => (typeof one === 'string' ? [] : [one])),
  };
}

const fileName = 'history.jsonl';

/** The text of a regular file, empty when there is none. Bytes that are no UTF-8 (cut by a full disk) cost only their own line. */
function textOf(file: string): string | UnreadFile {
  let descriptor: number | undefined;
  try {
    descriptor = openSync(file, constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0));
    const info = fstatSync(descriptor);
    if (!info.isFile()) {
      return unread(file, 'it is not a regular file');
    }
    if (ownUser() !== undefined && info.uid !== ownUser() && info.uid !== 0) {
      return unread(file, `it belongs to user ${info.uid}`);
    }
    return info.size > 2 * maxBytes
      ? unread(file, `it has ${info.size} bytes, more than MCP Shepherd writes there`)
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
      return unread(
        file,
        'permission denied',
        'The file and its folder must belong to your user; or name another run folder with --run-dir.',
      );
    // O_NOFOLLOW on a link; a socket cannot be opened at all.
    case 'ELOOP':
    case 'EMLINK':
      return unread(file, 'it is a link');
    case 'ENXIO':
      return unread(file, 'it is not a regular file');
    default:
      return unread(file, code ?? 'unknown error');
  }
}

function unread(file: string, reason: string, hint = 'Move it away: later actions are then recorded as usual.'): UnreadFile {
  return { file, reason, hint };
}
