import { type Dirent, readdirSync, statSync } from 'node:fs';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { ClosureReading, InstalledPackage, PackageRef } from '../../model/package.ts';
import { ClosureReader } from '../../package/closureReader.ts';
import type { Identified } from '../../package/identifyPackage.ts';
import { readBounded } from '../../storage/boundedFile.ts';

/** Directory entries that are read; larger source trees are read in part. */
const maxEntries = 5_000;
const skipped = new Set(['node_modules', '__pycache__', 'venv', 'env', 'site-packages', 'test', 'tests']);

/** The source folder of an editable install: the project itself (npm), or what direct_url.json names (PEP 610). Undefined when it is not known. */
function sourceFolder(ref: PackageRef, own: InstalledPackage): string | undefined {
  if (ref.editable !== true || ref.ecosystem === 'npm') {
    return ref.editable === true ? ref.environment : undefined;
  }
  const file = readBounded(join(own.root, 'direct_url.json'), 65_536);
  try {
    const json: unknown = file.status === 'ok' ? JSON.parse(file.text) : undefined;
    const url = typeof json === 'object' && json !== null && 'url' in json ? json.url : undefined;
    return typeof url === 'string' && url.startsWith('file:') ? fileURLToPath(url) : undefined;
  } catch {
    return undefined;
  }
}

/**
 * A source file that was written after a moment, as a path below the folder; undefined when there is none. Enough for a warning only: the file may have been
 * written with the same content. Never throws.
 * @param since epoch ms
 */
export function editedSource(folder: string, ecosystem: PackageRef['ecosystem'], since: number): string | undefined {
  const source = ecosystem === 'python' ? /\.pyw?$/ : /\.[cm]?[jt]sx?$/;
  const queue = [folder];
  let seen = 0;
  for (const at of queue) {
    for (const entry of entriesOf(at)) {
      seen += 1;
      if (seen > maxEntries) {
        return undefined;
      }
      const path = join(at, entry.name);
      if (entry.isDirectory()) {
        if (!entry.name.startsWith('.') && !skipped.has(entry.name)) {
          queue.push(path);
        }
      } else if (entry.isFile() && source.test(entry.name) && modifiedAt(path) > since) {
        return relative(folder, path).replace(/\p{Cc}+/gu, ' ');
      }
    }
  }
  return undefined;
}

function entriesOf(folder: string): Dirent[] {
  try {
    return readdirSync(folder, { withFileTypes: true });
  } catch {
    return [];
  }
}

function modifiedAt(path: string): number {
  try {
    return statSync(path).mtimeMs;
  } catch {
    return 0;
  }
}

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
  readonly #since: number;

  /** @param now epoch ms @param reader shared by the servers of a session, most of whose files are the same */
  constructor(now: () => number = Date.now, reader: ClosureReader = new ClosureReader()) {
    this.#now = now;
    this.#reader = reader;
    this.#since = now();
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

  /**
   * The same packages as they are on disk now; undefined while they are not known. Files are read again only when one of them has changed.
   * @param ref where else to read them
   */
  readInstalled(ref: PackageRef | undefined = this.#ref): { readonly reading: ClosureReading; readonly at: number } | undefined {
    const at = this.#now();
    return ref && { reading: this.#reader.read(ref, at), at };
  }

  /** Epoch ms. */
  now(): number {
    return this.#now();
  }

  /** When the record was begun, right before the start, epoch ms. */
  get since(): number {
    return this.#since;
  }

  /** A source file that was written since the start; undefined for packages that are not editable. Never throws. */
  editedSource(): string | undefined {
    const [own] = this.#loaded?.packages ?? [];
    const folder = this.#ref && own ? sourceFolder(this.#ref, own) : undefined;
    return this.#ref && folder !== undefined ? editedSource(folder, this.#ref.ecosystem, this.#since) : undefined;
  }
}
