import { createHash } from 'node:crypto';
import { readdirSync } from 'node:fs';
import { dirname, join, sep } from 'node:path';
import type { ClosureParts, InstalledPackage, PackageRef } from '../model/package.ts';
import { readBounded, readBytes, realPath, statPath } from '../storage/boundedFile.ts';
import { versionFiles } from './closureReader.ts';
import { codeFiles } from './code/codeContent.ts';
import { StartContents } from './code/contentAtStart.ts';
import { installedRoot } from './npm/nodePackage.ts';
import { recordLines } from './python/pythonMetadata.ts';
import { followLinks, youngLink } from './resolve/commandPath.ts';

/** Most files of one package that are looked at: the first ones. */
const maxFiles = 5_000;
const maxBytes = 8 * 1024 * 1024;

/** A file that was written in place, a directory that took the place of another one, or a link to a package that was made anew. */
interface WrittenFile {
  /** The name of the package. */
  readonly name: string;
  readonly path: string;
  /** Epoch ms. */
  readonly at: number;
}

/**
 * A file that was written, a directory that was moved in, or a link that was made, after a moment although the package was installed before it: what a process that is
 * older loaded is not what is there now, or only times or rights were changed. Modification times can be set back (`cp -p`, `tar`, `rsync -t`), so the change time
 * counts, too, except for a file with several links: package managers make and remove links to the files of their stores. For Python a file whose content is the
 * one in RECORD was touched, one that RECORD names and that is gone was removed, and RECORD itself counts by its change time. Looks at the code of the server's
 * own package, at the version files of all packages, and at the directories and links on the way to them. Of source in place only the version file counts, unless
 * git shows that it holds what it held at the start: its code is compared on its own. Undefined when there is none. Never throws.
 *
 * @param after epoch ms
 */
export function writtenAfter(
  ref: PackageRef,
  { packages, places = [], code = [] }: Pick<ClosureParts, 'packages' | 'places' | 'code'>,
  after: number,
): WrittenFile | undefined {
  const asked = new Set<string>();
  const contents = new StartContents({ at: after });
  for (const [index, item] of packages.entries()) {
    const files = item.ecosystem === 'npm' ? npmFiles(item, index === 0 ? ref : undefined, code) : pythonFiles(item, index === 0);
    const inPlace = item.ecosystem === 'npm' && installedRoot(item.root) === undefined;
    const isSame = ({ path, hash }: TimedFile): boolean =>
      inPlace ? holdsCommit(path, contents) : hash !== undefined && hashOf(path) === hash;
    const written = files.find((file) => writtenAt(file) > after && !isSame(file));
    if (written) {
      return { name: item.name, path: written.path, at: writtenAt(written) };
    }
    const directories = [...new Set(files.map((file) => dirname(file.path))), item.root];
    const moved = directories.map((directory) => movedIn(directory, after, asked)).find((found) => found !== undefined);
    if (moved) {
      return { name: item.name, ...moved };
    }
  }
  // The ways to all packages begin with the same directories.
  const plain = new Set<string>();
  for (const [path, name] of waysTo(packages, places)) {
    const visited = new Set<string>();
    followLinks(path, visited, plain);
    const link = youngLink([...visited], after);
    if (link) {
      return { name, path: link.path, at: link.madeAt };
    }
  }
  return undefined;
}

/**
 * A directory, or one above it, that was renamed into its place after a moment: that changes its change time and the modification time of the directory around it,
 * but not its own. Not noticed where something was added to it afterwards.
 * @param asked directories that are known not to be moved in; grows
 */
function movedIn(directory: string, after: number, asked: Set<string>): Omit<WrittenFile, 'name'> | undefined {
  for (let path = directory; dirname(path) !== path && !asked.has(path); path = dirname(path)) {
    asked.add(path);
    const [own, around] = [statPath(path), statPath(dirname(path))];
    if (
      own.status === 'ok' &&
      around.status === 'ok' &&
      own.stat.isDirectory() &&
      own.stat.ctimeMs > after &&
      own.stat.mtimeMs <= after &&
      around.stat.mtimeMs > after
    ) {
      return { path, at: own.stat.ctimeMs };
    }
  }
  return undefined;
}

