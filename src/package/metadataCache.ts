import type { Stats } from 'node:fs';
import { type FileRead, readBounded, readBytes, statPath } from '../storage/boundedFile.ts';

/** What was computed from a file, or why it could not be read. */
type ValueRead<T> = { readonly status: 'ok'; readonly value: T; readonly stat: Stats } | Exclude<FileRead, { status: 'ok' }>;

/** Bounded only so that years of uptime cannot fill the memory. */
const maxEntries = 20_000;

/** Two writes within one tick of the file system's clock carry the same times: what changed this recently is not kept. */
const unsettledMs = 1_000;

/**
 * Keeps what was computed from metadata files, as long as nothing about the file moved. The change time is part of that: it cannot be set back, so a
 * file that was rewritten in place with its old size and old time is read again. A verdict never rests on these times.
 */
export class MetadataCache {
  readonly #entries = new Map<string, { readonly fingerprint: string; readonly value: unknown }>();

  /**
   * The file's value by `parse`, from memory when the file did not move. `kind` tells apart what different callers compute from one file.
   * Failures are not kept.
   */
  read<T>(kind: string, path: string, parse: (text: string) => T): ValueRead<T> {
    return this.#kept(kind, path, () => {
      const file = readBounded(path);
      return file.status === 'ok' ? { status: 'ok', value: parse(file.text), stat: file.stat } : file;
    });
  }

  /** The same of a file of at most `maxBytes` as it is: not every file is text. */
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
    // Filed under the look before the read: if the file moved in between, the next look differs and reads again.
    this.#entries.set(key, { fingerprint, value: file.value });
    return file;
  }
}
