import { ClosureReader } from '../../package/closureReader.ts';
import type { Identified } from '../../package/identify.ts';
import type { ClosureReading, PackageRef } from '../../types/package.ts';
import { editedSource, sourceFolder } from './editableSource.ts';
import { shownName } from './shownName.ts';

/** Installs and starts closer than this cannot be put in order by their times (`diagnosis/baseline`). */
const orderMs = 2_000;

/** What was loaded by one child: the reading that counts as what runs. */
export type LoadedCode = Extract<ClosureReading, { status: 'ok' }>;

/** What one child of the guard loaded, and what is on disk in its place. */
export class ChildCode {
  readonly #reader: ClosureReader;
  readonly #now: () => number;
  #ref: PackageRef | undefined;
  #loaded: LoadedCode | undefined;
  #unknown = 'its package is not known yet';
  readonly #since: number;

  /** @param now epoch ms @param reader one for all children, whose files are mostly the same */
  constructor(now: () => number = Date.now, reader: ClosureReader = new ClosureReader()) {
    this.#now = now;
    this.#reader = reader;
    this.#since = now();
  }

  get ref(): PackageRef | undefined {
    return this.#ref;
  }

  /** The packages as they were recorded, the server's own first; undefined as long as they are not known. */
  get loaded(): LoadedCode | undefined {
    return this.#loaded;
  }

  /** Why nothing is compared; undefined when something is. */
  get unknown(): string | undefined {
    return this.#loaded ? undefined : this.#unknown;
  }

  /**
   * Takes what is on disk now for what the child loads. A package that was not found leaves what was known before.
   * @param startedAt epoch ms, of a process that may have run for long: what was installed again since then is not what it loaded
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
      this.#unknown = `${shownName(late.name)} was installed after it started, before anybody looked: what it runs may be older, and is not known`;
      return;
    }
    this.#ref = found.ref;
    this.#loaded = reading;
  }

  /** Its packages as they are on disk now; undefined as long as they are not known. The files are read only when the stat of one of them moved. */
  look(): { readonly reading: ClosureReading; readonly at: number } | undefined {
    const at = this.#now();
    return this.#ref && { reading: this.#reader.read(this.#ref, at), at };
  }

  /** A source file that was written since this child was made; undefined for packages that are not editable. Never throws. */
  editedSource(): string | undefined {
    const [own] = this.#loaded?.packages ?? [];
    const folder = this.#ref && own ? sourceFolder(this.#ref, own) : undefined;
    return this.#ref && folder !== undefined ? editedSource(folder, this.#ref.ecosystem, this.#since) : undefined;
  }
}
