import { statSync } from 'node:fs';
import { dirname, join, sep } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import type { ClosureReading, InstalledPackage, PackageRef } from '../model/package.ts';
import { MetadataCache } from './metadataCache.ts';
import type { ImportReader } from './npm/importedCode.ts';
import { readClosure } from './readClosure.ts';

/**
 * The paths whose stat shows that a closure must be read again: for each package the file with its version, and the directories and lists that every
 * installer renews. There is about one path for each package, so checking all of them is cheap. A changed stat is no verdict; it only starts a new reading.
 */
function closureMarks(ref: PackageRef, reading: ClosureReading): readonly string[] {
  const marks = new Set<string>([ref.entry, ref.environment, ...reading.watch]);
  marks.add(join(ref.environment, ref.ecosystem === 'python' ? 'pyvenv.cfg' : 'node_modules'));
  if (reading.status === 'ok') {
    for (const item of reading.packages) {
      for (const mark of item.ecosystem === 'npm' ? npmMarks(item) : pythonMarks(item)) {
        marks.add(mark);
      }
    }
    for (const place of reading.places ?? []) {
      marks.add(place);
    }
  }
  return [...marks];
}

/** npm writes its hidden lock file in the outermost `node_modules` at the end of each install; pnpm's store has lists of its own. */
function npmMarks(item: InstalledPackage): string[] {
  const { root } = item;
  const [manifest = ''] = versionFiles(item);
  const folder = `${sep}node_modules${sep}`;
  const at = root.indexOf(folder);
  if (at < 0) {
    return [manifest];
  }
  const modules = root.slice(0, at + folder.length - 1);
  const store = root.startsWith(join(modules, '.pnpm') + sep);
  return store
    ? [manifest, join(modules, '.modules.yaml'), join(modules, '.pnpm', 'lock.yaml')]
    : [manifest, join(modules, '.package-lock.json'), modules];
}

/** Every installer renames the directory around the metadata file. */
function pythonMarks(item: InstalledPackage): string[] {
  return [...versionFiles(item), dirname(item.root)];
}

/** The file that holds the version of a package. A bare `.egg-info` may be the file itself, so both are named. */
export function versionFiles({ ecosystem, root }: InstalledPackage): string[] {
  if (ecosystem === 'npm') {
    return [join(root, 'package.json')];
  }
  return root.endsWith('.dist-info') ? [join(root, 'METADATA')] : [root, join(root, 'PKG-INFO')];
}

/** Numbers kept for each path: device, inode, size, modification and change time. */
const width = 5;

/**
 * A file that changed this recently may change again with equal times: file systems store times in steps (FAT: 2 s; Linux before 6.13: up to 10 ms), and an
 * inode number is reused at once. Such a path never counts as unchanged. In milliseconds.
 */
const unsettledMs = 2_000;

/** The own package may have hundreds of code files, which installers never change alone: their stats are compared at most this often, in milliseconds. */
const codeEveryMs = 1_000;

/** The stat results of a set of paths at one moment; no file is opened. */
class Fingerprint {
  readonly #paths: readonly string[];
  readonly #values: Float64Array;
  readonly #settled: boolean;
  readonly #every: number;
  #seenAt: number;

  /** Reads the stat of each path now. Never throws. @param now epoch ms @param every ms for which an answer holds */
  constructor(paths: readonly string[], now: number, every = 0) {
    this.#paths = paths;
    this.#every = every;
    this.#seenAt = now;
    this.#values = new Float64Array(paths.length * width);
    let settled = true;
    for (let index = 0; index < paths.length; index += 1) {
      const changedAt = storeStat(paths[index] ?? '', this.#values, index * width);
      settled &&= Math.abs(now - changedAt) > unsettledMs;
    }
    this.#settled = settled;
  }

  /**
   * Whether all paths are unchanged since. Takes about 2 µs for each path. A path that had changed just before the fingerprint was taken counts as changed.
   * Never throws. @param now epoch ms
   */
  isCurrent(now: number): boolean {
    if (!this.#settled) {
      return false;
    }
    if (Math.abs(now - this.#seenAt) < this.#every) {
      return true;
    }
    const values = new Float64Array(width);
    for (let index = 0; index < this.#paths.length; index += 1) {
      storeStat(this.#paths[index] ?? '', values, 0);
      const base = index * width;
      for (let part = 0; part < width; part += 1) {
        if (values[part] !== this.#values[base + part]) {
          return false;
        }
      }
    }
    this.#seenAt = now;
    return true;
  }
}

/** Stores the stat of a path; a missing path and one that may not be read have values of their own. @returns its change time, epoch ms */
function storeStat(path: string, into: Float64Array, at: number): number {
  try {
    const stat = statSync(path, { throwIfNoEntry: false });
    if (!stat) {
      into.fill(-1, at, at + width);
      return Number.NEGATIVE_INFINITY;
    }
    into[at] = stat.dev;
    into[at + 1] = stat.ino;
    into[at + 2] = stat.size;
    into[at + 3] = stat.mtimeMs;
    into[at + 4] = stat.ctimeMs;
    return stat.ctimeMs;
  } catch {
    into.fill(-2, at, at + width);
    return Number.NEGATIVE_INFINITY;
  }
}

/** A reading of an installation that changed this recently is not reused, in milliseconds. */
const installingMs = 2_000;

interface Kept {
  readonly reading: ClosureReading;
  /** Taken before the reading, of its marks and code: while these are unchanged, another reading gives the same. Undefined when the reading must not be reused. */
  readonly fingerprints?: readonly Fingerprint[];
}

/** Reads installations, and reads one again only when something in it changed. */
export class ClosureReader {
  readonly #cache = new MetadataCache();
  readonly #kept = new Map<string, Kept>();
  readonly #imported: ImportReader | undefined;

  /** @param imported to compare also the files of npm packages that the own one imports from others */
  constructor(imported?: ImportReader) {
    this.#imported = imported;
  }

  /**
   * The closure as it is on disk now. An unchanged closure is the same object as before, so that callers can keep what they derived from it. Never throws.
   * @param now epoch ms
   */
  read(ref: PackageRef, now: number): ClosureReading {
    const key = JSON.stringify(ref);
    const before = this.#kept.get(key);
    const kept = before?.fingerprints?.every((one) => one.isCurrent(now)) ? before : this.#readAgain(ref, before?.reading, now);
    this.#kept.set(key, kept);
    return kept.reading;
  }

  /** Forces a new reading at the next call: a file watch reported a change, which counts more than equal stats. */
  doubt(): void {
    for (const [key, { reading }] of this.#kept) {
      this.#kept.set(key, { reading });
    }
  }

  /** Drops the readings that are no longer used. */
  keep(used: ReadonlySet<ClosureReading>): void {
    for (const [key, { reading }] of this.#kept) {
      if (!used.has(reading)) {
        this.#kept.delete(key);
      }
    }
  }

  #readAgain(ref: PackageRef, before: ClosureReading | undefined, now: number): Kept {
    const fingerprints =
      before?.status === 'ok'
        ? [new Fingerprint(closureMarks(ref, before), now), new Fingerprint(before.code ?? [], now, codeEveryMs)]
        : undefined;
    const read = readClosure(ref, this.#cache, now, this.#imported);
    const reading = before !== undefined && isDeepStrictEqual(before, read) ? before : read;
    // The same reading leads to the same marks. While an installer runs, marks change within milliseconds.
    const settled = reading === before && read.status === 'ok' && now - read.changedAt > installingMs;
    return settled && fingerprints ? { reading, fingerprints } : { reading };
  }
}
