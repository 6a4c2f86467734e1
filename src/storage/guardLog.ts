import { closeSync, constants, openSync, readdirSync, renameSync, rmSync, statSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { privateFolder, stateRefusal } from './privateFolder.ts';

/** Of one server at most twice this is kept, bytes: its log, and the one before it. */
export const mostGuardLogBytes = 128 * 1024;
/** Servers whose logs are kept, and for how long without a write, ms. */
const [mostLogs, maxAgeMs] = [100, 7 * 86_400_000];

/** The log of one guard: what its servers wrote to standard error. */
export interface KeptGuardLog {
  readonly file: string;
  /** What was written before it; may be missing. */
  readonly before: string;
  /** The guard; behind a relay of the host, the relay. */
  readonly pid: number;
  /** Epoch ms. */
  readonly startedAt: number;
  /** See `commandMark`. */
  readonly mark: string;
}

/**
 * Stands for a server's command in the name of a log, which holds no argument. FNV-1a over UTF-16 units, from two offsets: every guard computes it, and OpenSSL would cost each one
 * 3 MB. Of two commands with one mark the newer log would be shown for both.
 * http://www.isthe.com/chongo/tech/comp/fnv/
 */
export function commandMark(command: string, args: readonly string[]): string {
  const text = JSON.stringify([command, ...args]);
  return [0x811c9dc5, 0x01234567]
    .map((offset) => {
      let hash = offset;
      for (let at = 0; at < text.length; at += 1) {
        hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193);
      }
      return (hash >>> 0).toString(16).padStart(8, '0');
    })
    .join('');
}

const appending = constants.O_WRONLY | constants.O_APPEND | constants.O_CREAT | (constants.O_NOFOLLOW ?? 0);

const logName = /^guard-([0-9a-f]{16})-(\d{1,10})-(\d{1,15})\.log$/;

/** The logs that guards have written, the newest first; none where the folder may not be read. Never throws. */
export function keptGuardLogs(runDir: string): KeptGuardLog[] {
  if (stateRefusal(runDir, 'logs') !== undefined) {
    return [];
  }
  const folder = join(runDir, 'shepherd', 'logs');
  try {
    return readdirSync(folder)
      .flatMap((name) => {
        const [, mark = '', pid, startedAt] = logName.exec(name) ?? [];
        const file = join(folder, name);
        return pid === undefined ? [] : [{ file, before: earlier(file), mark, pid: Number(pid), startedAt: Number(startedAt) }];
      })
      .sort((a, b) => b.startedAt - a.startedAt);
  } catch {
    return [];
  }
}

function earlier(file: string): string {
  return file.replace(/\.log$/, '.old.log');
}

/** Keeps the end of a text in two files: when the newer one is full, it replaces the older one. */
export class GuardLog {
  readonly #file: string;
  #size = 0;

  /** Removes the logs that are too many or too old. @throws what `privateFolder` throws, and the system's error */
  constructor(runDir: string, { mark, pid, startedAt }: Pick<KeptGuardLog, 'mark' | 'pid' | 'startedAt'>) {
    const folder = privateFolder(runDir, 'logs');
    for (const { file, before } of keptGuardLogs(runDir).filter((log, index) => index >= mostLogs - 1 || isOld(log.file, startedAt))) {
      rmSync(file, { force: true });
      rmSync(before, { force: true });
    }
    this.#file = join(folder, `guard-${mark}-${pid}-${startedAt}.log`);
  }

  /** Adds text; of more than half of what is kept, its end. A disk that is full loses it, and the next text is tried again. Never throws. */
  add(text: string): void {
    const bytes = Buffer.from(text, 'utf8').subarray(-mostGuardLogBytes);
    try {
      if (this.#size + bytes.length > mostGuardLogBytes) {
        this.#size = 0;
        renameSync(this.#file, earlier(this.#file));
      }
      const descriptor = openSync(this.#file, appending, 0o600);
      try {
        this.#size += writeSync(descriptor, bytes);
      } finally {
        closeSync(descriptor);
      }
    } catch {
      // The server and its client do not depend on it.
    }
  }
}

function isOld(file: string, now: number): boolean {
  return now - (statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? now) > maxAgeMs;
}
