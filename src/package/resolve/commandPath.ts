import { lstatSync, readlinkSync, type Stats } from 'node:fs';
import { dirname, isAbsolute, join, parse, resolve, win32 } from 'node:path';
import { because } from '../../base/language/because.ts';
import { statPath } from '../../storage/boundedFile.ts';

/** The facts that decide which file a program's name means. */
export interface SearchPlace {
  readonly cwd: string | undefined;
  /** Environment of the process that starts the program; undefined when it cannot be read. */
  readonly environment: ReadonlyMap<string, string> | undefined;
  readonly platform: NodeJS.Platform;
  /** Gets the paths under which a program was searched for on PATH: one that appears there changes the result, although nothing on the way changes. */
  readonly tried?: Set<string>;
  /** Gets what else was searched for in more than one folder. */
  readonly searched?: Set<string>;
  /** Gets the names of the variables that scripts on the way read. */
  readonly variables?: Set<string>;
}

/** More links on one path than any kernel follows. */
const maxLinks = 40;

/**
 * The paths under which a system looks for a program, in its order. Undefined when that depends on something unknown.
 * POSIX: a name with a slash is a path; every other name is searched on PATH, where an empty part is the working directory. Windows: the working directory comes
 * first, and a name without an extension of PATHEXT gets each of them.
 */
export function programPaths(name: string, { cwd, environment, platform }: SearchPlace): readonly string[] | undefined {
  if (platform === 'win32') {
    return windowsPaths(name, cwd, environment);
  }
  if (isAbsolute(name)) {
    return [name];
  }
  if (name.includes('/')) {
    return cwd === undefined ? undefined : [resolve(cwd, name)];
  }
  const folders = environment?.get('PATH')?.split(':');
  if (folders === undefined || (cwd === undefined && folders.some((folder) => !isAbsolute(folder)))) {
    return undefined;
  }
  return folders.map((folder) => resolve(cwd ?? '/', folder, name));
}

function windowsPaths(
  name: string,
  cwd: string | undefined,
  environment: ReadonlyMap<string, string> | undefined,
): readonly string[] | undefined {
  const value = (wanted: string): string | undefined =>
    [...(environment ?? [])].find(([variable]) => variable.toUpperCase() === wanted)?.[1];
  const extensions = (value('PATHEXT') ?? '.COM;.EXE;.BAT;.CMD').split(';').filter((extension) => extension !== '');
  const named = extensions.some((extension) => name.toLowerCase().endsWith(extension.toLowerCase()));
  const forms = named ? [name] : extensions.map((extension) => name + extension.toLowerCase());
  if (/[\\/]/.test(name)) {
    return win32.isAbsolute(name) ? forms : cwd === undefined ? undefined : forms.map((form) => win32.resolve(cwd, form));
  }
  const path = value('PATH');
  const folders = [...(cwd === undefined ? [] : [cwd]), ...(path ?? '').split(';').filter((folder) => folder !== '')];
  return path === undefined ? undefined : folders.flatMap((folder) => forms.map((form) => win32.join(folder, form)));
}

/** The program that a name means now, links not resolved. Undefined when none is found, or when it depends on something unknown. */
export function findProgram(name: string, place: SearchPlace): string | undefined {
  const onPath = !/[\\/]/.test(name);
  return programPaths(name, place)?.find((path) => {
    if (onPath) {
      place.tried?.add(path);
    }
    const seen = statPath(path);
    return seen.status === 'ok' && seen.stat.isFile() && (place.platform === 'win32' || (seen.stat.mode & 0o111) !== 0);
  });
}

/** The file of a script that is given to an interpreter: PATH is not searched. Undefined when that depends on an unknown directory. */
export function scriptFile(script: string, { cwd }: SearchPlace): string | undefined {
  return isAbsolute(script) ? script : cwd === undefined ? undefined : join(cwd, script);
}

/** A word of a shell line with `~/` filled in, where the home is known. */
export function fromHome(word: string, { environment }: SearchPlace): string {
  const home = environment?.get('HOME');
  return home !== undefined && word.startsWith('~/') ? join(home, word.slice(2)) : word;
}

/** Why a program was not found. */
export function notFound(name: string, { environment }: SearchPlace): { readonly unknown: string } {
  const searched = name.includes('/') || environment?.has('PATH') === true;
  return { unknown: searched ? because`${name} is not found` : because`the PATH with which it is started cannot be read` };
}

/**
 * The file that a path leads to, with every symbolic link on the way, in any part of the path. Runs no program and opens no file.
 * @param visited gets the paths of the links @param plain directories and files that are known to be no links; grows
 * @param moved a link that is followed as if it led to that target
 * @returns undefined when there is no such file, when it may not be read, and when the links form a loop
 */
