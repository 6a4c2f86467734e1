import { spawn } from 'node:child_process';
import { isAbsolute } from 'node:path';
import { createInterface } from 'node:readline';
import { programOnPath } from '../../base/runProgram.ts';
import type { InstallerCommand } from './undoWay.ts';

interface InstallerRun {
  readonly cwd?: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Ends the installer (SIGTERM). */
  readonly signal?: AbortSignal;
  /** Each line of its output, as it wrote it. */
  onLine(line: string): void;
}

/** Variables that npx sets for its own run, and that would lead npm to another folder. */
const ofOuterNpm = /^(?:INIT_CWD$|npm_(?:package_|lifecycle_|command$|config_(?:local_prefix|prefix|global_prefix|noproxy)$))/i;

/** Runs a package manager, without a shell and without input, for as long as it takes. Never rejects. @returns why it failed; undefined: exit code 0 */
export function runInstaller(
  [program, ...args]: InstallerCommand,
  { cwd, env, signal, onLine }: InstallerRun,
): Promise<string | undefined> {
  const path = isAbsolute(program) ? program : programOnPath(program, env, process.platform);
  if (path === undefined) {
    return Promise.resolve(`${program} is not on the PATH`);
  }
  const own = Object.fromEntries(Object.entries(env).filter(([name]) => !ofOuterNpm.test(name)));
  return new Promise((resolve) => {
    const child = spawn(path, args, {
      env: own,
      stdio: ['ignore', 'pipe', 'pipe'],
      ...(cwd === undefined ? {} : { cwd }),
      ...(signal ? { signal } : {}),
    });
    for (const stream of [child.stdout, child.stderr]) {
      createInterface({ input: stream }).on('line', onLine);
    }
    child.once('error', ({ name }) => resolve(name === 'AbortError' ? 'it was ended' : 'it could not be started'));
    child.once('close', (code, ended) => resolve(code === 0 ? undefined : ended ? `ended by ${ended}` : `exit code ${code}`));
  });
}
