import { execFile } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { join, posix, win32 } from 'node:path';

interface RunOptions {
  /** Milliseconds; 10 s unless it says otherwise. */
  readonly limitMs?: number;
  readonly cwd?: string;
  /** Instead of the environment of this process. */
  readonly env?: NodeJS.ProcessEnv;
}

/** Runs a helper program of the system. @returns standard output. Rejects when the program cannot be started, fails or exceeds the time limit. */
export type RunProgram = (file: string, args: readonly string[], options?: RunOptions) => Promise<string>;

/** npm, pnpm and Yarn put these folders in front of PATH for what they start (`npx mcp-shepherd`): the project that the user stands in decides what lies there. */
const ofProject = /[\\/]node_modules[\\/]\.bin[\\/]*"?$/;
const defaultLimitMs = 10_000;
const outputLimit = 64 * 1024 * 1024;

/**
 * Runs a program, without a shell, for a limited time. The folders of `lsof` and `sysctl` are added to PATH: it lacks them in programs that a desktop started. The C locale fixes
 * the format of numbers and dates.
 */
export const runProgram: RunProgram = (file, args, { limitMs = defaultLimitMs, cwd, env: own = process.env } = {}) =>
  new Promise((resolve, reject) => {
    const env = { ...own, PATH: `${ownFolders(own.PATH ?? '').join(':')}:/usr/sbin:/sbin:/usr/bin:/bin`, LC_ALL: 'C', LANG: 'C' };
    const options = {
      timeout: limitMs,
      cwd,
      killSignal: 'SIGKILL' as const,
      maxBuffer: outputLimit,
      windowsHide: true,
      encoding: 'utf8' as const,
    };
    execFile(file, args, { ...options, env: process.platform === 'win32' ? own : env }, (error, stdout) => {
      if (error) {
        // The message of execFile repeats all arguments, which may hold secrets.
        reject(
          new Error(error.killed ? `${file} did not answer within ${limitMs / 1_000} s` : `${file} failed (${error.code ?? 'signal'})`),
        );
      } else {
        resolve(stdout);
      }
    });
  });

/**
 * The path of a program in the first of these folders that has it as an executable. Pass folders of the system and not PATH: a project's folder in PATH must
 * not decide which program runs.
 */
export function systemProgram(name: string, folders: readonly string[]): string | undefined {
  return folders.map((folder) => join(folder, name)).find(isExecutable);
}

/**
 * The path of a program in the first folder of PATH that has it. Started by its bare name, Windows would look for it in the working directory first, which may be
 * a project's. Relative folders in PATH, and `node_modules/.bin`, are skipped for the same reason.
 * @param isThere replaced in tests only
 */
export function programOnPath(
  name: string,
  env: Readonly<Record<string, string | undefined>>,
  platform: NodeJS.Platform,
  isThere: (path: string) => boolean = isExecutable,
): string | undefined {
  const isWindows = platform === 'win32';
  const path = isWindows ? win32 : posix;
  const variable = Object.keys(env).find((key) => (isWindows ? key.toUpperCase() === 'PATH' : key === 'PATH')) ?? 'PATH';
  return ownFolders(env[variable] ?? '', path.delimiter)
    .map((folder) => (isWindows ? folder.replaceAll('"', '') : folder))
    .filter((folder) => (isWindows ? /^(?:[a-z]:[\\/]|[\\/]{2})/i.test(folder) : path.isAbsolute(folder)))
    .map((folder) => path.join(folder, isWindows ? `${name}.exe` : name))
    .find(isThere);
}

function ownFolders(path: string, delimiter = ':'): string[] {
  return path.split(delimiter).filter((folder) => !ofProject.test(folder));
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