/**
 * The paths by which packages are found, before links are followed, with the name of a package there: the directories around them, and the links in the directories
 * in which Node looks.
 */
function waysTo(packages: readonly InstalledPackage[], places: readonly string[]): ReadonlyMap<string, string> {
  const names = new Map(packages.map(({ name, root }) => [root, name]));
  const ways = new Map<string, string>();
  for (const { name, root } of packages) {
    if (!ways.has(dirname(root))) {
      ways.set(dirname(root), name);
    }
  }
  for (const path of places.flatMap(linksIn)) {
    const name = names.get(realPath(path) ?? '');
    if (name !== undefined) {
      ways.set(path, name);
    }
  }
  return ways;
}

function linksIn(directory: string): string[] {
  try {
    const entries = readdirSync(directory, { withFileTypes: true });
    return entries.filter((entry) => entry.isSymbolicLink()).map((entry) => join(directory, entry.name));
  } catch {
    return [];
  }
}

/** A file whose times count, unless it has the content with this hash. */
interface TimedFile {
  readonly path: string;
  readonly hash?: string;
}

/**
 * @param ref of the server's own package: then its code counts too
 * @param imported files that the own package imports from others
 */
function npmFiles(item: InstalledPackage, ref: PackageRef | undefined, imported: readonly string[]): TimedFile[] {
  const version = versionFiles(item);
  if (installedRoot(item.root) === undefined) {
    return ref ? version.map((path) => ({ path })) : [];
  }
  const code = ref
    ? (codeFiles(item.root)?.files ?? []).map((path) => join(item.root, path))
    : imported.filter((path) => item.code !== undefined && path.startsWith(item.root + sep));
  const entry = ref && realPath(ref.entry);
  return [...version, ...code, ...(entry?.startsWith(item.root + sep) ? [entry] : [])].map((path) => ({ path }));
}

/** Of METADATA and other files some installers make links, but RECORD they write. */
function pythonFiles(item: InstalledPackage, own: boolean): TimedFile[] {
  return item.root.endsWith('.dist-info') ? [{ path: join(item.root, 'RECORD') }, ...(own ? recordedFiles(item) : [])] : [];
}

/** The files of a distribution's site directory with the hashes that its installer recorded. */
function recordedFiles({ root }: InstalledPackage): TimedFile[] {
  const record = readBounded(join(root, 'RECORD'), maxBytes);
  const lines = record.status === 'ok' ? recordLines(record.text).slice(0, maxFiles) : [];
  return lines
    .filter(({ path, hash }) => hash.startsWith('sha256=') && !path.split('/').includes('..') && !/^(\/|[A-Za-z]:)|\.pyc$/.test(path))
    .map(({ path, hash }) => ({ path: join(dirname(root), path), hash: hash.slice('sha256='.length) }));
}

/** Epoch ms; 0 when it is no file. A file that an installer recorded, and that is gone, was removed at the last change of its directory. */
function writtenAt({ path, hash }: TimedFile): number {
  const seen = statPath(path);
  if (seen.status === 'absent' && hash !== undefined) {
    const around = statPath(dirname(path));
    return around.status === 'ok' ? around.stat.mtimeMs : writtenAt({ path: dirname(path), hash });
  }
  if (seen.status !== 'ok' || !seen.stat.isFile()) {
    return 0;
  }
  const { mtimeMs, ctimeMs, nlink } = seen.stat;
  return nlink === 1 ? Math.max(mtimeMs, ctimeMs) : mtimeMs;
}

function hashOf(path: string): string {
  const read = readBytes(path, maxBytes);
  return read.status === 'ok' ? createHash('sha256').update(read.bytes).digest('base64url') : '';
}

/** Whether git shows that a file holds what the commit at the start held. */
function holdsCommit(path: string, contents: StartContents): boolean {
  const seen = statPath(path);
  return seen.status === 'ok' && contents.of(path, seen.stat.mtimeMs) === 'same';
}
