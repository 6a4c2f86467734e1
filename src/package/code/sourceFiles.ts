import { createHash } from 'node:crypto';
import { readBounded, statPath } from '../../storage/boundedFile.ts';
import { moduleFile, namedModules } from '../npm/nodeImports.ts';
import { importedFiles, pythonImports } from '../python/pythonImports.ts';
import type { SourceEntry } from './sourceEntry.ts';

/** One source file that a process loads. */
export interface SourceFile {
  /** Absolute, links resolved where the loader resolves them. */
  readonly path: string;
  /** SHA-256 of the content, hexadecimal. */
  readonly hash: string;
  /** Epoch ms. */
  readonly modifiedAt: number;
  /** Epoch ms; changes with every write, chmod and link. */
  readonly changedAt: number;
}

/** Imports are followed up to this many files; others are not compared. */
const maxFiles = 500;
const maxFileBytes = 4 * 1024 * 1024;
const maxBytes = 32 * 1024 * 1024;

/** The source files that a process loads in place, found by following the imports from its entry, without installed packages. Never throws. */
export function readSources(entry: SourceEntry): SourceFile[] {
  const queue = [...entry.files];
  const seen = new Set(queue);
  const files: SourceFile[] = [];
  let bytes = 0;
  for (let at = 0; at < queue.length && files.length < maxFiles && bytes < maxBytes; at += 1) {
    const path = queue[at] ?? '';
    const read = readBounded(path, maxFileBytes);
    if (read.status !== 'ok') {
      continue;
    }
    bytes += read.text.length;
    files.push({ path, hash: hashOf(read.text), modifiedAt: read.stat.mtimeMs, changedAt: read.stat.ctimeMs });
    for (const next of nextFiles(entry, path, read.text)) {
      if (!seen.has(next)) {
        seen.add(next);
        queue.push(next);
      }
    }
  }
  return files;
}

function nextFiles(entry: SourceEntry, path: string, text: string): string[] {
  if (entry.kind === 'python') {
    return pythonImports(text).flatMap((statement) => importedFiles(statement, path, entry.roots));
  }
  return namedModules(text).flatMap((name) => moduleFile(name, path) ?? []);
}

/** A source file now; its content is read only when its stat changed. */
export class SourceFileCache {
  readonly #hashes = new Map<string, { readonly stat: string; readonly hash: string }>();

  /** `absent` only when the system says so; `unreadable` when access is refused. */
  read(path: string): SourceFile | 'absent' | 'unreadable' {
    const seen = statPath(path);
    if (seen.status !== 'ok') {
      return seen.status;
    }
    const { stat } = seen;
    const key = `${stat.dev}:${stat.ino}:${stat.size}:${stat.mtimeMs}:${stat.ctimeMs}`;
    const times = { modifiedAt: stat.mtimeMs, changedAt: stat.ctimeMs };
    const known = this.#hashes.get(path);
    if (known?.stat === key) {
      return { path, hash: known.hash, ...times };
    }
    const read = readBounded(path, maxFileBytes);
    if (read.status !== 'ok') {
      return read.status;
    }
    const hash = hashOf(read.text);
    // Two writes within one tick of the file system's clock have the same times.
    if (Date.now() - stat.ctimeMs > 1_000) {
      this.#hashes.set(path, { stat: key, hash });
    }
    return { path, hash, ...times };
  }

  keep(paths: ReadonlySet<string>): void {
    for (const path of this.#hashes.keys()) {
      if (!paths.has(path)) {
        this.#hashes.delete(path);
      }
    }
  }
}

function hashOf(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
