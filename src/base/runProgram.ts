import { execFile } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { join } from 'node:path';

/** Runs a helper program of the system and gives its standard output; rejects when it cannot be started, fails or takes too long. */
export type RunProgram = (file: string, args: readonly string[]) => Promise<string>;

const timeoutMs = 10_000;
const outputLimit = 64 * 1024 * 1024;

/**
 * The system's own. Programs started from a desktop may have a PATH without the administrators' folders, where `lsof` and `sysctl`
 * are on some systems; numbers and dates are asked for in the C locale.
 */
export const runProgram: RunProgram = (file, args) =>
  new Promise((resolve, reject) => {
    const env = { ...process.env, PATH: `${process.env.PATH ?? ''}:/usr/sbin:/sbin:/usr/bin:/bin`, LC_ALL: 'C', LANG: 'C' };
    const options = {
      timeout: timeoutMs,
      killSignal: 'SIGKILL' as const,
      maxBuffer: outputLimit,
      windowsHide: true,
      encoding: 'utf8' as const,
    };
    execFile(file, args, process.platform === 'win32' ? options : { ...options, env }, (error, stdout) => {
      if (error) {
        // The message of execFile repeats all arguments; the name is enough.
        reject(
          new Error(error.killed ? `${file} did not answer within ${timeoutMs / 1_000} s` : `${file} failed (${error.code ?? 'signal'})`),
        );
      } else {
        resolve(stdout);
      }
    });
  });

/**
 * The path of a program in the first of these folders that has it. They are the system's own and never PATH: a project's folder in PATH must not name the
 * program that we run.
 */
export function systemProgram(name: string, folders: readonly string[]): string | undefined {
  return folders.map((folder) => join(folder, name)).find(isExecutable);
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
