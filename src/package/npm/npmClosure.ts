import { lstatSync, readlinkSync, realpathSync, type Stats } from 'node:fs';
import { basename, dirname, join, resolve, sep } from 'node:path';
import { because } from '../../base/language/because.ts';
import { type ClosureParts, type InstalledPackage, maxPackages, type PackageRef, type PartsOrFailure } from '../../model/package.ts';
import { failure, statPath } from '../../storage/boundedFile.ts';
import { BirthTimes, installedSince } from '../birthTimes.ts';
import { codeContent } from '../code/codeContent.ts';
import { isInstalling, npmRetired } from '../installing.ts';
import type { MetadataCache } from '../metadataCache.ts';
import type { ImportReader } from './importedCode.ts';
import { installedRoot, inYarnStore, packageOfFile, readManifest } from './nodePackage.ts';
import { NpmLockContents } from './npmLock.ts';
import { readYarnArchive, yarnArchive } from './yarnArchive.ts';

/**
 * Reads the package of an npm reference and all that it requires, found as Node finds them: in `node_modules` upwards from the real directory of each package.
 * The same rule serves npm (local, global, npx), pnpm and bun. Links are resolved at each reading, because they may lead elsewhere now.
 */
export function readNpmClosure(ref: PackageRef, cache: MetadataCache, now: number, imported?: ImportReader): PartsOrFailure {
  const archive = yarnArchive(ref.entry);
  if (archive) {
    return readYarnArchive(archive);
  }
  const own = ownDirectory(ref, cache);
  if ('status' in own) {
    return own;
  }
  return new NpmWalk(cache, now, imported).from(own.directory, ref);
}

/** Where the reference's package lies now. */
function ownDirectory(
  ref: PackageRef,
  cache: MetadataCache,
): { readonly directory: string } | { readonly status: 'gone' | 'unreadable'; readonly reason: string } {
  const named = ref.editable ? ref.environment : join(ref.environment, 'node_modules', ref.name);
  const file = resolvedEntry(ref.entry);
  if ('path' in file) {
    const home = packageOfFile(file.path, cache);
    if ('directory' in home) {
      return { directory: home.directory };
    }
    return { status: 'unreadable', reason: home.unknown };
  }
  if (file.status === 'unreadable') {
    return { status: 'unreadable', reason: file.reason };
  }
  // The entry's file is gone. Its package may still be there: a new version may have moved its files, or a build is running.
  const there = statPath(named);
  if (there.status !== 'ok') {
    return there.status === 'absent'
      ? { status: 'gone', reason: because`${file.reason}, nor does ${named}` }
      : { status: 'unreadable', reason: there.reason };
  }
  const real = resolvedEntry(named);
  return 'path' in real ? { directory: real.path } : { status: 'unreadable', reason: real.reason };
}

function resolvedEntry(entry: string): { readonly path: string } | { readonly status: 'absent' | 'unreadable'; readonly reason: string } {
  let why: { readonly status: 'absent' | 'unreadable'; readonly reason: string } | undefined;
  for (const candidate of [entry, `${entry}.js`, `${entry}.cjs`, `${entry}.mjs`]) {
    try {
      return { path: realpathSync.native(candidate) };
    } catch (error) {
      why ??= failure(candidate, error);
      if (why.status === 'unreadable') {
        break;
      }
    }
  }
  return why ?? { status: 'unreadable', reason: because`${entry} cannot be read` };
}

/** One walk over the closure. Caches what it reads, so that it reads nothing twice. */
class NpmWalk {
  readonly #cache: MetadataCache;
  readonly #imports: ImportReader | undefined;
  readonly #now: number;
  readonly #locks: NpmLockContents;
  readonly #births = new BirthTimes();
  /** Directories by whether they have a `node_modules`. */
  readonly #holders = new Map<string, boolean>();
  readonly #resolved = new Map<string, string | undefined>();
  readonly #stats = new Map<string, Stats | undefined>();
  readonly #watch = new Set<string>();
  readonly #places = new Set<string>();
  #code: readonly string[] = [];
  /** The files of another package that the own one imports. Undefined as long as the own one was not read. */
  #imported: ReturnType<ImportReader> | undefined;
  readonly #packages: InstalledPackage[] = [];
  #changedAt = 0;
  /** The first unreadable path. Its packages must not count as removed. */
  #refused: string | undefined;

