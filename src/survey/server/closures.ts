import { statSync } from 'node:fs';
import { dirname } from 'node:path';
import { keepOnly } from '../../base/keepOnly.ts';
import type { ClosureReading, PackageRef } from '../../model/package.ts';
import { identityKey, type ProcessDetail, type ProcessRow } from '../../model/process.ts';
import { latestRemovalTime } from '../../package/birthTimes.ts';
import { ClosureReader } from '../../package/closureReader.ts';
import { type Identified, identifyPackage } from '../../package/identifyPackage.ts';

/** What lies on disk, once in a look for all servers that run from it. */
class Installations {
  readonly #reader = new ClosureReader();
  /** Copies of a server are of one installation. */
  readonly #ofThisLook = new Map<string, ClosureReading>();

  /** As it is now; what has not changed stays the same object. Never throws. @param now epoch ms */
  read(ref: PackageRef, now: number): ClosureReading {
    const key = JSON.stringify(ref);
    const reading = this.#ofThisLook.get(key) ?? this.#reader.read(ref, now);
    this.#ofThisLook.set(key, reading);
    return reading;
  }

  /** Something may have changed. */
  doubt(): void {
    this.#ofThisLook.clear();
    this.#reader.doubt();
  }

  /** Ends a look. Keeps the readings that somebody still uses. */
  keep(used: ReadonlySet<ClosureReading>): void {
    this.#ofThisLook.clear();
    this.#reader.keep(used);
  }
}

/** A reading is taken as current this long when no watch says otherwise: watches can be lost (network drives, exhausted limits). */
const freshMs = 60_000;

/** What could not be identified may have been looked at in the middle of an install: it is asked again after this long. */
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

export type LoadedPackage =
  | {
      readonly ref: PackageRef;
      readonly reading: ClosureReading;
      readonly goneSince?: number;
      /** The reference comes from a stored record: the process itself does not lead there any more. */
      readonly recorded?: boolean;
    }
  | { readonly unknown: string };

/** The packages of the running servers as they are on disk, read again only when something under them changed. */
export class Closures {
  readonly #entries = new Map<string, Entry | Unidentified>();
  readonly #installations = new Installations();

  /**
   * What one server was loaded from, as it is on disk now.
   * @param now epoch ms
   * @param recorded where an earlier observer saw it come from: stands when the files are gone, so that nothing can be identified any more
   */
  current(row: ProcessRow, detail: ProcessDetail, now: number, recorded?: PackageRef): LoadedPackage {
    const key = identityKey(row.identity);
    let entry = this.#entries.get(key);
    if (!entry || ('unknown' in entry && now - entry.askedAt > unidentifiedMs)) {
      const found = inOurView(identifyPackage(row, detail), detail);
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

  /** Something changed at or in a watched directory: everything read from there is read again at the next sight. */
  changed(path: string): void {
    this.#installations.doubt();
    for (const entry of this.#entries.values()) {
      if (!('unknown' in entry) && entry.reading.watch.some((watched) => watched === path || dirname(path) === watched)) {
        entry.dirty = true;
      }
    }
  }

  /** Everything is read again at the next sight. */
  allChanged(): void {
    this.#installations.doubt();
    for (const entry of this.#entries.values()) {
      if (!('unknown' in entry)) {
        entry.dirty = true;
      }
    }
  }

  /** Drops the servers that are gone. */
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
}

/** A process that sees other files under the same names is not judged by ours, unless its entry is the very same file in both views. */
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
