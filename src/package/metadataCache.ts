import type { Stats } from 'node:fs';
import { type FileRead, readBounded, readBytes, statPath } from '../storage/boundedFile.ts';

/** The value computed from a file, or why the file could not be read. */
type ValueRead<T> = { readonly status: 'ok'; readonly value: T; readonly stat: Stats } | Exclude<FileRead, { status: 'ok' }>;

/** Keeps memory bounded in a process that runs for years. */
const maxEntries = 20_000;

/** Two writes within one tick of the file system's clock have the same times: a file that changed this recently is not cached. In milliseconds. */
const unsettledMs = 1_000;

/**
 * Caches values computed from metadata files while the stat of the file is unchanged. The change time is part of it and cannot be set back, so a file that was
 * rewritten in place with its old size and modification time is read again. No verdict depends on these times.
 */
export class MetadataCache {
  readonly #entries = new Map<string, { readonly fingerprint: string; readonly value: unknown }>();

  /**
   * The value that `parse` gives for the file, from the cache when the file is unchanged. `kind` separates the values that several callers compute from one
   * file. Failures are not cached.
   */
  read<T>(kind: string, path: string, parse: (text: string) => T): ValueRead<T> {
    return this.#kept(kind, path, () => {
      const file = readBounded(path);
      return file.status === 'ok' ? { status: 'ok', value: parse(file.text), stat: file.stat } : file;
    });
  }

  /** The same for the bytes of a file of at most `maxBytes`. */
  readBytes<T>(kind: string, path: string, maxBytes: number, parse: (bytes: Buffer) => T): ValueRead<T> {
    return this.#kept(kind, path, () => {
      const file = readBytes(path, maxBytes);
      return file.status === 'ok' ? { status: 'ok', value: parse(file.bytes), stat: file.stat } : file;
    });
  }

  #kept<T>(kind: string, path: string, read: () => ValueRead<T>): ValueRead<T> {
    const seen = statPath(path);
    if (seen.status !== 'ok') {
      return seen;
    }
    const { stat } = seen;
    const fingerprint = `${stat.dev}:${stat.ino}:${stat.size}:${stat.mtimeMs}:${stat.ctimeMs}`;
    const key = `${kind}\n${path}`;
    const kept = this.#entries.get(key);
    if (kept?.fingerprint === fingerprint) {
      return { status: 'ok', value: kept.value as T, stat };
    }
    const file = read();
    if (file.status !== 'ok') {
      this.#entries.delete(key);
      return file;
    }
    if (Date.now() - stat.ctimeMs < unsettledMs) {
      return file;
    }
    if (this.#entries.size >= maxEntries) {
      this.#entries.clear();
    }
    // Stored with the stat from before the read: if the file changed in between, the next stat differs and the file is read again.
    this.#entries.set(key, { fingerprint, value: file.value });
    return file;
  }
}
