import { createHash } from 'node:crypto';
import { realpathSync } from 'node:fs';
import { dirname, join, sep } from 'node:path';
import type { InstalledPackage, PackageRef } from '../model/package.ts';
import { readBounded, readBytes, statPath } from '../storage/boundedFile.ts';
import { versionFiles } from './closureReader.ts';
import { codeFiles } from './code/codeContent.ts';
import { installedRoot } from './npm/nodePackage.ts';
import { recordLines } from './python/pythonMetadata.ts';

/** Most files of one package that are looked at: the first ones. */
const maxFiles = 5_000;
const maxBytes = 8 * 1024 * 1024;

/** A file of an installed package that was written in place. */
interface WrittenFile {
  /** The name of the package. */
  readonly name: string;
  readonly path: string;
  /** Epoch ms. */
  readonly at: number;
}

/**
 * A file that was written after a moment although its package was installed before it: what a process that is older loaded is not what the file holds now, or
 * the file was only touched. npm records no content of single files, so the modification time decides; for Python a file whose content is the one in RECORD was
 * touched. The change time is not used: chmod and hard links change it. Looks at the code of the server's own package, and at the version files of npm packages.
 * Undefined when there is none. Never throws.
 *
 * @param packages the server's own package first
 * @param after epoch ms
 */
export function writtenAfter(ref: PackageRef, packages: readonly InstalledPackage[], after: number): WrittenFile | undefined {
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
  return undefined;
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
