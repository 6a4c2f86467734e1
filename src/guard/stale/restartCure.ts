import { accessSync, constants } from 'node:fs';
import { delimiter, dirname, isAbsolute, join } from 'node:path';
import { findLockDirectory, protocolBase } from '../../lock/lockDirectory.ts';
import { checkPrivate, ownUser, stateRefusal } from '../../storage/privateFolder.ts';
import type { RestartHint } from './staleRefusal.ts';

/** The run folder. `explicit`: an option or a variable named it, so the command has to name it too. */
interface NamedRunFolder {
  readonly path: string;
  readonly explicit: boolean;
}

/**
 * What restarts a server behind its guard: a command of this program, or a step of the user where that command is refused, because other users may enter the run
 * folder or the guard has no record there.
 * @param unpublished whether the guard is known to have no record, so that the command would not find it @param step what helps there
 */
export function restartCure(
  words: readonly string[],
  runFolder: NamedRunFolder | undefined,
  { env, unpublished, step }: { readonly env: Readonly<NodeJS.ProcessEnv>; readonly unpublished: boolean; readonly step: string },
): RestartHint {
  const refused = refusal(runFolder) ?? (unpublished ? 'this guard has no record' : undefined);
  return refused === undefined
    ? ownCommand(words, runFolder, env)
    : { step: `${step} ("${name} ${words[0]}" is refused: ${refused})`, endsSession: true };
}

function refusal(runFolder: NamedRunFolder | undefined): string | undefined {
  const found = runFolder && findLockDirectory(protocolBase(runFolder.path, runFolder.explicit));
  if (found) {
    return 'refused' in found ? found.refused : undefined;
  }
  return runFolder && checkPrivate(runFolder.path, ownUser(), false);
}

/**
 * A command of this program, ready to be typed: `mcp-shepherd` when that is on PATH, otherwise the launcher that the extension keeps in the run folder, otherwise
 * the files that this guard was started from.
 */
export function ownCommand(
  words: readonly string[],
  runFolder: NamedRunFolder | undefined,
  env: Readonly<NodeJS.ProcessEnv> = process.env,
  started: string = process.argv[1] ?? '',
): string {
  const folder = runFolder?.explicit ? ['--run-dir', runFolder.path] : [];
  return [...programWords(runFolder?.path, env, started), ...words, ...folder].map(quoted).join(' ');
}

const name = 'mcp-shepherd';

function programWords(runDir: string | undefined, env: Readonly<NodeJS.ProcessEnv>, started: string): readonly string[] {
  const file = process.platform === 'win32' ? `${name}.cmd` : name;
  const onPath = (env.PATH ?? env.Path ?? '').split(delimiter).some((one) => isAbsolute(one) && isThere(join(one, file), constants.X_OK));
  if (onPath) {
    return [name];
  }
  const kept = runDir === undefined ? undefined : join(runDir, 'shepherd', 'bin', file);
  if (runDir !== undefined && kept !== undefined && stateRefusal(runDir, 'bin') === undefined && isThere(kept, constants.X_OK)) {
    return [kept];
  }
  const bundle = join(dirname(started), 'cli.cjs');
  return isAbsolute(started) && isThere(bundle, constants.R_OK) ? [process.execPath, bundle] : [name];
}

function isThere(path: string, mode: number): boolean {
  try {
    accessSync(path, mode);
    return true;
  } catch {
    return false;
  }
}

function quoted(word: string): string {
  if (/^[A-Za-z0-9_@%+=:,./\\-]+$/.test(word)) {
    return word;
  }
  return process.platform === 'win32' ? `"${word}"` : `'${word.replaceAll("'", "'\\''")}'`;
}
