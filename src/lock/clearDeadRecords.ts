import { readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { removeControlEndpoint } from './control/controlPath.ts';
import { type InstanceRecord, instanceRecords } from './instanceRecord.ts';
import { type LockOptions, lockFile } from './kernelLock.ts';
import { livenessOf } from './liveness.ts';
import type { LockDirectory } from './lockDirectory.ts';
import type { ProcessStarts } from './processStarts.ts';

/** Records that are removed in one call. Each costs a lock. */
const defaultLimit = 50;
/** Takes a few milliseconds. */
const readsAtOnce = 20;

/**
 * Removes the files of dead instances: only when the record proves the death, and only under the instance's own liveness lock. Unreadable records, those of
 * later versions or other PID namespaces, and the files in `locks` stay. Age proves nothing.
 * @returns the ids that were removed @throws when the folder cannot be listed
 */
export async function clearDeadRecords(
  directory: LockDirectory,
  starts: ProcessStarts,
  limit: number = defaultLimit,
  lock?: LockOptions,
): Promise<string[]> {
  const dead = new Map<string, InstanceRecord>();
  let read = 0;
  for (const reading of instanceRecords(directory)) {
    if (dead.size >= limit) {
      break;
    }
    read += 1;
    if (read % readsAtOnce === 0) {
      // A guard passes calls on between two turns.
      await new Promise((resolve) => setImmediate(resolve));
    }
    if (reading.status === 'ok' && (await livenessOf(reading.record, starts)).life === 'dead') {
      dead.set(reading.id, reading.record);
    }
  }
  const names = dead.size === 0 ? [] : readdirSync(directory.instances);
  const cleared: string[] = [];
  for (const [id, record] of dead) {
    const own = join(directory.instances, `${id}.lock`);
    const attempt = await lockFile(own, lock);
    if (attempt.status !== 'locked') {
      // Held: a process lives that the record does not name. Unavailable: nothing is proven.
      continue;
    }
    try {
      removeControlEndpoint(directory, record.control);
      for (const name of names.filter((other) => other.startsWith(`${id}.`) && other !== `${id}.lock`)) {
        rmSync(join(directory.instances, name), { force: true });
      }
      if (attempt.lock.mechanism === 'share0') {
        // Windows deletes no file that is open without sharing.
        attempt.lock.release();
      }
      // The lock file last. Its name is unique, so no process waits for it.
      rmSync(own, { force: true });
      cleared.push(id);
    } catch {
      // May not be removed; it stays listed as dead.
    } finally {
      attempt.lock.release();
    }
  }
  return cleared;
}