export function followLinks(
  path: string,
  visited: Set<string>,
  plain?: Set<string>,
  moved?: { readonly link: string; readonly target: string },
): string | undefined {
  let at = parse(resolve(path)).root;
  let rest = parts(resolve(path));
  let links = 0;
  while (rest.length > 0) {
    const [name = '', ...below] = rest;
    const next = join(at, name);
    try {
      const stat = plain?.has(next) || lstatSync(next, { throwIfNoEntry: false });
      if (!stat) {
        return undefined;
      }
      if (stat === true || !stat.isSymbolicLink()) {
        plain?.add(next);
        at = next;
        rest = below;
        continue;
      }
      links += 1;
      if (links > maxLinks) {
        return undefined;
      }
      visited.add(next);
      const target = moved?.link === next ? moved.target : resolve(dirname(next), readlinkSync(next));
      at = parse(target).root;
      rest = [...parts(target), ...below];
    } catch {
      return undefined;
    }
  }
  return at;
}

/** The paths whose change can make the search for a program on PATH find another one: those that were tried, and the links in their folders. */
export function searchedPaths(tried: readonly string[]): string[] {
  const links = new Set<string>();
  for (const folder of new Set(tried.map((path) => dirname(path)))) {
    followLinks(folder, links);
  }
  return [...links, ...tried];
}

function parts(path: string): string[] {
  return path
    .slice(parse(path).root.length)
    .split(/[\\/]/)
    .filter((part) => part !== '');
}

/**
 * Differs when one of the paths differs; links are not followed.
 * @param seen the paths that were looked at before in the same scan; those that are looked at now are added
 */
export function waySignature(paths: readonly string[], seen: Map<string, string> = new Map()): string {
  return paths
    .map((path) => {
      const signature = seen.get(path) ?? pathSignature(path);
      seen.set(path, signature);
      return signature;
    })
    .join(' ');
}

function pathSignature(path: string): string {
  const stat = lstatOf(path);
  return stat ? `${stat.dev}:${stat.ino}:${stat.size}:${stat.mtimeMs}:${stat.ctimeMs}` : '-';
}

/** A way is followed again after this long, even if nothing on it changed: a file may have appeared earlier on PATH. */
export const freshMs = 60_000;
/** The same where no search can have another result. */
const plainMs = 600_000;
/** Two changes within one tick of the file system's clock have the same times. */
const unsettledMs = 2_000;

/** The links, shims and files on the way when a command was followed. */
export interface WayState {
  /** Epoch ms. */
  readonly at: number;
  /** Undefined while a path on the way is too young to be sure of. */
  readonly signature: string | undefined;
  /** The newest change of a path on the way, epoch ms; 0 when none of them exists. */
  readonly changedAt: number;
}

/** Remembers a way. @param paths what was visited on it @param now epoch ms */
export function wayState(paths: readonly string[], now: number): WayState {
  const changedAt = newestChange(paths);
  return { at: now, signature: now - changedAt > unsettledMs ? waySignature(paths) : undefined, changedAt };
}

/**
 * Whether a command that was followed before need not be followed again.
 * @param now epoch ms
 * @param plain the command led to a package, and no search can have another result
 * @param seen see `waySignature`
 */
export function isSameWay(
  paths: readonly string[],
  { at, signature }: WayState,
  now: number,
  plain = false,
  seen?: Map<string, string>,
): boolean {
  return signature !== undefined && Math.abs(now - at) < (plain ? plainMs : freshMs) && signature === waySignature(paths, seen);
}

/** The newest change of the paths themselves, epoch ms; 0 when none of them exists. */
export function newestChange(paths: readonly string[]): number {
  return Math.max(0, ...paths.map((path) => lstatOf(path)?.ctimeMs ?? 0));
}

/**
 * The first symbolic link that was made after a time. A copy that keeps the times of its files keeps those of links. Links in a `.bin` folder are left out: they are
 * made again with the package to which they lead.
 * @param after epoch ms
 */
export function youngLink(paths: readonly string[], after: number): { readonly path: string; readonly madeAt: number } | undefined {
  for (const path of paths) {
    const stat = /[\\/]\.bin[\\/][^\\/]+$/.test(path) ? undefined : lstatOf(path);
    if (stat?.isSymbolicLink() && stat.mtimeMs > after) {
      return { path, madeAt: stat.mtimeMs };
    }
  }
  return undefined;
}

function lstatOf(path: string): Stats | undefined {
  try {
    return lstatSync(path, { throwIfNoEntry: false });
  } catch {
    return undefined;
  }
}
