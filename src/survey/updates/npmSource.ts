import { join } from 'node:path';
import { isRecord } from '../../base/json.ts';
import { bunLocked, type LockedPackage, pnpmLocked, yarnLocked, yarnOneLocked } from '../../package/npm/lockFiles.ts';
import { readBounded } from '../../storage/boundedFile.ts';
import { parseNpmSpec } from '../../version/npmSpec.ts';

/** In bytes. */
const maxLockBytes = 16 * 1024 * 1024;

/** Where an npm package came from, or the file that may say so and cannot be read. */
type NpmSource = { readonly resolved: string } | { readonly unreadable: string };

/**
 * Where an npm package came from: as npm's own lock file says, else the project's package.json, the name of pnpm's folder or any other lock file. Undefined when
 * none of them names a source.
 *
 * @param manifest the project's package.json
 */
export function npmSource(
  project: string,
  environment: string,
  manifest: Record<string, unknown> | undefined,
  name: string,
): NpmSource | undefined {
  const named = sourceAsked(manifest, name) ?? pnpmSource(environment);
  return (
    (project === environment ? npmLocked(join(environment, 'node_modules', '.package-lock.json'), name) : undefined) ??
    (named === undefined ? undefined : { resolved: named }) ??
    // For projects without npm's hidden lock file.
    npmLocked(join(project, 'package-lock.json'), name) ??
    lockedElsewhere(project, name)
  );
}

/** The requirements of a package in a project's package.json, of any type. */
export function askedIn(manifest: Record<string, unknown> | undefined, name: string): unknown[] {
  return ['dependencies', 'devDependencies', 'optionalDependencies'].flatMap((field) => {
    const listed = manifest?.[field];
    return isRecord(listed) && Object.hasOwn(listed, name) ? [listed[name]] : [];
  });
}

/** The file, folder, address or checkout that the project's package.json requires. */
function sourceAsked(manifest: Record<string, unknown> | undefined, name: string): string | undefined {
  for (const asked of askedIn(manifest, name)) {
    const spec = typeof asked === 'string' ? parseNpmSpec(`${name}@${asked}`) : undefined;
    if (spec && 'source' in spec) {
      return spec.source;
    }
  }
  return undefined;
}

/** pnpm names the folder of a package from outside of registries after its source: `notes@file+..+notes.tgz`. */
function pnpmSource(environment: string): string | undefined {
  return /[\\/]\.pnpm[\\/][^\\/]*@((?:file|link|git|https?)[+:@][^\\/]*)$/.exec(environment)?.[1];
}

/** The address in a lock file of npm. */
function npmLocked(file: string, name: string): NpmSource | undefined {
  const read = readBounded(file, maxLockBytes);
  if (read.status !== 'ok') {
    return read.status === 'absent' ? undefined : { unreadable: file };
  }
  let lock: unknown;
  try {
    lock = JSON.parse(read.text);
  } catch {
    return { unreadable: file };
  }
  const packages = isRecord(lock) ? lock.packages : undefined;
  const entry = isRecord(packages) ? packages[`node_modules/${name}`] : undefined;
  return isRecord(entry) && typeof entry.resolved === 'string' ? { resolved: entry.resolved } : undefined;
}

/** Lock files of other package managers. A text without its mark names no archive, and is not parsed: that takes 0.1 s for 1,000 packages of pnpm. */
const otherLocks: readonly [file: string, mark: string, packagesOf: (text: string) => LockedPackage[] | undefined][] = [
  ['yarn.lock', ' resolved "', yarnOneLocked],
  ['yarn.lock', '__archiveUrl', yarnLocked],
  ['pnpm-lock.yaml', 'tarball', pnpmLocked],
  ['bun.lock', 'packages', bunLocked],
];

function lockedElsewhere(project: string, name: string): NpmSource | undefined {
  for (const [file, mark, packagesOf] of otherLocks) {
    const path = join(project, file);
    const read = readBounded(path, maxLockBytes);
    if (read.status === 'absent' || (read.status === 'ok' && !read.text.includes(mark))) {
      continue;
    }
    const packages = read.status === 'ok' ? packagesOf(read.text) : undefined;
    if (packages === undefined) {
      return { unreadable: path };
    }
    const archive = packages.find((one) => one.archive !== undefined && one.id.startsWith(`${name}@`))?.archive;
    if (archive !== undefined) {
      return { resolved: archive };
    }
  }
  return undefined;
}