  constructor(cache: MetadataCache, now: number, imported?: ImportReader) {
    this.#imports = imported;
    this.#cache = cache;
    this.#now = now;
    this.#locks = new NpmLockContents(cache);
  }

  from(directory: string, ref: PackageRef): PartsOrFailure {
    const queue = [directory];
    const seen = new Set(queue);
    let ownOnly: string | undefined;
    for (let at = 0; at < queue.length; at += 1) {
      const current = queue[at] ?? directory;
      const read = readManifest(current, this.#cache);
      if (at === 0 && 'reason' in read) {
        return { status: 'unreadable', reason: read.reason };
      }
      const manifest = 'manifest' in read ? read.manifest : undefined;
      this.#add(current, manifest?.name, manifest?.version);
      for (const name of manifest?.requires ?? []) {
        const found = this.#resolve(current, name);
        if (found !== undefined && !seen.has(found)) {
          seen.add(found);
          queue.push(found);
        }
      }
      if (queue.length > maxPackages) {
        ownOnly = because`it requires more than ${maxPackages} packages`;
        break;
      }
    }
    return this.#refused === undefined ? this.#parts(ref, ownOnly) : { status: 'unreadable', reason: this.#refused };
  }

  #parts(ref: PackageRef, ownOnly: string | undefined): ClosureParts {
    this.#watch.add(dirname(ref.entry));
    const [own, ...others] = this.#packages;
    const packages = own ? [own, ...(ownOnly === undefined ? others : [])] : [];
    const parents = [...new Set(packages.map((item) => dirname(item.root)))].filter((path) => !isVirtualStore(path));
    const installing = parents.some((path) => isInstalling(npmRetired(path), this.#now));
    return {
      status: 'ok',
      packages,
      ...(ownOnly === undefined ? {} : { ownOnly }),
      changedAt: installing ? this.#now : Math.max(this.#changedAt, this.#locks.changedAt),
      watch: [...this.#watch],
      places: [...this.#places],
      ...(this.#code.length > 0 ? { code: this.#code } : {}),
    };
  }

  #add(directory: string, name: string | undefined, version: string | undefined): void {
    const stat = this.#lstat(directory);
    const parent = dirname(directory);
    const parentStat = this.#lstat(parent);
    // For a scope also the directory above: a removal of all packages changes that one first.
    const above = basename(parent).startsWith('@') ? this.#lstat(dirname(parent)) : undefined;
    // Files in Yarn's store have the times of the archive; the directory around them has its own.
    const own = inYarnStore(directory) ? { path: parent, stat: parentStat } : { path: directory, stat };
    // The server's own package may be written in place, which is noticed at once.
    const manifest = this.#packages.length === 0 ? this.#lstat(join(directory, 'package.json')) : undefined;
    const installedAt = own.stat && (this.#yarnInstall(directory) ?? installedSince(this.#births.of(own.path, own.stat), own.stat));
    const content = version === undefined ? undefined : (this.#ownCode(directory) ?? this.#locks.contentOf(directory, version));
    // Source in place (`npm link`) was not installed: its creation says nothing about its code, which is compared on its own.
    const isInstalled = installedRoot(directory) !== undefined;
    const imported = isInstalled ? this.#imported?.(directory) : undefined;
    this.#code = [...this.#code, ...(imported?.files ?? [])];
    this.#packages.push({
      ecosystem: 'npm',
      name: name ?? nameByPath(directory),
      ...(version === undefined ? {} : { version }),
      root: directory,
      ...(content === undefined ? {} : { content }),
      ...(imported && { code: imported.content }),
      ...(isInstalled && installedAt !== undefined && { installedAt }),
    });
    this.#changedAt = Math.max(
      this.#changedAt,
      stat?.ctimeMs ?? 0,
      manifest?.ctimeMs ?? 0,
      imported?.changedAt ?? 0,
      isInstalled ? Math.max(parentStat?.ctimeMs ?? 0, above?.ctimeMs ?? 0) : 0,
    );
    this.#watchFor(directory);
  }

  /** For the server's own package only: reading the code of all dependencies takes too long. */
  #ownCode(directory: string): string | undefined {
    const isOwn = this.#packages.length === 0 && installedRoot(directory) !== undefined;
    const read = isOwn ? codeContent(directory, this.#cache) : undefined;
    this.#changedAt = Math.max(this.#changedAt, read?.changedAt ?? 0);
    this.#code = read?.files ?? this.#code;
    this.#imported ??= read && this.#imports?.(directory, read.files, this.#cache, (name) => this.#resolve(directory, name));
    for (const path of read?.folders ?? []) {
      this.#places.add(path);
    }
    return read?.content;
  }

  /**
   * Yarn keeps a package's directory and replaces the files in it (Yarn 1 with the times of the archive), so the birth time of package.json counts. Yarn writes
   * a file of its own at the end of each install that changes something; in a copy that kept its times, that file has the older time.
   */
  #yarnInstall(directory: string): number | undefined {
    const root = installedRoot(directory);
    const top = root?.slice(0, root.indexOf(`${sep}node_modules${sep}`));
    const marks = ['.yarn-integrity', '.yarn-state.yml'].map((name) =>
      top === undefined ? undefined : this.#lstat(join(top, 'node_modules', name)),
    );
    const mark = marks.find((stat) => stat !== undefined);
    const path = join(directory, 'package.json');
    const manifest = mark && this.#lstat(path);
    const born = manifest && this.#births.of(path, manifest);
    return mark && born !== undefined ? Math.min(born, mark.mtimeMs) : undefined;
  }

  #watchFor(directory: string): void {
    const parent = dirname(directory);
    if (installedRoot(directory) === undefined) {
      // A project's package.json is in the project's directory itself.
      this.#watch.add(directory);
    } else if (isVirtualStore(parent)) {
      this.#watch.add(virtualStore.exec(parent)?.[1] ?? parent);
    } else {
      this.#watch.add(parent);
      if (basename(parent).startsWith('@')) {
        this.#watch.add(dirname(parent));
      }
    }
  }

  /** Node's own rule: the nearest `node_modules/<name>` upwards. */
  #resolve(from: string, name: string): string | undefined {
    for (let directory = from; ; directory = dirname(directory)) {
      if (basename(directory) !== 'node_modules' && this.#hasModules(directory)) {
        const path = join(directory, 'node_modules', name);
        const found = this.#real(path);
        if (found !== undefined) {
          this.#places.add(dirname(path));
          return found;
        }
      }
      if (directory === dirname(directory)) {
        return undefined;
      }
    }
  }

