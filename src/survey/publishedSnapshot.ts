import { rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { ProcessIdentity } from '../model/process.ts';
import { type Snapshot, snapshotSchema } from '../model/snapshot.ts';
import { readWhole, writeWhole } from '../storage/atomicFile.ts';

/** What the window that looks for all tells the others. */
export interface Published {
  /** Who looks. */
  readonly by: ProcessIdentity;
  /** Of the extension: another one may draw other conclusions. */
  readonly version: string;
  readonly snapshot: Snapshot;
}

/** A thousand servers with all their evidence. */
const maxBytes = 16 * 1024 * 1024;

export function scannerLock(folder: string): string {
  return join(folder, 'scanner.lock');
}

function snapshotFile(folder: string): string {
  return join(folder, 'snapshot.json');
}

/** @throws on I/O errors */
export function publishSnapshot(folder: string, published: Published): void {
  writeWhole(snapshotFile(folder), JSON.stringify(published));
}

/** The latest, if it was written by this version. Never throws. */
export function readPublished(folder: string, version: string): Published | undefined {
  const whole = readWhole(snapshotFile(folder), maxBytes, process.geteuid?.());
  if ('problem' in whole) {
    return undefined;
  }
  try {
    const value: Published = JSON.parse(whole.text);
    // Only this user can write there, and the version is ours: the shape is the one that we write.
    const fits = value.version === version && value.snapshot.schema === snapshotSchema && typeof value.by.start === 'string';
    return fits ? value : undefined;
  } catch {
    return undefined;
  }
}

/**
 * Reads what is published, and parses it only when it is another file: each window looks every other second, and on an idle machine there is something new once a minute.
 * It is written by rename, so another one has another inode, change time or size. Never throws.
 */
export function publishedReader(folder: string, version: string): () => Published | undefined {
  let fingerprint = '';
  let known: Published | undefined;
  return () => {
    const now = fingerprintOf(snapshotFile(folder));
    if (now === undefined || now !== fingerprint) {
      known = readPublished(folder, version);
      // Taken before the file was read: if another one came in between, the next look differs.
      fingerprint = now ?? '';
    }
    return known;
  };
}

function fingerprintOf(file: string): string | undefined {
  const stat = statSync(file, { throwIfNoEntry: false });
  return stat && `${stat.ino} ${stat.ctimeMs} ${stat.size}`;
}

export function withdrawSnapshot(folder: string): void {
  rmSync(snapshotFile(folder), { force: true });
}

/** What a person sees of a snapshot: not its moment, and memory only in steps, so that the file is not written each second for nothing. */
export function faceOf(snapshot: Snapshot): string {
  return JSON.stringify({ ...snapshot, at: '' }, (key, value: unknown) =>
    key === 'memoryBytes' && typeof value === 'number' ? Math.round(value / 4_194_304) : value,
  );
}
