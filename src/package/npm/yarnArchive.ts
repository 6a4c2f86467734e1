import { dirname, join, resolve } from 'node:path';
import type { PackageRef, PartsOrFailure } from '../../model/package.ts';
import { readBounded, statPath } from '../../storage/boundedFile.ts';
import { isNpmName } from '../../version/npmSpec.ts';
import { versionShaped } from '../../version/versionShape.ts';

/** The map of a large workspace has several megabytes. */
const maxMapBytes = 32 * 1024 * 1024;

/** A package that Yarn Plug’n’Play runs from its archive. The archive's name has the version and a hash: another version is another file. */
interface YarnArchive {
  /** The real path of the zip file, without `__virtual__`. */
  readonly archive: string;
  /** The package's name in the file's name: `@scope-name`. */
  readonly slug: string;
  readonly name: string;
  readonly version: string;
  /** The hash in the file name. */
  readonly checksum: string;
}

/** Parses a path into an archive of Yarn (`…/name-npm-1.2.3-abcdef0123-10c0.zip/node_modules/name/…`); undefined for any other path. */
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

/** The package reference of a path into an archive of Yarn. */
export function yarnRef(entry: string): PackageRef | undefined {
  const found = yarnArchive(entry);
  return found && { ecosystem: 'npm', entry, environment: dirname(found.archive), name: found.name };
}

/** The package by the name of its archive. What it requires is in Yarn's map and is not read. */
export function readYarnArchive(found: YarnArchive): PartsOrFailure {
  const seen = statPath(found.archive);
  if (seen.status !== 'ok') {
    return { status: seen.status === 'absent' ? 'gone' : 'unreadable', reason: seen.reason };
  }
  return {
    status: 'ok',
    packages: [{ ecosystem: 'npm', name: found.name, version: found.version, root: found.archive, content: `yarn-${found.checksum}` }],
    ownOnly: 'dependencies of Yarn Plug’n’Play archives are not read',
    changedAt: seen.stat.ctimeMs,
    watch: [dirname(found.archive)],
  };
}

/**
 * The version of a package in a project's `.pnp.cjs`, which its next start loads. Undefined when the map has none or several versions, or cannot be read.
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

/** The `.pnp.cjs` of the project that a folder is in. */
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
