import { readSync, type Stats } from 'node:fs';
import { delimiter, isAbsolute, join, resolve } from 'node:path';
import { because } from '../../base/language/because.ts';
import type { FileNumbers, ProcessDetail, ProcessRow } from '../../model/process.ts';
import { realPath, statPath, withFile } from '../../storage/boundedFile.ts';
import { workingDirectory } from '../processView.ts';

/** The file under a name now, compared with the one that a process runs. */
type ProgramAt =
  | { readonly state: 'same' }
  /** Another file with other content. `changedAt`: newest change of it, epoch ms; `bornAt` where the file system has birth times. */
  | { readonly state: 'other'; readonly leadsTo: string; readonly changedAt: number; readonly bornAt?: number }
  | { readonly state: 'absent'; readonly reason: string }
  | { readonly state: 'unknown'; readonly reason: string };

/** Larger programs are not compared: that takes seconds. In bytes. */
const maxProgramBytes = 1024 ** 3;
const chunkBytes = 1024 * 1024;

/**
 * Compares the program that a process runs with the file under a path now. The kernel keeps the running file readable, even when it was deleted, so content
 * decides: equal content (a reinstall, a copy, another link) is the same program. Reads files; runs nothing.
 */
export class ProgramFiles {
  /** Whether two files have equal content, by their stat numbers. */
  readonly #equal = new Map<string, boolean>();

  /**
   * @param running `ProcessDetail.program`
   * @param looked paths that were looked at before in the same scan: most servers run the same program
   */
  at(path: string, pid: number, running: FileNumbers, looked?: Map<string, ReturnType<typeof statPath>>): ProgramAt {
    const seen = looked?.get(path) ?? statPath(path);
    looked?.set(path, seen);
    if (seen.status !== 'ok') {
      return { state: seen.status === 'absent' ? 'absent' : 'unknown', reason: seen.reason };
    }
    const { stat } = seen;
    if (stat.dev === running.device && stat.ino === running.inode) {
      return { state: 'same' };
    }
    if (!stat.isFile()) {
      return { state: 'unknown', reason: because`${path} is not a regular file` };
    }
    const equal = stat.size === running.size ? this.#sameContent(path, stat, pid, running) : false;
    if (equal === undefined) {
      return { state: 'unknown', reason: because`${path} could not be compared with the running program` };
    }
    const born = stat.birthtimeMs > 0 && stat.birthtimeMs <= stat.ctimeMs ? stat.birthtimeMs : undefined;
    return equal
      ? { state: 'same' }
      : { state: 'other', leadsTo: realPath(path) ?? path, changedAt: stat.ctimeMs, ...(born === undefined ? {} : { bornAt: born }) };
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

/** Undefined when one of them cannot be read or was replaced since its stat was read. */
function compareFiles(a: string, numbers: FileNumbers, b: string, stat: Stats): boolean | undefined {
  try {
    return withFile(a, (first, one) =>
      withFile(b, (second, two) =>
        one.dev !== numbers.device || one.ino !== numbers.inode || two.dev !== stat.dev || two.ino !== stat.ino
          ? undefined
          : equalBytes(first, second),
      ),
    );
  } catch {
    return undefined;
  }
}

function equalBytes(first: number, second: number): boolean {
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
}

/**
 * The path of the program on the command line, which the next start runs. Undefined when it is unknown (a title, a directory that is gone). Only a path that led to
 * the running file before is evidence: a program can write anything there.
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

/** The path of the program file by the kernel, without its mark for deleted files. Undefined for files without a name (memory files). */
export function programPath(exe: string): string | undefined {
  const path = exe.replace(/ \(deleted\)$/, '');
  return /^\/memfd:|^[^/]/.test(path) ? undefined : path;
}
