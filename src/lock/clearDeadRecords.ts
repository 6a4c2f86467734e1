import { readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { removeControlEndpoint } from './control/controlPath.ts';
import { type InstanceRecord, instanceRecords } from './instanceRecord.ts';
import { type LockOptions, lockFile } from './kernelLock.ts';
import { livenessOf } from './liveness.ts';
import type { LockDirectory } from './lockDirectory.ts';
import type { ProcessStarts } from './processStarts.ts';

/** Each costs a lock; the rest waits for the next time. */
const defaultLimit = 50;
/** Some milliseconds' worth. */
const readsAtOnce = 20;

/**
 * Clears away what dead instances left: only where the record proves the death, and only after taking the instance's own liveness lock. Records that cannot
 * be read, those of later versions, those of other PID namespaces, and the files in `locks` stay. Age is no proof.
 * @returns the ids that were cleared away @throws when the folder cannot be listed
 */
export async function clearDeadRecords(
  directory: LockDirectory,
  witness: ProcessStarts,
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
      // Whoever clears away has something more urgent to do: a guard passes calls on meanwhile.
      await new Promise((resolve) => setImmediate(resolve));
    }
    if (reading.status === 'ok' && (await livenessOf(reading.record, witness)).life === 'dead') {
      dead.set(reading.id, reading.record);
    }
  }
  const names = dead.size === 0 ? [] : readdirSync(directory.instances);
  const cleared: string[] = [];
  for (const [id, record] of dead) {
    const own = join(directory.instances, `${id}.lock`);
    const attempt = await lockFile(own, lock);
    if (attempt.status !== 'locked') {
      // Held: somebody lives whom the record does not name. Unavailable: nothing is proven.
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
      // The lock file last: its name is unique, so that nobody can be waiting for it.
      rmSync(own, { force: true });
      cleared.push(id);
    } catch {
      // Not ours to remove; it stays listed as dead.
    } finally {
      attempt.lock.release();
    }
  }
  return cleared;
}
