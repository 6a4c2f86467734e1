import { readdirSync, realpathSync } from 'node:fs';
import { basename, isAbsolute, join } from 'node:path';
import { failure, statPath } from '../../storage/boundedFile.ts';
import { environmentOfInterpreter, venvConfig } from './pythonEnvironment.ts';

/** Where an environment keeps its distributions. */
interface SiteDirectories {
  readonly status: 'ok';
  /** In the order in which Python searches them. */
  readonly directories: readonly string[];
  /** Those of them in which the server's own package may be; what the system shares with everybody counts for its dependencies only. */
  readonly own: readonly string[];
  /** "3.11"; undefined when nothing on disk tells. */
  readonly pythonVersion?: string;
}

type Refusal = { readonly status: 'gone' | 'unreadable'; readonly reason: string };

/** Thrown within this module only: a directory is there and may not be looked at, so nothing in it may seem to be missing. */
class Unreadable extends Error {}

/** Where the packages of an environment are now. Read each time: an upgrade may give the same environment another Python. */
export function siteDirectories(environment: string): SiteDirectories | Refusal {
  const seen = statPath(environment);
  if (seen.status !== 'ok') {
    return { status: seen.status === 'absent' ? 'gone' : 'unreadable', reason: seen.reason };
  }
  try {
    return readSites(environment);
  } catch (error) {
    if (error instanceof Unreadable) {
      return { status: 'unreadable', reason: error.message };
    }
    throw error;
  }
}

function readSites(environment: string): SiteDirectories | Refusal {
  const config = venvConfig(environment);
  const version = /^(\d+\.\d+)/.exec(config?.get('version') ?? config?.get('version_info') ?? '')?.[1] ?? versionOfLink(environment);
  const own = sitesOf(environment, version);
  const pythonVersion = version ?? own.version;
  const shared = sharedPrefixes(environment, config).flatMap((prefix) => sitesOf(prefix, pythonVersion).directories);
  // Debian's Python looks at /usr/local before /usr.
  const directories = [...new Set(environment === '/usr' ? [...shared, ...own.directories] : [...own.directories, ...shared])];
  if (directories.length === 0) {
    return { status: 'gone', reason: `${environment} holds no Python packages` };
  }
  return {
    status: 'ok',
    directories,
    own: config || environment === '/usr' ? directories : own.directories,
    ...(pythonVersion === undefined ? {} : { pythonVersion }),
  };
}

/** Prefixes whose packages this environment also sees. */
function sharedPrefixes(environment: string, config: ReadonlyMap<string, string> | undefined): string[] {
  if (config) {
    const home = config.get('home');
    const included = /^true$/i.test(config.get('include-system-site-packages') ?? '');
    return included && home !== undefined && isAbsolute(home) ? [environmentOfInterpreter(join(home, 'python3'))] : [];
  }
  if (environment === '/usr') {
    return ['/usr/local'];
  }
  // What a user installed for himself (~/.local) has no interpreter: it stands on top of the system's.
  const interpreters = ['bin/python3', 'bin/python', 'python.exe'].map((name) => statPath(join(environment, name)).status);
  return interpreters.includes('ok') ? [] : ['/usr/local', '/usr'];
}

function sitesOf(prefix: string, version: string | undefined): { readonly directories: readonly string[]; readonly version?: string } {
  const found: string[] = [];
  let foundVersion: string | undefined;
  for (const library of ['lib', 'lib64']) {
    const names = list(join(prefix, library)).filter((name) => /^(python|pypy)\d/.test(name));
    const exact = names.filter((name) => version !== undefined && name.replace(/^(python|pypy)/, '').replace(/t$/, '') === version);
    const newest = names
      .filter((name) => name.includes('.'))
      .sort(byVersion)
      .slice(-1);
    const chosen = exact.length > 0 ? exact : newest;
    foundVersion ??= /(\d+\.\d+)/.exec(chosen[0] ?? '')?.[1];
    for (const name of [...(names.includes('python3') ? ['python3'] : []), ...chosen]) {
      found.push(...['site-packages', 'dist-packages'].map((site) => join(prefix, library, name, site)));
    }
  }
  found.push(join(prefix, 'Lib', 'site-packages'));
  return { directories: uniqueDirectories(found), ...(foundVersion === undefined ? {} : { version: foundVersion }) };
}

function list(directory: string): string[] {
  try {
    return readdirSync(directory);
  } catch (error) {
    const why = failure(directory, error);
    if (why.status === 'unreadable') {
      throw new Unreadable(why.reason);
    }
    return [];
  }
}

/** Drops what does not exist and what is the same directory under two names (lib64 is often a link to lib; some file systems do not tell Lib from lib). */
function uniqueDirectories(paths: readonly string[]): string[] {
  const seen = new Set<string>();
  return paths.filter((path) => {
    const there = statPath(path);
    if (there.status === 'unreadable') {
      throw new Unreadable(there.reason);
    }
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
