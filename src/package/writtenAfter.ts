import { createHash } from 'node:crypto';
import { readdirSync, realpathSync } from 'node:fs';
import { dirname, join, sep } from 'node:path';
import type { ClosureParts, InstalledPackage, PackageRef } from '../model/package.ts';
import { readBounded, readBytes, statPath } from '../storage/boundedFile.ts';
import { versionFiles } from './closureReader.ts';
import { codeFiles } from './code/codeContent.ts';
import { installedRoot } from './npm/nodePackage.ts';
import { recordLines } from './python/pythonMetadata.ts';
import { followLinks, youngLink } from './resolve/commandPath.ts';

/** Most files of one package that are looked at: the first ones. */
const maxFiles = 5_000;
const maxBytes = 8 * 1024 * 1024;

/** A file of an installed package that was written in place, or a link to a package that was made anew. */
interface WrittenFile {
  /** The name of the package. */
  readonly name: string;
  readonly path: string;
  /** Epoch ms. */
  readonly at: number;
}

/**
 * A file that was written, or a link that was made, after a moment although its package was installed before it: what a process that is older loaded is not what
 * is there now, or the file was only touched. npm records no content of single files, so the modification time decides; for Python a file whose content is the one in RECORD was
 * touched. The change time, which no program can set back, counts for one case only: see `rewrittenAlone`. Looks at the code of the server's own package, at the version files of npm packages, and at
 * the links on the way to them. Undefined when there is none. Never throws.
 *
 * @param after epoch ms
 */
export function writtenAfter(
  ref: PackageRef,
  { packages, places = [] }: Pick<ClosureParts, 'packages' | 'places'>,
  after: number,
): WrittenFile | undefined {
  for (const [index, item] of packages.entries()) {
    const path =
      item.ecosystem === 'npm'
        ? npmFiles(item, index === 0 ? ref : undefined).find((file) => writtenAt(file) > after)
        : index === 0
          ? recordedFiles(item).find(({ path: file, hash }) => writtenAt(file) > after && hashOf(file) !== hash)?.path
          : undefined;
    if (path !== undefined) {
      return { name: item.name, path, at: writtenAt(path) };
    }
  }
  const [own] = packages;
  const rewritten = own?.ecosystem === 'npm' ? rewrittenAlone(own, ref, after) : undefined;
  if (own && rewritten) {
    return { name: own.name, ...rewritten };
  }
  for (const [path, name] of waysTo(packages, places)) {
    const visited = new Set<string>();
    followLinks(path, visited);
    const link = youngLink([...visited], after);
    if (link) {
      return { name, path: link.path, at: link.madeAt };
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

/** @param ref of the server's own package: then its code counts too */
function npmFiles(item: InstalledPackage, ref: PackageRef | undefined): string[] {
  // Source in place is compared on its own.
  if (installedRoot(item.root) === undefined) {
    return [];
  }
  const code = ref ? (codeFiles(item.root)?.files ?? []).map((path) => join(item.root, path)) : [];
  const entry = ref && realPath(ref.entry);
  return [...versionFiles(item), ...code, ...(entry?.startsWith(item.root + sep) ? [entry] : [])];
}

/**
 * The `package.json` of the server's own package, where it was changed after a moment and none of its code was: another one was copied over it with its old times
 * (`cp -p`), or its rights were changed. chmod of a whole package, a restored copy and a package manager's hard links change the code, too, and say nothing.
 */
function rewrittenAlone(item: InstalledPackage, ref: PackageRef, after: number): Omit<WrittenFile, 'name'> | undefined {
  const [path = '', ...code] = npmFiles(item, ref);
  const [manifest, ...others] = [path, ...code].map((file) => statPath(file));
  return manifest?.status === 'ok' &&
    manifest.stat.ctimeMs > after &&
    manifest.stat.nlink === 1 &&
    others.length > 0 &&
    others.every((one) => one.status === 'ok' && one.stat.ctimeMs <= after)
    ? { path, at: manifest.stat.ctimeMs }
    : undefined;
}

/** The files of a distribution's site directory with the hashes that its installer recorded. */
function recordedFiles({ root }: InstalledPackage): { readonly path: string; readonly hash: string }[] {
  const record = root.endsWith('.dist-info') ? readBounded(join(root, 'RECORD'), maxBytes) : undefined;
  const lines = record?.status === 'ok' ? recordLines(record.text).slice(0, maxFiles) : [];
  return lines
    .filter(({ path, hash }) => hash.startsWith('sha256=') && !path.split('/').includes('..') && !/^(\/|[A-Za-z]:)|\.pyc$/.test(path))
    .map(({ path, hash }) => ({ path: join(dirname(root), path), hash: hash.slice('sha256='.length) }));
}

/** Epoch ms; 0 when it is no file. */
function writtenAt(path: string): number {
  const seen = statPath(path);
  return seen.status === 'ok' && seen.stat.isFile() ? seen.stat.mtimeMs : 0;
}

function hashOf(path: string): string {
  const read = readBytes(path, maxBytes);
  return read.status === 'ok' ? createHash('sha256').update(read.bytes).digest('base64url') : '';
}

function realPath(path: string): string | undefined {
  try {
    return realpathSync.native(path);
  } catch {
    return undefined;
  }
}
