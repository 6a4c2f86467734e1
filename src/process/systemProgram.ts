import { accessSync, constants } from 'node:fs';
import { join } from 'node:path';

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
