import { readdirSync, readSync } from 'node:fs';
import { join } from 'node:path';
import type { RawDefinition } from '../../model/definition.ts';
import type { Instance } from '../../model/snapshot.ts';
import { guardCommand } from '../../process/commandline/guardCommand.ts';
import { createRedactor, secretsOf } from '../../redaction/redactor.ts';
import { withOwnFile } from '../../storage/atomicFile.ts';
import { commandMark, type KeptGuardLog, keptGuardLogs } from '../../storage/guardLog.ts';
import { stateRefusal } from '../../storage/privateFolder.ts';

/** The file that keeps the output of one server: of one that `ensure` has started, written anew with each start, or of one behind a guard. */
export interface KeptLog {
  readonly file: string;
  /** Of a server that `ensure` has started. */
  readonly port?: number;
  /** Of a guard: its PID. */
  readonly guard?: number;
  /** What was written before the file; may be missing. */
  readonly before?: string;
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
export function keptLogs(runDir: string, name: string): (KeptLog & { readonly port: number })[] {
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

/**
 * What the guards of a server have kept: of those that run, else of the last one that ran and wrote something.
 * @param running PIDs of its guards, and of its servers' launchers @param entries its entries, for guards that have ended
 */
export function guardLogs(runDir: string, running: readonly number[], entries: readonly RawDefinition[]): KeptLog[] {
  const all = keptGuardLogs(runDir);
  // Of two with one PID the older guard has ended.
  const now = all.filter(({ pid }, index) => running.includes(pid) && all.findIndex((one) => one.pid === pid) === index);
  const marks = new Set(entries.flatMap(markOf));
  const logs: readonly KeptGuardLog[] = now.length > 0 ? now : all.filter(({ mark }) => marks.has(mark)).slice(0, 1);
  return logs.map(({ file, before, pid }) => ({ file, before, guard: pid }));
}

/** PIDs that may be the guard of a server. */
export function guardPids({ launchers }: Instance): number[] {
  return launchers.map(({ pid }) => pid);
}

/** Of a guarded entry: what its guard starts. */
function markOf({ command, args }: RawDefinition): string[] {
  const words = command === undefined ? [] : [command, ...args];
  const own = words.slice(guardCommand(words)?.count);
  return own.length === words.length ? [] : [commandMark(own[0] ?? '', own.slice(1))];
}

/** Of a log at most so much is read at once, bytes: what the redactor looks at together (a secret may have several lines), with `keyBegin` before it. */
export const mostLogBytes = 65_500;

/** Before a text that begins inside a private key. */
export const keyBegin = '-----BEGIN PRIVATE KEY-----\n';
/** The end of a private key comes before any beginning: the text begins inside the key. */
export const endsKey = /^(?:(?!-----BEGIN )[\s\S])*?-----END [A-Z ]*PRIVATE KEY-----/;

/**
 * The end of a log, without secrets. Control characters are in it as they are.
 * @param env its values under names of secrets are hidden, too @returns undefined when it cannot be read
 */
export function keptOutput(log: KeptLog, env: Readonly<Record<string, string | undefined>>): string | undefined {
  const read = readLogEnd(log);
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

/** The end of a log, with what was written before it where there is room. `start`: 0 when it begins where the first file does. */
export function readLogEnd({ file, before }: KeptLog): ReturnType<typeof readLog> {
  const read = readLog(file, mostLogBytes);
  const older = read?.start === 0 && before !== undefined ? readLog(before, mostLogBytes - read.end) : undefined;
  return read && older ? { ...read, text: `${older.text}${read.text}`, start: older.start } : read;
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
