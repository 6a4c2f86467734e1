import { resolve } from 'node:path';
import type { ProcessDetail } from '../model/process.ts';
import { statPath } from '../storage/boundedFile.ts';

/** The mark that the kernel puts behind the path of a file or directory that was removed under the process. */
const deletedMark = / \(deleted\)$/;

/** The program file, without the kernel's mark when it was replaced; undefined when it cannot be read. */
export function programFile(detail: ProcessDetail): string | undefined {
  return detail.exe?.replace(deletedMark, '');
}

/** The working directory; undefined when it is gone or cannot be read. */
export function workingDirectory(detail: ProcessDetail): string | undefined {
  return detail.cwd === undefined || deletedMark.test(detail.cwd) ? undefined : detail.cwd;
}

/**
 * The path that begins at `args[at]`. Where the system gives the arguments as one string, a path with spaces comes in pieces: the first
 * joining that exists is it, else the first piece.
 */
export function joinedPath(args: readonly string[], at: number, cwd: string | undefined): string {
  for (let end = at + 1; end <= Math.min(args.length, at + 12); end += 1) {
    const path = args.slice(at, end).join(' ');
    if (statPath(resolve(cwd ?? '/', path)).status === 'ok') {
      return path;
    }
  }
  return args[at] ?? '';
}
