import { closeSync, openSync, readdirSync, readSync, realpathSync } from 'node:fs';
import { basename, delimiter, dirname, isAbsolute, join, resolve } from 'node:path';
import type { ProcessDetail } from '../types/process.ts';
import { failure, look, readBounded } from './boundedFile.ts';
import { programFile, workingDirectory } from './processView.ts';

/** Where an environment keeps its distributions. */
export interface SiteDirectories {
  /** In the order in which Python searches them. */
  readonly directories: readonly string[];
  /** "3.11"; undefined when nothing on disk tells. */
  readonly pythonVersion?: string;
}

/** Keys of a pyvenv.cfg (PEP 405; virtualenv and uv write `version_info`). Undefined when there is none. */
function venvConfig(environment: string): ReadonlyMap<string, string> | undefined {
  const file = readBounded(join(environment, 'pyvenv.cfg'), 64 * 1024);
  if (file.status !== 'ok') {
    return undefined;
  }
  const lines = file.text.split(/\r?\n/).map((line) => /^\s*([\w-]+)\s*=\s*(.*?)\s*$/.exec(line));
  return new Map(lines.flatMap((match) => (match ? [[(match[1] ?? '').toLowerCase(), match[2] ?? '']] : [])));
}

/**
 * The environment that a Python process loads its packages from. In this order: the interpreter as the command line names it (absolute; relative to the
 * working directory; by PATH), then VIRTUAL_ENV, then the script's first line, then the program file. VIRTUAL_ENV is late because children inherit it
 * that do not use it; a program found by PATH or VIRTUAL_ENV must be the program that runs.
 *
 * @param script absolute path of the entry script, when there is one
 */
export function pythonEnvironmentOf(
  interpreter: string,
  detail: ProcessDetail,
  script: string | undefined,
): { readonly environment: string } | { readonly unknown: string } {
  const exe = programFile(detail);
  const cwd = workingDirectory(detail);
  if (/[\\/]/.test(interpreter)) {
    if (!isAbsolute(interpreter) && cwd === undefined) {
      return { unknown: 'its interpreter is named relative to a working directory that cannot be read' };
    }
    const path = resolve(cwd ?? '/', interpreter);
    if (look(path).status === 'ok' || venvConfig(dirname(dirname(path)))) {
      return { environment: environmentOfInterpreter(path) };
    }
  } else {
    for (const directory of (detail.environment?.get('PATH') ?? '').split(delimiter)) {
      const path = resolve(cwd ?? '/', directory, interpreter);
      if ((isAbsolute(directory) || cwd !== undefined) && isSameProgram(path, exe)) {
        return { environment: environmentOfInterpreter(path) };
      }
    }
  }
  const active = detail.environment?.get('VIRTUAL_ENV');
  if (
    active !== undefined &&
    isAbsolute(active) &&
    venvConfig(active) &&
    ['bin/python', 'Scripts/python.exe'].some((name) => isSameProgram(join(active, name), exe))
  ) {
    return { environment: active };
  }
  const named = script === undefined ? undefined : shebang(script);
  if (named !== undefined && isAbsolute(named) && look(named).status === 'ok') {
    return { environment: environmentOfInterpreter(named) };
  }
  return exe === undefined ? { unknown: 'its interpreter cannot be read' } : { environment: environmentOfInterpreter(exe) };
}

/** A venv's interpreter is a link to the base one, so the venv is found before links are resolved. */
function environmentOfInterpreter(path: string): string {
  if (venvConfig(dirname(dirname(path)))) {
    return dirname(dirname(path));
  }
  if (venvConfig(dirname(path))) {
    return dirname(path);
  }
  let real = path;
  try {
    real = realpathSync.native(path);
  } catch {
    // Replaced or gone: the path as named still says where its packages are.
  }
  // Windows keeps python.exe in the prefix itself.
  return /^(bin|Scripts)$/i.test(basename(dirname(real))) ? dirname(dirname(real)) : dirname(real);
}

function isSameProgram(path: string, exe: string | undefined): boolean {
  const seen = look(path);
  if (seen.status !== 'ok' || !seen.stat.isFile()) {
    return false;
  }
  try {
    return exe === undefined || realpathSync.native(path) === exe;
  } catch {
    return false;
  }
}

/** The program of a script's `#!` line; undefined when there is none. Reads 512 bytes of a regular file. */
function shebang(script: string): string | undefined {
  const seen = look(script);
  if (seen.status !== 'ok' || !seen.stat.isFile()) {
    return undefined;
  }
  const buffer = Buffer.alloc(512);
  try {
    const handle = openSync(script, 'r');
    try {
      readSync(handle, buffer, 0, buffer.length, 0);
    } finally {
      closeSync(handle);
    }
  } catch {
    return undefined;
  }
  const text = buffer.toString('utf8');
  // Interpreters with long or spaced paths are started through a line of shell: #!/bin/sh, then '''exec' "/path/python" "$0" "$@".
  const wrapped = /^#!\/bin\/sh\n'''exec' "?([^"\n]+?)"? "\$0"/.exec(text);
  return wrapped?.[1] ?? /^#!\s*(\S+)/.exec(text)?.[1];
}

