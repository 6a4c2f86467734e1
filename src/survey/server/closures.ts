import { statSync } from 'node:fs';
import { dirname, normalize, sep } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { keepOnly } from '../../base/keepOnly.ts';
import type { ClosureReading, PackageRef } from '../../model/package.ts';
import { identityKey, type ProcessDetail, type ProcessRow } from '../../model/process.ts';
import { latestRemovalTime } from '../../package/birthTimes.ts';
import { ClosureReader, versionFiles } from '../../package/closureReader.ts';
import { type Identified, identifyPackage } from '../../package/identifyPackage.ts';
import { MetadataCache } from '../../package/metadataCache.ts';
import { importedCode } from '../../package/npm/importedCode.ts';
import { realPath } from '../../storage/boundedFile.ts';

/** Readings of installations, one in each scan for all servers that run from the same one. */
class Installations {
  readonly #reader = new ClosureReader(importedCode);
  readonly #ofThisScan = new Map<string, ClosureReading>();

  /** The installation as it is now; the same object while it does not change. Never throws. @param now epoch ms */
  read(ref: PackageRef, now: number): ClosureReading {
    const key = JSON.stringify(ref);
    const reading = this.#ofThisScan.get(key) ?? this.#reader.read(ref, now);
    this.#ofThisScan.set(key, reading);
    return reading;
  }

  /** Something may have changed on disk. */
  doubt(): void {
    this.#ofThisScan.clear();
    this.#reader.doubt();
  }

  /** Ends a scan: drops readings that are not in use. */
  keep(used: ReadonlySet<ClosureReading>): void {
    this.#ofThisScan.clear();
    this.#reader.keep(used);
  }
}

/** Read again after this long even without an event from a watch: watches can fail (network drives, exhausted limits). */
const freshMs = 60_000;

/** A process whose package was not identified, perhaps during an installation, is identified again after this long. */
const unidentifiedMs = 5_000;

interface Unidentified {
  readonly unknown: string;
  readonly askedAt: number;
}

interface Entry {
  readonly ref: PackageRef;
  readonly recorded: boolean;
  reading: ClosureReading;
  readAt: number;
  dirty: boolean;
  goneSince: number | undefined;
}

/** The package and closure that a server was loaded from, as on disk now. */
export type LoadedPackage =
  | {
      readonly ref: PackageRef;
      readonly reading: ClosureReading;
      /** Epoch ms. */
      readonly goneSince?: number;
      /** The reference comes from the stored baseline: the process itself no longer shows it. */
      readonly recorded?: boolean;
    }
  | { readonly unknown: string };

/** The packages of the running servers as they are on disk, read again only when something under them changed. */
export class Closures {
  readonly #entries = new Map<string, Entry | Unidentified>();
  readonly #installations = new Installations();
  readonly #manifests = new MetadataCache();

