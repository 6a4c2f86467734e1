import { readdirSync } from 'node:fs';
import { basename, isAbsolute, join, resolve } from 'node:path';
import { because } from '../../base/language/because.ts';
import { failure, readBounded, realPath, statPath } from '../../storage/boundedFile.ts';
import { environmentOfInterpreter, venvConfig } from './pythonEnvironment.ts';
import { holdsPackages } from './pythonMetadata.ts';

/** The site directories of an environment. */
interface SiteDirectories {
  readonly status: 'ok';
  /** In the order in which Python searches them. */
  readonly directories: readonly string[];
  /** Those in which the server's own package may be; directories of the system hold dependencies only. */
  readonly own: readonly string[];
  /** "3.11"; undefined when no file shows it. */
  readonly pythonVersion?: string;
  /** "3.11.4"; the same as `pythonVersion` when no file shows the patch level. */
  readonly fullVersion?: string;
}

type Refusal = { readonly status: 'gone' | 'unreadable'; readonly reason: string };

/** Thrown and caught in this module: a directory exists and may not be read, so its content must not count as missing. */
class Unreadable extends Error {}

/** The site directories of an environment now. Read each time: an upgrade may give the environment another Python. */
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
  const recorded = config?.get('version') ?? config?.get('version_info') ?? '';
  const version = /^(\d+\.\d+)/.exec(recorded)?.[1] ?? versionOfLink(environment);
  const { directories: sites, ...found } = sitesOf(environment, version);
  const own = { ...found, directories: [...sites, ...sites.flatMap(addedPaths)] };
  const pythonVersion = version ?? own.version;
  const shared = sharedPrefixes(environment, config).flatMap((prefix) => sitesOf(prefix, pythonVersion).directories);
  // Debian's Python searches /usr/local before /usr.
  const directories = [...new Set(environment === '/usr' ? [...shared, ...own.directories] : [...own.directories, ...shared])];
  if (directories.length === 0) {
    return { status: 'gone', reason: because`${environment} holds no Python packages` };
  }
  return {
    status: 'ok',
    directories,
    own: config || environment === '/usr' ? directories : own.directories,
    ...(pythonVersion === undefined ? {} : { pythonVersion, fullVersion: fullVersion(environment, pythonVersion, recorded) }),
  };
}

/** Files and lines that are read of those that add directories to Python's search path. */
const mostPaths = 64;

/** The directories with installed packages that the `.pth` files of a site directory name. */
function addedPaths(site: string): string[] {
  const files = list(site).filter((name) => name.endsWith('.pth'));
  const lines = files.slice(0, mostPaths).flatMap((name) => {
    const read = readBounded(join(site, name), 64 * 1024);
    return read.status === 'ok' ? read.text.split(/\r?\n/, mostPaths) : [];
  });
  return lines
    .filter((line) => line.trim() !== '' && !/^(import[ \t]|#)/.test(line))
    .map((line) => resolve(site, line.trim()))
    .filter(holdsPackages);
}

/** The version with the patch level where a file shows it: pyvenv.cfg, or the headers that most interpreters outside of a system package bring along. */
function fullVersion(environment: string, minor: string, recorded: string): string {
  const header = recorded === '' ? readBounded(join(environment, 'include', `python${minor}`, 'patchlevel.h'), 64 * 1024) : undefined;
  const found =
    header?.status === 'ok'
      ? (/^#define\s+PY_VERSION\s+"(\d[\w.]*?)\+?"/m.exec(header.text)?.[1] ?? '')
      : (/^\d+\.\d+\.\d+/.exec(recorded)?.[0] ?? '');
  return found.startsWith(`${minor}.`) ? found : minor;
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
  // Packages of `pip install --user` (~/.local) have no interpreter of their own: they are searched before those of the system.
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

/** Drops missing directories and second names of one directory (lib64 is often a link to lib; some file systems ignore case). */
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

/** The Python version of a prefix, by the name of the file that `bin/python3` links to. */
function versionOfLink(prefix: string): string | undefined {
  return /python(\d+\.\d+)/.exec(basename(realPath(join(prefix, 'bin', 'python3')) ?? ''))?.[1];
}
