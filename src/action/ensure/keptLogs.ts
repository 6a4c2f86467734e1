import { readdirSync, readSync } from 'node:fs';
import { join } from 'node:path';
import { withOwnFile } from '../../storage/atomicFile.ts';
import { stateRefusal } from '../../storage/privateFolder.ts';

/** The file that keeps the output of one server that `ensure` has started. It is written anew with each start. */
export interface KeptLog {
  readonly file: string;
  readonly port: number;
}

/** The part of the file name that stands for a server. */
function fileWord(name: string): string {
  return `ensure-${name.replace(/[^\w.-]/g, '_').slice(0, 80)}-`;
}

/** @param port where the server listens */
export function logFileName(name: string, port: number): string {
  return `${fileWord(name)}${port}.log`;
}

/** The logs of a server, by port; none when nothing is kept, or the folder may not be read. */
export function keptLogs(runDir: string, name: string): KeptLog[] {
  if (stateRefusal(runDir, 'logs') !== undefined) {
    return [];
  }
  const folder = join(runDir, 'shepherd', 'logs');
  const word = fileWord(name);
  try {
    return readdirSync(folder)
      .flatMap((file) => {
        const port = file.startsWith(word) ? /^(\d{1,5})\.log$/.exec(file.slice(word.length))?.[1] : undefined;
        return port === undefined ? [] : [{ file: join(folder, file), port: Number(port) }];
      })
      .sort((a, b) => a.port - b.port);
  } catch {
    return [];
  }
}

/** Reads at most so many bytes of a log. @param from where to begin; undefined: at the end, so far back as the bytes allow @returns undefined when it cannot be read, is a link, or belongs to another user */
export function readLog(
  file: string,
  bytes: number,
  from?: number,
): { readonly text: string; readonly start: number; readonly end: number } | undefined {
  try {
    return withOwnFile(file, (handle, size) => {
      // A smaller file was written anew.
      const start = from === undefined ? Math.max(0, size - bytes) : from > size ? 0 : from;
      const buffer = Buffer.alloc(Math.min(bytes, size - start));
      const read = buffer.subarray(0, readSync(handle, buffer, 0, buffer.length, start));
      return { text: read.toString('utf8'), start, end: start + read.length };
    });
  } catch {
    return undefined;
  }
}
