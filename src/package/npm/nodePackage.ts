import { existsSync, realpathSync } from 'node:fs';
import { basename, dirname, join, parse, sep } from 'node:path';
import { isRecord } from '../../base/json.ts';
import { because } from '../../base/language/because.ts';
import type { PackageRef } from '../../model/package.ts';
import { failure, readBounded, statPath } from '../../storage/boundedFile.ts';
import { isNpmName } from '../../version/npmSpec.ts';
import { versionShaped } from '../../version/versionShape.ts';
import type { MetadataCache } from '../metadataCache.ts';
import { yarnRef } from './yarnArchive.ts';

/** The part of a package.json that is used. The file is untrusted: only values of the right shape are kept. */
interface Manifest {
  readonly name?: string;
  readonly version?: string;
  /** Names of dependencies, optional and peer dependencies; never of development dependencies. */
  readonly requires: readonly string[];
  /** It has the fields of a package, even without a version: a project's own package.json often has none. */
  readonly packageLike: boolean;
}

/** A package's directory (links resolved), and whether it was installed there or is source in place. */
interface PackageHome {
  readonly directory: string;
  readonly manifest: Manifest;
  readonly installed: boolean;
}

function parseManifest(text: string): Manifest | undefined {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (!isRecord(json)) {
    return undefined;
  }
  const requires = new Set<string>();
  for (const field of ['dependencies', 'optionalDependencies', 'peerDependencies']) {
    for (const name of isRecord(json[field]) ? Object.keys(json[field]) : []) {
      if (isNpmName(name)) {
        requires.add(name);
      }
    }
  }
  const version = versionShaped(json.version);
  return {
    ...(typeof json.name === 'string' && isNpmName(json.name) ? { name: json.name } : {}),
    ...(version === undefined ? {} : { version }),
    requires: [...requires],
    packageLike: ['dependencies', 'devDependencies', 'bin', 'scripts', 'workspaces', 'private'].some((field) => field in json),
  };
}

/** Reads `package.json` of a directory. `absent`: there is none; otherwise it could not be read, with the reason. */
export function readManifest(
  directory: string,
  cache?: MetadataCache,
): { readonly manifest: Manifest } | { readonly reason: string; readonly absent: boolean } {
  const path = join(directory, 'package.json');
  const file = cache ? cache.read('manifest', path, parseManifest) : readBounded(path);
  if (file.status !== 'ok') {
    return { reason: file.reason, absent: file.status === 'absent' };
  }
  const manifest = 'value' in file ? file.value : parseManifest(file.text);
  return manifest ? { manifest } : { reason: because`${path} is not a package description`, absent: false };
}

/**
 * The package that a file belongs to: the nearest package.json upwards with a name and a version. Below `node_modules` the search ends at the package's own
 * directory, so that a broken package is never taken for the project around it. Subfolders may have a package.json without a name (`{"type":"module"}`).
 *
 * @param file absolute, links resolved
 */
export function packageOfFile(file: string, cache?: MetadataCache): PackageHome | { readonly unknown: string } {
  const root = installedRoot(file);
  const stop = root ?? parse(file).root;
  let reason = because`no package.json above ${file}`;
  for (let directory = statPath(file).status === 'ok' && isDirectory(file) ? file : dirname(file); ; directory = dirname(directory)) {
    const read = readManifest(directory, cache);
    if ('manifest' in read) {
      const { name, version, packageLike } = read.manifest;
      // A project's own package.json often has no version; an installed one always has.
      if (name !== undefined && (version !== undefined || (root === undefined && packageLike))) {
        return { directory, manifest: read.manifest, installed: root !== undefined };
      }
      reason = name === undefined ? reason : because`${join(directory, 'package.json')} has no version that can be read`;
    } else if (!read.absent) {
      return { unknown: read.reason };
    }
    if (directory === stop || directory === dirname(directory) || basename(directory) === 'node_modules') {
      return { unknown: reason };
    }
  }
}

/** The directory of the installed package that a path lies in (`…/node_modules/@scope/name`, Yarn's `…/node_modules/.store/KEY/package`), if it lies in one. */
export function installedRoot(path: string): string | undefined {
  const parts = path.split(sep);
  const at = parts.lastIndexOf('node_modules');
  const name = parts[at + 1];
  if (at >= 0 && name === '.store' && parts[at + 3] === 'package') {
    return parts.slice(0, at + 4).join(sep);
  }
  if (at < 0 || name === undefined || name === '' || name.startsWith('.')) {
    return undefined;
  }
  const length = name.startsWith('@') ? at + 3 : at + 2;
  return parts.length < length ? undefined : parts.slice(0, length).join(sep);
}

/** The package reference of a script. @param cache keeps what many servers share: the descriptions of their packages */
export function refOfScript(entry: string, cache?: MetadataCache): { readonly ref: PackageRef } | { readonly unknown: string } {
  const archived = yarnRef(entry);
  if (archived) {
    return { ref: archived };
  }
  const file = resolveScript(entry);
  if ('unknown' in file) {
    return file;
  }
  const home = packageOfFile(file.path, cache);
  if ('unknown' in home) {
    return home;
  }
  const name = home.manifest.name ?? basename(home.directory);
  const environment = home.installed ? holderOf(home.directory) : home.directory;
  return { ref: { ecosystem: 'npm', entry, environment, name, ...(home.installed ? {} : { editable: true }) } };
}

/** Whether a package's directory is in Yarn's store (`nodeLinker: pnpm`). */
export function inYarnStore(directory: string): boolean {
  return /[\\/]node_modules[\\/]\.store[\\/][^\\/]+[\\/]package$/.test(directory);
}

/** The directory whose `node_modules` holds an installed package. */
function holderOf(directory: string): string {
  if (inYarnStore(directory)) {
    return dirname(dirname(dirname(dirname(directory))));
  }
  const parent = dirname(directory);
  return dirname(basename(parent).startsWith('@') ? dirname(parent) : parent);
}

/** The file of a script argument, by Node's rule for the main script: as written, with an extension, or in a directory. */
function resolveScript(entry: string): { readonly path: string } | { readonly unknown: string } {
  if (/\.zip[\\/]/.test(entry)) {
    return { unknown: because`it runs from an archive that has no version in its name` };
  }
  for (const candidate of [entry, `${entry}.js`, `${entry}.cjs`, `${entry}.mjs`, `${entry}.json`, `${entry}.node`]) {
    if (existsSync(candidate)) {
      try {
        return { path: realpathSync.native(candidate) };
      } catch (error) {
        return { unknown: failure(candidate, error).reason };
      }
    }
  }
  const seen = statPath(entry);
  return { unknown: seen.status === 'ok' ? because`${entry} vanished while it was read` : seen.reason };
}

function isDirectory(path: string): boolean {
  const seen = statPath(path);
  return seen.status === 'ok' && seen.stat.isDirectory();
}
