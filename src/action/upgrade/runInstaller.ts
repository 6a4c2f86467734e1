import { spawn } from 'node:child_process';
import { isAbsolute } from 'node:path';
import type { Readable } from 'node:stream';
import { programOnPath } from '../../base/runProgram.ts';
import type { InstallerCommand } from './undoWay.ts';

interface InstallerRun {
  /** See `installerFolder`. */
  readonly cwd: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Ends the installer (SIGTERM). */
  readonly signal?: AbortSignal;
  /** Descriptor of a lock that it keeps until it has ended, also where this program is killed. */
  readonly lock?: number | undefined;
  /** Each line of its output, as it wrote it; one of more than 64 kB in parts. */
  onLine(line: string): void;
}

/** Variables that npx sets for its own run, and that would lead npm to another folder. */
const ofOuterNpm = /^(?:INIT_CWD$|npm_(?:package_|lifecycle_|command$|config_(?:local_prefix|prefix|global_prefix|noproxy)$))/i;

/** Runs a package manager, without a shell and without input, for as long as it takes. Never rejects. @returns why it failed; undefined: exit code 0 */
export function runInstaller(
  [program, ...args]: InstallerCommand,
  { cwd, env, signal, lock, onLine }: InstallerRun,
): Promise<string | undefined> {
  const path = isAbsolute(program) ? program : programOnPath(program, env, process.platform);
  if (path === undefined) {
    return Promise.resolve(`${program} is not on the PATH`);
  }
  const own = Object.fromEntries(Object.entries(env).filter(([name]) => !ofOuterNpm.test(name)));
  return new Promise((resolve) => {
    const child = spawn(path, args, {
      cwd,
      env: own,
      stdio: ['ignore', 'pipe', 'pipe', ...(lock === undefined ? [] : [lock])],
      ...(signal ? { signal } : {}),
    });
    for (const stream of [child.stdout, child.stderr]) {
      stream && eachLine(stream, onLine);
    }
    child.once('error', ({ name }) => resolve(name === 'AbortError' ? 'it was ended' : 'it could not be started'));
    child.once('close', (code, ended) => resolve(code === 0 ? undefined : ended ? `ended by ${ended}` : `exit code ${code}`));
  });
}

/** Characters. */
const longestLine = 65_536;

/** A package's script that writes without an end of line fills no memory. */
function eachLine(stream: Readable, onLine: (line: string) => void): void {
  let rest = '';
  stream.setEncoding('utf8');
  stream.on('data', (chunk: string) => {
    const lines = `${rest}${chunk}`.split(/\r?\n|\r(?!$)/);
    const last = lines.pop() ?? '';
    rest = last.length > longestLine ? '' : last;
    for (const line of rest === last ? lines : [...lines, last]) {
      onLine(line);
    }
  });
  stream.on('end', () => {
    if (rest !== '') {
      onLine(rest);
    }
  });
}
