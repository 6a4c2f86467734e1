import { readdirSync, readSync } from 'node:fs';
import { join } from 'node:path';
import { createRedactor, secretsOf } from '../../redaction/redactor.ts';
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

/** Of a log at most so much is read at once, bytes: what the redactor looks at together (a secret may have several lines), with `keyBegin` before it. */
export const mostLogBytes = 65_500;

/** Before a text that begins inside a private key. */
export const keyBegin = '-----BEGIN PRIVATE KEY-----\n';
/** The end of a private key comes before any beginning: the text begins inside the key. */
export const endsKey = /^(?:(?!-----BEGIN )[\s\S])*?-----END [A-Z ]*PRIVATE KEY-----/;

/**
 * The end of what a server that `ensure` started wrote since its start, without secrets. Control characters are in it as they are.
 * @param env its values under names of secrets are hidden, too @returns undefined when nothing is kept
 */
export function keptOutput(
  runDir: string,
  { name, port }: { readonly name: string; readonly port: number },
  env: Readonly<Record<string, string | undefined>>,
): string | undefined {
  const log = keptLogs(runDir, name).find((one) => one.port === port);
  const read = log && readLog(log.file, mostLogBytes);
  if (!read) {
    return undefined;
  }
  const { text, start } = read;
  const variables = Object.fromEntries(Object.entries(env).map(([key, value]) => [key, value ?? '']));
  const shown = createRedactor(secretsOf({ args: [], env: variables, headers: [] })).text(
    start > 0 && endsKey.test(text) ? `${keyBegin}${text}` : text,
  );
  // The first line is incomplete where the log was not read from its beginning.
  return start > 0 ? shown.slice(shown.indexOf('\n') + 1) : shown;
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
