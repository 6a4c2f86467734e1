import { isDeepStrictEqual } from 'node:util';
import { readClosure } from '../package/closure.ts';
import { closureMarks } from '../package/closureMarks.ts';
import { Fingerprint } from '../package/fingerprint.ts';
import { MetadataCache } from '../package/metadataCache.ts';
import type { ClosureReading, PackageRef } from '../types/package.ts';

/** A reading of an installation that changed this recently is no base for the next look, in milliseconds. */
const installingMs = 5_000;

/** An installation as it was read last. */
interface Installation {
  readonly reading: ClosureReading;
  /** Taken before that reading, of the marks that it leads to: while it stands, reading again would say the same. Undefined when nothing vouches for it. */
  readonly fingerprint?: Fingerprint;
}

/** What lies on disk, once for all servers that run from it, and read again only when something in it moved. */
export class Installations {
  readonly #cache = new MetadataCache();
  readonly #known = new Map<string, Installation>();
  /** Readings of one look: copies of a server are of one installation. */
  readonly #ofThisLook = new Map<string, ClosureReading>();

  /** As it is now; what has not changed stays the same object, so that what was concluded from it is still true. Never throws. @param now epoch ms */
  read(ref: PackageRef, now: number): ClosureReading {
    const key = JSON.stringify(ref);
    const known = this.#ofThisLook.get(key);
    if (known) {
      return known;
    }
    const before = this.#known.get(key);
    const installation = before?.fingerprint?.stands() ? before : readAgain(ref, before?.reading, this.#cache, now);
    this.#known.set(key, installation);
    this.#ofThisLook.set(key, installation.reading);
    return installation.reading;
  }

  /** Something may have changed: what a watch tells weighs more than what stands still. */
  doubt(): void {
    this.#ofThisLook.clear();
    for (const [key, { reading }] of this.#known) {
      this.#known.set(key, { reading });
    }
  }

  /** Ends a look. Keeps the readings that somebody still uses. */
  keep(used: ReadonlySet<ClosureReading>): void {
    this.#ofThisLook.clear();
    for (const [key, { reading }] of this.#known) {
      if (!used.has(reading)) {
        this.#known.delete(key);
      }
    }
  }
}

function readAgain(ref: PackageRef, before: ClosureReading | undefined, cache: MetadataCache, now: number): Installation {
  const fingerprint = before?.status === 'ok' ? new Fingerprint(closureMarks(ref, before), now) : undefined;
  const read = readClosure(ref, cache, now);
  const reading = before !== undefined && isDeepStrictEqual(before, read) ? before : read;
  // The same reading leads to the same marks; while an installer is at work, nothing stands still for long.
  const settled = reading === before && read.status === 'ok' && now - read.changedAt > installingMs;
  return settled && fingerprint ? { reading, fingerprint } : { reading };
}
