import { isDeepStrictEqual } from 'node:util';
import type { ClosureReading, PackageRef } from '../types/package.ts';
import { readClosure } from './closure.ts';
import { closureMarks } from './closureMarks.ts';
import { Fingerprint } from './fingerprint.ts';
import { MetadataCache } from './metadataCache.ts';

/** A reading of an installation that changed this recently is no base for the next, in milliseconds. */
const installingMs = 2_000;

interface Kept {
  readonly reading: ClosureReading;
  /** Taken before that reading, of the marks that it leads to: while it stands, reading again would say the same. Undefined when nothing vouches for it. */
  readonly fingerprint?: Fingerprint;
}

/** Reads installations, and reads one again only when something in it moved. */
export class ClosureReader {
  readonly #cache = new MetadataCache();
  readonly #kept = new Map<string, Kept>();

  /**
   * As it is on disk now. What has not changed stays the same object, so that what was concluded from it is still true. Never throws.
   * @param now epoch ms
   */
  read(ref: PackageRef, now: number): ClosureReading {
    const key = JSON.stringify(ref);
    const before = this.#kept.get(key);
    const kept = before?.fingerprint?.stands() ? before : readAgain(ref, before?.reading, this.#cache, now);
    this.#kept.set(key, kept);
    return kept.reading;
  }

  /** Something may have changed: what a watch tells weighs more than what stands still. */
  doubt(): void {
    for (const [key, { reading }] of this.#kept) {
      this.#kept.set(key, { reading });
    }
  }

  /** Forgets the readings that nobody uses any more. */
  keep(used: ReadonlySet<ClosureReading>): void {
    for (const [key, { reading }] of this.#kept) {
      if (!used.has(reading)) {
        this.#kept.delete(key);
      }
    }
  }
}

function readAgain(ref: PackageRef, before: ClosureReading | undefined, cache: MetadataCache, now: number): Kept {
  const fingerprint = before?.status === 'ok' ? new Fingerprint(closureMarks(ref, before), now) : undefined;
  const read = readClosure(ref, cache, now);
  const reading = before !== undefined && isDeepStrictEqual(before, read) ? before : read;
  // The same reading leads to the same marks; while an installer is at work, nothing stands still for long.
  const settled = reading === before && read.status === 'ok' && now - read.changedAt > installingMs;
  return settled && fingerprint ? { reading, fingerprint } : { reading };
}
