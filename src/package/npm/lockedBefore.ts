import { join, relative, sep } from 'node:path';
import { isRecord } from '../../base/json.ts';
import type { InstalledPackage } from '../../model/package.ts';
import { readBounded } from '../../storage/boundedFile.ts';

/** Lock files that installers write whenever what they install changes, and leave alone else (npm does so with `npm ci` only). */
const lockFiles = ['pnpm-lock.yaml', 'bun.lock', 'package-lock.json', 'yarn.lock'] as const;
const maxLockBytes = 32 * 1024 * 1024;

/**
 * Whether npm packages that were installed after a moment are the versions that a lock file names which was there, as it is, before that moment: then the same
 * versions were installed again (`rm -rf node_modules` and an install). Only frees from a suspicion: a lock file of any other age says nothing.
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

/** What the lock files of a project name; nothing as soon as one of them was written since: it may be the one that counts. */
function lockOf(project: string, before: number): (item: InstalledPackage) => boolean {
  const found = lockFiles.map((name) => ({ name, read: readBounded(join(project, name), maxLockBytes) }));
  const unsure = found.some(
    ({ read }) => read.status === 'unreadable' || (read.status === 'ok' && Math.max(read.stat.mtimeMs, read.stat.ctimeMs) > before),
  );
  const texts = found.flatMap(({ name, read }) => (read.status === 'ok' ? [{ name, text: read.text }] : []));
  const npm = npmVersions(texts.find(({ name }) => name === 'package-lock.json')?.text);
  const others = texts.filter(({ name }) => name === 'pnpm-lock.yaml' || name === 'bun.lock').map(({ text }) => text);
  return ({ name, version = '', root }) =>
    !unsure &&
    (npm.get(relative(project, root).split(sep).join('/')) === version || others.some((text) => namesVersion(text, name, version)));
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

/** `name@1.2.3`, or the file of an archive of that version. */
function namesVersion(text: string, name: string, version: string): boolean {
  const plain = (part: string): string => part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
  return new RegExp(`(?<![\\w.@/-])${plain(name)}@(?:[^\\s"']*[/-])?${plain(version)}(?=\\.tgz|["'(:,\\s]|$)`).test(text);
}
