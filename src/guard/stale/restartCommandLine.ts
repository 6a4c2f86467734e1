import { accessSync, constants } from 'node:fs';
import { delimiter, dirname, isAbsolute, join } from 'node:path';
import { stateRefusal } from '../../storage/privateFolder.ts';

/** The run folder. `explicit`: an option or a variable named it, so the command has to name it too. */
interface NamedRunFolder {
  readonly path: string;
  readonly explicit: boolean;
}

/**
 * The command that restarts a server behind its guard, ready to be typed: `mcp-shepherd` when that is on PATH, otherwise the launcher that the extension keeps
 * in the run folder, otherwise the files that this guard was started from.
 * @param pid of the server, or of its launcher
 */
export function restartCommandLine(
  pid: number,
  runFolder: NamedRunFolder | undefined,
  env: Readonly<NodeJS.ProcessEnv> = process.env,
  started: string = process.argv[1] ?? '',
): string {
  return ownCommand(['restart', String(pid)], runFolder, env, started);
}

/** Any command of this program, found in the same way. */
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