  #hasModules(directory: string): boolean {
    let has = this.#holders.get(directory);
    if (has === undefined) {
      const seen = statPath(join(directory, 'node_modules'));
      this.#refused ??= seen.status === 'unreadable' ? seen.reason : undefined;
      has = seen.status === 'ok';
      this.#holders.set(directory, has);
    }
    return has;
  }

  #real(path: string): string | undefined {
    if (this.#resolved.has(path)) {
      return this.#resolved.get(path);
    }
    const stat = this.#lstat(path);
    let found = stat?.isDirectory() ? path : undefined;
    if (stat?.isSymbolicLink()) {
      try {
        found = realpathSync.native(path);
        if (found !== resolve(dirname(path), readlinkSync(path))) {
          // A link on the way to its target may lead elsewhere while this one stays.
          this.#places.add(path);
        }
      } catch (error) {
        this.#note(path, error);
      }
    }
    this.#resolved.set(path, found);
    return found;
  }

  #note(path: string, error: unknown): void {
    const why = failure(path, error);
    this.#refused ??= why.status === 'unreadable' ? why.reason : undefined;
  }

  #lstat(path: string): Stats | undefined {
    if (!this.#stats.has(path)) {
      let stat: Stats | undefined;
      try {
        stat = lstatSync(path, { throwIfNoEntry: false });
      } catch (error) {
        this.#note(path, error);
      }
      this.#stats.set(path, stat);
    }
    return this.#stats.get(path);
  }
}

/** Whether a directory is in a store with a directory for each version, as pnpm, Yarn and npm have: links in `node_modules` lead there. */
const virtualStore = /^(.*?[\\/]node_modules[\\/]\.(?:pnpm|store))[\\/]/;

function isVirtualStore(path: string): boolean {
  return virtualStore.test(path);
}

function nameByPath(directory: string): string {
  const scope = basename(dirname(directory));
  return scope.startsWith('@') ? `${scope}/${basename(directory)}` : basename(directory);
}
