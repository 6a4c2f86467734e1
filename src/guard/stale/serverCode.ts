import type { ClosureReading, PackageRef } from '../../model/package.ts';
import { ClosureReader } from '../../package/closureReader.ts';
import type { Identified } from '../../package/identifyPackage.ts';

/** Below this distance the times of an installation and a start have no reliable order (`diagnosis/stale/baseline`), ms. */
const orderMs = 2_000;

/** A package's name, fit for a message: names come from directories and metadata of others. Versions are checked where they are read. */
export function shownPackageName(name: string): string {
  return /^(@[A-Za-z0-9._~-]+\/)?[A-Za-z0-9._~-]+$/.test(name) && name.length <= 214 ? name : 'a package with an odd name';
}

/** The packages that a server has loaded. */
export type LoadedCode = Extract<ClosureReading, { status: 'ok' }>;

/** The code that one server loaded, and what is on disk in its place. */
export class ServerCode {
  readonly #reader: ClosureReader;
  readonly #now: () => number;
  #ref: PackageRef | undefined;
  #loaded: LoadedCode | undefined;
  #unknown = 'its package is not known yet';
  /** When this record was made, which is right before the server starts; epoch ms. */
  readonly since: number;

  /** @param now epoch ms @param reader shared by the servers of a session, most of whose files are the same */
  constructor(now: () => number = Date.now, reader: ClosureReader = new ClosureReader()) {
    this.#now = now;
    this.#reader = reader;
    this.since = now();
  }

  get ref(): PackageRef | undefined {
    return this.#ref;
  }

  /** The recorded packages, the server's own first; undefined while they are not known. */
  get loaded(): LoadedCode | undefined {
    return this.#loaded;
  }

  /** Why nothing can be compared; undefined when the packages are known. */
  get unknown(): string | undefined {
    return this.#loaded ? undefined : this.#unknown;
  }

  /**
   * Records what is on disk now as the code that the server loads. A package that was not found leaves the earlier record.
   * @param startedAt epoch ms; for a process that runs already: packages that were installed after this time are not what it loaded
   */
  record(found: Identified, startedAt?: number): void {
    if ('unknown' in found) {
      if (!this.#loaded) {
        this.#unknown = found.unknown;
      }
      return;
    }
    const reading = this.#reader.read(found.ref, this.#now());
    if (reading.status !== 'ok') {
      if (!this.#loaded) {
        this.#unknown = reading.reason;
      }
      return;
    }
    const late = reading.packages.find(({ installedAt = 0 }) => startedAt !== undefined && installedAt > startedAt + orderMs);
    if (late) {
      this.#unknown = `${shownPackageName(late.name)} was installed after it started and before the guard saw it: what it runs may be older, and is not known`;
      return;
    }
    this.#ref = found.ref;
    this.#loaded = reading;
  }

  /** The same packages as they are on disk now; undefined while they are not known. Files are read again only when one of them has changed. */
  readInstalled(): { readonly reading: ClosureReading; readonly at: number } | undefined {
    const at = this.#now();
    return this.#ref && { reading: this.#reader.read(this.#ref, at), at };
  }
}
