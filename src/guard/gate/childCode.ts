import { look } from '../../package/boundedFile.ts';
import { readClosure } from '../../package/closure.ts';
import { closureMarks } from '../../package/closureMarks.ts';
import { Fingerprint } from '../../package/fingerprint.ts';
import type { Identified } from '../../package/identify.ts';
import { MetadataCache } from '../../package/metadataCache.ts';
import type { ClosureReading, PackageRef } from '../../types/package.ts';
import { type CodeState, compareCode, type LoadedCode, shownName } from './codeDrift.ts';
import { editedSource, sourceFolder } from './editableSource.ts';

/** Readings that do not agree this often are of files that change all the time; then nothing is taken to stand still. */
const consistentTries = 3;
/** Installs and starts closer than this cannot be put in order by their times (`diagnosis/baseline`). */
const orderMs = 2_000;

interface Sight {
  readonly reading: ClosureReading;
  /** Missing when the files have to be read again each time. */
  readonly fingerprint?: Fingerprint;
}

/** What one child of the guard loaded, and what is on disk in its place. */
export class ChildCode {
  readonly #cache = new MetadataCache();
  readonly #now: () => number;
  #ref: PackageRef | undefined;
  #loaded: LoadedCode | undefined;
  #sight: Sight | undefined;
  #state: CodeState | undefined;
  #unknown = 'its package is not known yet';
  readonly #since: number;

  /** @param now epoch ms */
  constructor(now: () => number = Date.now) {
    this.#now = now;
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
    const reading = readClosure(found.ref, this.#cache, this.#now());
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
    // The fingerprint is taken with the first check: this runs while a server starts.
    this.#sight = undefined;
    this.#state = undefined;
  }

  /** Compares now. The files are read only when the stat of one of them moved; what could not be read is read again each time. */
  check(): CodeState {
    const ref = this.#ref;
    const loaded = this.#loaded;
    if (!ref || !loaded) {
      return { state: 'unreadable', reason: this.#unknown, unreadable: [] };
    }
    // A failed reading is never kept: it may have failed for another reason than the files (no descriptors left).
    if (this.#state?.unreadable.length === 0 && this.#sight?.fingerprint?.stands()) {
      return this.#state;
    }
    const sight = this.#look(ref);
    this.#sight = sight;
    this.#state = compareCode({
      loaded,
      editable: ref.editable === true,
      now: sight.reading,
      at: this.#now(),
      isGone: (root) => look(root).status === 'absent',
    });
    return this.#state;
  }

  /** A source file that was written since this child was made; undefined for packages that are not editable. Never throws. */
  editedSource(): string | undefined {
    const [own] = this.#loaded?.packages ?? [];
    const folder = this.#ref && own ? sourceFolder(this.#ref, own) : undefined;
    return this.#ref && folder !== undefined ? editedSource(folder, this.#ref.ecosystem, this.#since) : undefined;
  }

  /** A reading, and a fingerprint that was taken before it: what changes from then on is seen at the next check. */
  #look(ref: PackageRef): Sight {
    let reading = readClosure(ref, this.#cache, this.#now());
    let marks = closureMarks(ref, reading);
    for (let tries = 0; tries < consistentTries && reading.status === 'ok'; tries += 1) {
      const fingerprint = new Fingerprint(marks, this.#now());
      const again = readClosure(ref, this.#cache, this.#now());
      const next = closureMarks(ref, again);
      if (again.status === 'ok' && next.length === marks.length && next.every((path, index) => path === marks[index])) {
        return { reading: again, fingerprint };
      }
      reading = again;
      marks = next;
    }
    return { reading };
  }
}