  /**
   * The package and closure that one server was loaded from, as on disk now.
   * @param now epoch ms
   * @param recorded the reference in the stored baseline: used when the files are gone and the package can no longer be identified
   */
  current(row: ProcessRow, detail: ProcessDetail, now: number, recorded?: PackageRef): LoadedPackage {
    const key = identityKey(row.identity);
    let entry = this.#entries.get(key);
    if (!entry || ('unknown' in entry && now - entry.askedAt > unidentifiedMs)) {
      const found = inOurView(identifyPackage(row, detail, this.#manifests), detail);
      const identified = 'unknown' in found && recorded && detail.elsewhere === undefined ? { ref: recorded } : found;
      entry =
        'unknown' in identified
          ? { unknown: identified.unknown, askedAt: now }
          : {
              ref: identified.ref,
              recorded: 'unknown' in found,
              reading: this.#installations.read(identified.ref, now),
              readAt: now,
              dirty: false,
              goneSince: undefined,
            };
      this.#entries.set(key, entry);
    }
    if ('unknown' in entry) {
      return entry;
    }
    if (entry.dirty || now - entry.readAt > freshMs || entry.reading.status === 'gone') {
      entry.reading = this.#installations.read(entry.ref, now);
      entry.readAt = now;
      entry.dirty = false;
    }
    entry.goneSince =
      entry.reading.status === 'gone' ? (entry.goneSince ?? Math.min(now, latestRemovalTime(entry.ref.entry) ?? now)) : undefined;
    return {
      ref: entry.ref,
      reading: entry.reading,
      ...(entry.goneSince === undefined ? {} : { goneSince: entry.goneSince }),
      ...(entry.recorded ? { recorded: true } : {}),
    };
  }

  /** Something changed at or in a watched directory, or in a watched file: packages there are read again when they are next needed. */
  changed(path: string): void {
    this.#installations.doubt();
    for (const entry of this.#entries.values()) {
      if ('unknown' in entry) {
        continue;
      }
      const { own, others } = filesOf(entry);
      if (own.has(path) || others.has(path) || entry.reading.watch.some((watched) => watched === path || dirname(path) === watched)) {
        entry.dirty = true;
      }
    }
  }

  /** All packages are read again when they are next needed. */
  allChanged(): void {
    this.#installations.doubt();
    for (const entry of this.#entries.values()) {
      if (!('unknown' in entry)) {
        entry.dirty = true;
      }
    }
  }

  /** Drops the servers that have ended. */
  keep(alive: ReadonlySet<string>): void {
    keepOnly(this.#entries, alive);
    this.#installations.keep(new Set([...this.#entries.values()].flatMap((entry) => ('unknown' in entry ? [] : [entry.reading]))));
  }

  /** Directories whose change matters. */
  watched(): string[] {
    const paths = new Set<string>();
    for (const entry of this.#entries.values()) {
      if (!('unknown' in entry)) {
        for (const path of entry.reading.watch) {
          paths.add(path);
        }
      }
    }
    return [...paths];
  }

  /**
   * Files whose change matters, because a directory does not report that a file in it was written in place, and directories with links to packages. The own files
   * of all servers come first.
   */
  watchedFiles(): string[] {
    const files = [...this.#entries.values()].flatMap((entry) => ('unknown' in entry ? [] : filesOf(entry)));
    const all = new Set(files.flatMap(({ own }) => [...own]));
    for (const others of new Set(files.map((one) => one.others))) {
      for (const path of others) {
        if (all.size < mostFiles) {
          all.add(path);
        }
      }
    }
    return [...all].slice(0, mostFiles);
  }
}

/** At most this many files and directories of all servers together: each may take a watch of the system. Changes of the others are found in the next full reading. */
const mostFiles = 1_024;

interface ReadFiles {
  /** The file that the server was started from, and the file with the version of its own package. */
  readonly own: ReadonlySet<string>;
  /** The rest of what its verdict reads: its code where no installer recorded it, links, the versions of its dependencies. */
  readonly others: ReadonlySet<string>;
}

/** Servers that run from one installation share its files. */
const othersOf = new WeakMap<ClosureReading, ReadonlySet<string>>();

function filesOf({ ref, reading }: Entry): ReadFiles {
  const [own, ...dependencies] = reading.status === 'ok' ? reading.packages : [];
  let others = othersOf.get(reading);
  if (others === undefined) {
    const { code = [], places = [] } = reading.status === 'ok' ? reading : {};
    // Not the directories of its own code: servers write their data there, too.
    const folders = places.filter((path) => path !== own?.root && !path.startsWith(`${own?.root}${sep}`));
    others = new Set([...code, ...folders, ...dependencies.flatMap(versionFiles)]);
    othersOf.set(reading, others);
  }
  return { own: new Set([ref.entry, ...(own ? versionFiles(own) : [])]), others };
}

/** Whether two references name one file, also where a path has detours: the shims of pnpm start `.bin/../.pnpm/…`. */
export function isSameCode(one: PackageRef, other: PackageRef): boolean {
  const plain = (ref: PackageRef): PackageRef => ({ ...ref, entry: normalize(ref.entry) });
  return isDeepStrictEqual(plain(one), plain(other)) && realPath(one.entry) === realPath(other.entry);
}

/** A process that sees other files under the same paths is not judged by ours, unless its entry is the same file in both views. */
function inOurView(found: Identified, detail: ProcessDetail): Identified {
  const { elsewhere } = detail;
  if (elsewhere === undefined || 'unknown' in found) {
    return found;
  }
  const { root } = elsewhere;
  const same = root !== undefined && [found.ref.entry, found.ref.environment].every((path) => sameFile(`${root}${path}`, path));
  return same ? found : { unknown: elsewhere.reason };
}

function sameFile(a: string, b: string): boolean {
  try {
    const [one, two] = [statSync(a), statSync(b)];
    return one.dev === two.dev && one.ino === two.ino;
  } catch {
    return false;
  }
}
