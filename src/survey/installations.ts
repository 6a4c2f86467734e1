import { ClosureReader } from '../package/closureReader.ts';
import type { ClosureReading, PackageRef } from '../types/package.ts';

/** What lies on disk, once in a look for all servers that run from it. */
export class Installations {
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
