import { join, relative, sep } from 'node:path';
import { isRecord } from '../../base/json.ts';
import type { InstalledPackage } from '../../model/package.ts';
import { readBounded } from '../../storage/boundedFile.ts';
import { bunLocked, type LockedPackage, pnpmLocked } from './lockFiles.ts';

/** Lock files that installers write only when the installed versions change (npm: only with `npm ci`). */
const lockFiles = ['pnpm-lock.yaml', 'bun.lock', 'package-lock.json', 'yarn.lock'] as const;
const maxLockBytes = 32 * 1024 * 1024;

/**
 * Whether a lock file that was last written before a moment names the versions of packages that were installed after it: then the same versions were installed
 * again (`rm -rf node_modules` and an install). Only removes a suspicion: a younger lock file says nothing.
 *
 * @param before epoch ms
 */
export function lockedBefore(packages: readonly InstalledPackage[], before: number): boolean {
  const projects = new Map<string, (item: InstalledPackage) => boolean>();
  return (
    packages.length > 0 &&
    packages.every((item) => {
      const at = item.root.indexOf(`${sep}node_modules${sep}`);
      if (item.ecosystem !== 'npm' || item.version === undefined || at <= 0) {
        return false;
      }
      const project = item.root.slice(0, at);
      const names = projects.get(project) ?? lockOf(project, before);
      projects.set(project, names);
      return names(item);
    })
  );
}

/** The test whether a project's lock files name a version. It fails for all when one of the files was written later: that one may be in use. */
function lockOf(project: string, before: number): (item: InstalledPackage) => boolean {
  const found = lockFiles.map((name) => ({ name, read: readBounded(join(project, name), maxLockBytes) }));
  const unsure = found.some(
    ({ read }) => read.status === 'unreadable' || (read.status === 'ok' && Math.max(read.stat.mtimeMs, read.stat.ctimeMs) > before),
  );
  if (unsure) {
    return () => false;
  }
  const textOf = (file: (typeof lockFiles)[number]): string | undefined =>
    found.flatMap(({ name, read }) => (name === file && read.status === 'ok' ? [read.text] : []))[0];
  const npm = npmVersions(textOf('package-lock.json'));
  const [pnpm, bun] = [textOf('pnpm-lock.yaml'), textOf('bun.lock')];
  const others = [...((pnpm && pnpmLocked(pnpm)) || []), ...((bun && bunLocked(bun)) || [])];
  return ({ name, version = '', root }) =>
    npm.get(relative(project, root).split(sep).join('/')) === version || others.some((one) => isVersion(one, name, version));
}

function npmVersions(text: string | undefined): ReadonlyMap<string, string> {
  try {
    const json: unknown = JSON.parse(text ?? 'null');
    const packages = isRecord(json) && isRecord(json.packages) ? Object.entries(json.packages) : [];
    return new Map(
      packages.flatMap(([path, value]) => (isRecord(value) && typeof value.version === 'string' ? [[path, value.version]] : [])),
    );
  } catch {
    return new Map();
  }
}

/** Whether it is `name@1.2.3`, or an archive of that version by what the lock file or the name of the archive says. */
function isVersion(locked: LockedPackage, name: string, version: string): boolean {
  const source = locked.id.startsWith(`${name}@`) ? locked.id.slice(name.length + 1) : undefined;
  return (
    source !== undefined &&
    (source === version || locked.version === version || source.endsWith(`-${version}.tgz`) || source.endsWith(`/${version}.tgz`))
  );
}
