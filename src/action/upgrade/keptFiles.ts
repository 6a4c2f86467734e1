import { randomBytes } from 'node:crypto';
import { closeSync, constants, fchmodSync, lstatSync, openSync, rmSync, writeFileSync } from 'node:fs';
import { renamePatiently } from '../../storage/atomicFile.ts';
import { readBytes } from '../../storage/boundedFile.ts';

/** In bytes; the lock file of a large workspace has a few megabytes. */
const maxBytes = 64 * 1024 * 1024;

/** A file as it was. */
interface KeptFile {
  readonly path: string;
  /** Null: it was not there. */
  readonly content: { readonly bytes: Buffer; readonly mode: number } | null;
}

/** Keeps files in memory. @returns the files, or why one cannot be kept: it is a link, not regular, or cannot be read */
export function keepFiles(paths: readonly string[]): readonly KeptFile[] | { readonly reason: string } {
  const kept: KeptFile[] = [];
  for (const path of paths) {
    const seen = lstatSync(path, { throwIfNoEntry: false });
    if (!seen) {
      kept.push({ path, content: null });
      continue;
    }
    const read = readBytes(path, maxBytes, constants.O_NOFOLLOW ?? 0);
    if (read.status !== 'ok') {
      return { reason: read.reason };
    }
    kept.push({ path, content: { bytes: read.bytes, mode: read.stat.mode & 0o7777 } });
  }
  return kept;
}

/** Whether a file differs from what was kept. */
export function hasChanged({ path, content }: KeptFile): boolean {
  const now = readBytes(path, maxBytes, constants.O_NOFOLLOW ?? 0);
  return content === null ? now.status !== 'absent' : now.status !== 'ok' || !now.bytes.equals(content.bytes);
}

/** Puts a file back: under a new name, then by rename, so that a link that stands there now is replaced and not followed. @throws the system's error */
export function putBack(kept: KeptFile): void {
  const { path, content } = kept;
  if (!hasChanged(kept)) {
    return;
  }
  if (content === null) {
    rmSync(path, { force: true });
    return;
  }
  const temporary = `${path}.${randomBytes(6).toString('hex')}.tmp`;
  try {
    // By its descriptor: where others may write in the folder, they may have put a link at its path.
    const descriptor = openSync(temporary, 'wx', 0o600);
    try {
      writeFileSync(descriptor, content.bytes);
      fchmodSync(descriptor, content.mode);
    } finally {
      closeSync(descriptor);
    }
    renamePatiently(temporary, path);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw error;
  }
}