/** Where the packages of an environment are now. Read each time: an upgrade may give the same environment another Python. */
export function siteDirectories(
  environment: string,
): ({ readonly status: 'ok' } & SiteDirectories) | { readonly status: 'gone' | 'unreadable'; readonly reason: string } {
  const seen = look(environment);
  if (seen.status !== 'ok') {
    return { status: seen.status === 'absent' ? 'gone' : 'unreadable', reason: seen.reason };
  }
  const config = venvConfig(environment);
  const version = /^(\d+\.\d+)/.exec(config?.get('version') ?? config?.get('version_info') ?? '')?.[1] ?? versionOfLink(environment);
  const own = ownSites(environment, version);
  if ('reason' in own) {
    return { status: 'unreadable', reason: own.reason };
  }
  const pythonVersion = version ?? own.version;
  const shared: string[] = [];
  const home = config?.get('home');
  if (home !== undefined && /^true$/i.test(config?.get('include-system-site-packages') ?? '') && isAbsolute(home)) {
    shared.push(...prefixSites(environmentOfInterpreter(join(home, 'python3')), pythonVersion));
  } else if (!config) {
    // Not a venv: the system's own prefixes share their packages, and what a user installed for himself stands on top of them.
    shared.push(...(environment === '/usr' ? prefixSites('/usr/local', pythonVersion) : []));
    const alone = look(join(environment, 'bin/python3')).status !== 'ok' && look(join(environment, 'python.exe')).status !== 'ok';
    shared.push(
      ...(alone && environment !== '/usr' ? [...prefixSites('/usr/local', pythonVersion), ...prefixSites('/usr', pythonVersion)] : []),
    );
  }
  const directories = environment === '/usr' ? [...shared, ...own.directories] : [...own.directories, ...shared];
  if (directories.length === 0) {
    return { status: 'gone', reason: `${environment} holds no Python packages` };
  }
  return { status: 'ok', directories: [...new Set(directories)], ...(pythonVersion === undefined ? {} : { pythonVersion }) };
}

function prefixSites(prefix: string, version: string | undefined): readonly string[] {
  const sites = ownSites(prefix, version);
  return 'reason' in sites ? [] : sites.directories;
}

function ownSites(
  prefix: string,
  version: string | undefined,
): { readonly directories: readonly string[]; readonly version?: string } | { readonly reason: string } {
  const found: string[] = [];
  let foundVersion: string | undefined;
  for (const library of ['lib', 'lib64']) {
    let names: string[];
    try {
      names = readdirSync(join(prefix, library)).filter((name) => /^(python|pypy)\d/.test(name));
    } catch (error) {
      const why = failure(join(prefix, library), error);
      if (why.status === 'unreadable') {
        return { reason: why.reason };
      }
      continue;
    }
    const exact = names.filter((name) => version !== undefined && name.replace(/^(python|pypy)/, '').replace(/t$/, '') === version);
    const chosen =
      exact.length > 0
        ? exact
        : names
            .filter((name) => name.includes('.'))
            .sort(byVersion)
            .slice(-1);
    foundVersion ??= chosen[0] === undefined ? undefined : /(\d+\.\d+)/.exec(chosen[0])?.[1];
    for (const name of [...(names.includes('python3') ? ['python3'] : []), ...chosen]) {
      found.push(...['site-packages', 'dist-packages'].map((site) => join(prefix, library, name, site)));
    }
  }
  found.push(join(prefix, 'Lib', 'site-packages'));
  return { directories: uniqueDirectories(found), ...(foundVersion === undefined ? {} : { version: foundVersion }) };
}

/** Drops what does not exist and what is the same directory under two names (lib64 is often a link to lib; some file systems do not tell Lib from lib). */
function uniqueDirectories(paths: readonly string[]): string[] {
  const seen = new Set<string>();
  return paths.filter((path) => {
    const there = look(path);
    if (there.status !== 'ok' || !there.stat.isDirectory()) {
      return false;
    }
    const key = `${there.stat.dev}:${there.stat.ino}`;
    return !seen.has(key) && seen.add(key) !== undefined;
  });
}

function byVersion(a: string, b: string): number {
  return Number(a.split('.')[1] ?? 0) - Number(b.split('.')[1] ?? 0);
}

/** The Python that `bin/python3` of a prefix leads to, by the name of the file it links to. */
function versionOfLink(prefix: string): string | undefined {
  try {
    return /python(\d+\.\d+)/.exec(basename(realpathSync.native(join(prefix, 'bin', 'python3'))))?.[1];
  } catch {
    return undefined;
  }
}
