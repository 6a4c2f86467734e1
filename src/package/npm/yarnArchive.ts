import { dirname, join, resolve } from 'node:path';
import type { PackageRef } from '../../model/package.ts';
import { readBounded, statPath } from '../../storage/boundedFile.ts';
import { isNpmName } from '../../version/npmSpec.ts';
import { versionShaped } from '../../version/versionShape.ts';
import type { PartsOrFailure } from '../closureParts.ts';

/** The map of a large workspace is some megabytes. */
const maxMapBytes = 32 * 1024 * 1024;

/** A package that Yarn Plug’n’Play runs from inside its archive. The archive's name holds version and content: another version is another file. */
interface YarnArchive {
  /** The zip file, with `__virtual__` undone. */
  readonly archive: string;
  /** How the name is written in the file's name: `@scope-name`. */
  readonly slug: string;
  readonly name: string;
  readonly version: string;
  /** The part of the file name that stands for the content. */
  readonly checksum: string;
}

/** Reads a path into an archive of Yarn (`…/name-npm-1.2.3-abcdef0123-10c0.zip/node_modules/name/…`); undefined for any other path. */
export function yarnArchive(path: string): YarnArchive | undefined {
  const match =
    /^(.*[\\/]([^\\/]+)-npm-([^\\/]+?)-([0-9a-f]{10}(?:-[0-9a-z]+)?)\.zip)[\\/]node_modules[\\/]((?:@[^\\/]+[\\/])?[^\\/]+)[\\/]/.exec(
      path,
    );
  const [, archive = '', slug = '', written = '', checksum = '', folder = ''] = match ?? [];
  const name = folder.replace('\\', '/');
  const version = versionShaped(written);
  return match && isNpmName(name) && version !== undefined ? { archive: realArchive(archive), slug, name, version, checksum } : undefined;
}

/** `A/__virtual__/HASH/N/rest` stands for `rest` seen from N directories above A (Yarn's rule). */
function realArchive(path: string): string {
  const match = /^(.*)[\\/](?:__virtual__|\$\$virtual)[\\/][^\\/]+[\\/](\d+)[\\/](.*)$/.exec(path);
  return match ? resolve(match[1] ?? '/', ...Array.from({ length: Number(match[2]) }, () => '..'), match[3] ?? '') : path;
}

/** The reference of such a package. */
export function yarnRef(entry: string): PackageRef | undefined {
  const found = yarnArchive(entry);
  return found && { ecosystem: 'npm', entry, environment: dirname(found.archive), name: found.name };
}

/** The package as its archive's name says; what it requires stands in Yarn's own map and is not read. */
export function readYarnArchive(found: YarnArchive): PartsOrFailure {
  const seen = statPath(found.archive);
  if (seen.status !== 'ok') {
    return { status: seen.status === 'absent' ? 'gone' : 'unreadable', reason: seen.reason };
  }
  return {
    status: 'ok',
    packages: [{ ecosystem: 'npm', name: found.name, version: found.version, root: found.archive, content: `yarn-${found.checksum}` }],
    ownOnly: 'what an archive of Yarn Plug’n’Play requires is not read',
    changedAt: seen.stat.ctimeMs,
    watch: [dirname(found.archive)],
  };
}

/**
 * The version of a package that a project's `.pnp.cjs` leads to: what its next start loads. Undefined when the map names none or several (they would be
 * several copies) or cannot be read.
 */
export function pnpVersion(file: string, found: YarnArchive): string | undefined {
  const text = readBounded(file, maxMapBytes);
  if (text.status !== 'ok') {
    return undefined;
  }
  const mark = `${found.slug}-npm-`;
  const versions = new Set<string>();
  for (let at = text.text.indexOf(mark); at >= 0; at = text.text.indexOf(mark, at + 1)) {
    const before = text.text[at - 1];
    const rest = /^([^\\/"]+?)-[0-9a-f]{10}(?:-[0-9a-z]+)?\.zip/.exec(text.text.slice(at + mark.length, at + mark.length + 200));
    const version = before === '/' ? versionShaped(rest?.[1]) : undefined;
    if (version !== undefined) {
      versions.add(version);
    }
  }
  const [only] = versions;
  return versions.size === 1 ? only : undefined;
}

/** Where the project of a Plug’n’Play process has its map. */
export function pnpFile(folder: string): string | undefined {
  for (let at = folder; ; at = dirname(at)) {
    const path = join(at, '.pnp.cjs');
    if (statPath(path).status === 'ok') {
      return path;
    }
    if (at === dirname(at)) {
      return undefined;
    }
  }
}
