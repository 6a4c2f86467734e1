import { accessSync, constants } from 'node:fs';
import { delimiter, dirname, isAbsolute, join } from 'node:path';
import { listInstanceRecords } from '../../lock/instanceRecord.ts';
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
 * @param guard its PID and environment @param step what helps there
 */
export function restartCure(
  words: readonly string[],
  runFolder: NamedRunFolder | undefined,
  guard: { readonly pid: number; readonly env: Readonly<NodeJS.ProcessEnv> },
  step: string,
): RestartHint {
  const refused = refusal(runFolder, words[0] === 'restart' ? guard.pid : undefined);
  return refused === undefined
    ? ownCommand(words, runFolder, guard.env)
    : { step: `${step} ("${name} ${words[0]}" is refused: ${refused})`, endsSession: true };
}

/** @param guard must have a record */
function refusal(runFolder: NamedRunFolder | undefined, guard: number | undefined): string | undefined {
  const found = runFolder && findLockDirectory(protocolBase(runFolder.path, runFolder.explicit));
  const refused = found ? 'refused' in found && found.refused : runFolder && checkPrivate(runFolder.path, ownUser(), false);
  if (refused) {
    return refused;
  }
  const records = found && 'directory' in found ? listInstanceRecords(found.directory) : [];
  const isKnown = guard === undefined || records.some((one) => one.status === 'ok' && one.record.guard?.pid === guard);
  return isKnown ? undefined : 'this guard has no record';
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
