import { rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { ProcessIdentity } from '../model/process.ts';
import { type Snapshot, snapshotSchema } from '../model/snapshot.ts';
import { readWhole, writeWhole } from '../storage/atomicFile.ts';

/** The snapshot that the scanning window publishes for the other windows. */
export interface Published {
  /** The scanning window. */
  readonly by: ProcessIdentity;
  /** Version of the extension; snapshots of other versions are not used. */
  readonly version: string;
  readonly snapshot: Snapshot;
}

/** Room for a thousand servers with all their evidence. */
const maxBytes = 16 * 1024 * 1024;

/** The lock file that the scanning window holds. */
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

/** The published snapshot, if this version wrote it. Never throws. */
export function readPublished(folder: string, version: string): Published | undefined {
  const whole = readWhole(snapshotFile(folder), maxBytes, process.geteuid?.());
  if ('problem' in whole) {
    return undefined;
  }
  try {
    const value: Published = JSON.parse(whole.text);
    // Only this user can write there, and the version is ours, so the shape is ours too.
    const fits = value.version === version && value.snapshot.schema === snapshotSchema && typeof value.by.start === 'string';
    return fits ? value : undefined;
  } catch {
    return undefined;
  }
}

/**
 * Reads the published snapshot, and parses it only when the file differs: each window reads every two seconds, and on an idle machine the file changes once a
 * minute. It is written by rename, so a new one has another inode, change time or size. Never throws.
 */
export function publishedReader(folder: string, version: string): () => Published | undefined {
  let fingerprint = '';
  let known: Published | undefined;
  return () => {
    const now = fingerprintOf(snapshotFile(folder));
    if (now === undefined || now !== fingerprint) {
      known = readPublished(folder, version);
      // Taken before the file was read: if it was replaced in between, the next call reads it again.
      fingerprint = now ?? '';
    }
    return known;
  };
}

function fingerprintOf(file: string): string | undefined {
  const stat = statSync(file, { throwIfNoEntry: false });
  return stat && `${stat.ino} ${stat.ctimeMs} ${stat.size}`;
}

/** Deletes the shared snapshot, so that no window reads one that is no longer renewed. */
export function withdrawSnapshot(folder: string): void {
  rmSync(snapshotFile(folder), { force: true });
}

/** The part of a snapshot that views show: without its time, and with memory in steps of 4 MB, so that the file is not written each second. */
export function faceOf(snapshot: Snapshot): string {
  return JSON.stringify({ ...snapshot, at: '' }, (key, value: unknown) => {
    const bytes = key === 'memoryBytes' || key === 'treeMemory' ? [value].flat() : undefined;
    return bytes ? bytes.map((one) => Math.round(Number(one) / 4_194_304)) : key === 'uptimeSeconds' ? undefined : value;
  });
}
