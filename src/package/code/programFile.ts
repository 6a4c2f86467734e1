import { closeSync, constants, fstatSync, openSync, readSync, realpathSync, type Stats } from 'node:fs';
import { delimiter, isAbsolute, join, resolve } from 'node:path';
import type { FileNumbers, ProcessDetail, ProcessRow } from '../../model/process.ts';
import { statPath } from '../../storage/boundedFile.ts';
import { workingDirectory } from '../processView.ts';

/** What is under a name now, compared with the file that a process runs. */
type ProgramAt =
  | { readonly state: 'same' }
  /** Another file with other content. `changedAt`: newest change of it, epoch ms; `bornAt` where the file system tells. */
  | { readonly state: 'other'; readonly leadsTo: string; readonly changedAt: number; readonly bornAt?: number }
  | { readonly state: 'absent'; readonly reason: string }
  | { readonly state: 'unknown'; readonly reason: string };

/** No program is larger; comparing more would take seconds. */
const maxProgramBytes = 1024 ** 3;
const chunkBytes = 1024 * 1024;

/**
 * Compares what a process runs with what is under a path now. The kernel keeps the running file readable, also when it was deleted, so content decides: the
 * same content again (a reinstall, a copy, another link) is the same program. Reads files; runs nothing.
 */
export class ProgramFiles {
  /** By the numbers of both files: whether their contents are equal. */
  readonly #equal = new Map<string, boolean>();

  /** @param running what `ProcessDetail.program` says of the process */
  at(path: string, pid: number, running: FileNumbers): ProgramAt {
    const seen = statPath(path);
    if (seen.status !== 'ok') {
      return { state: seen.status === 'absent' ? 'absent' : 'unknown', reason: seen.reason };
    }
    const { stat } = seen;
    if (stat.dev === running.device && stat.ino === running.inode) {
      return { state: 'same' };
    }
    if (!stat.isFile()) {
      return { state: 'unknown', reason: `${path} is not a regular file` };
    }
    const equal = stat.size === running.size ? this.#sameContent(path, stat, pid, running) : false;
    if (equal === undefined) {
      return { state: 'unknown', reason: `${path} could not be compared with the program that runs` };
    }
    const born = stat.birthtimeMs > 0 && stat.birthtimeMs <= stat.ctimeMs ? stat.birthtimeMs : undefined;
    return equal
      ? { state: 'same' }
      : { state: 'other', leadsTo: real(path), changedAt: stat.ctimeMs, ...(born === undefined ? {} : { bornAt: born }) };
  }

  #sameContent(path: string, stat: Stats, pid: number, running: FileNumbers): boolean | undefined {
    const key = [running.device, running.inode, running.size, stat.dev, stat.ino, stat.size, stat.mtimeMs, stat.ctimeMs].join(':');
    const known = this.#equal.get(key);
    if (known !== undefined) {
      return known;
    }
    const equal = stat.size > maxProgramBytes ? undefined : compareFiles(`/proc/${pid}/exe`, running, path, stat);
    if (equal !== undefined) {
      this.#equal.set(key, equal);
    }
    return equal;
  }
}

/** Undefined when one cannot be read or is not the file that was looked at. */
function compareFiles(a: string, numbers: FileNumbers, b: string, stat: Stats): boolean | undefined {
  const handles: number[] = [];
  try {
    for (const path of [a, b]) {
      handles.push(openSync(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0)));
    }
    const [first = -1, second = -1] = handles;
    const [one, two] = [fstatSync(first), fstatSync(second)];
    if (one.dev !== numbers.device || one.ino !== numbers.inode || two.dev !== stat.dev || two.ino !== stat.ino) {
      return undefined;
    }
    const [left, right] = [Buffer.allocUnsafe(chunkBytes), Buffer.allocUnsafe(chunkBytes)];
    for (let at = 0; ; ) {
      const count = readSync(first, left, 0, chunkBytes, at);
      const other = readSync(second, right, 0, chunkBytes, at);
      if (count !== other || left.compare(right, 0, other, 0, count) !== 0) {
        return false;
      }
      if (count === 0) {
        return true;
      }
      at += count;
    }
  } catch {
    return undefined;
  } finally {
    handles.forEach(closeSync);
  }
}

/**
 * The path by which the process names its program: what its next start would take. Undefined when that cannot be told (a title, a directory that is gone).
 * Only a path that was seen to lead to the running file says anything: programs are free to write something else there.
 */
export function namedProgram(row: ProcessRow, detail: ProcessDetail): string | undefined {
  const name = row.argvExact ? (row.argv[0] ?? '') : '';
  if (name === '' || isAbsolute(name)) {
    return name || undefined;
  }
  const cwd = workingDirectory(detail);
  if (name.includes('/')) {
    return cwd === undefined ? undefined : resolve(cwd, name);
  }
  for (const directory of (detail.environment?.get('PATH') ?? '').split(delimiter)) {
    const path = join(directory, name);
    const seen = isAbsolute(directory) ? statPath(path) : undefined;
    if (seen?.status === 'ok' && seen.stat.isFile() && (seen.stat.mode & 0o111) !== 0) {
      return path;
    }
  }
  return undefined;
}

/** The file that the kernel names, without its mark. Undefined for what never had a name (memory files). */
export function programPath(exe: string): string | undefined {
  const path = exe.replace(/ \(deleted\)$/, '');
  return /^\/memfd:|^[^/]/.test(path) ? undefined : path;
}

function real(path: string): string {
  try {
    return realpathSync.native(path);
  } catch {
    return path;
  }
}
