import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { writeRecordOnce } from '../../storage/jsonRecord.ts';
import { stateFolder } from '../../storage/stateFolder.ts';

/**
 * Claims the one notification that a key ("server and version") gets on this machine.
 * @returns true for exactly one caller; false when it was claimed before, or when the state folder cannot be written: a missing notification is better than one in
 *   each window
 */
export function claimNotification(runDir: string, key: string): boolean {
  try {
    const name = createHash('sha256').update(key).digest('hex').slice(0, 32);
    return writeRecordOnce(join(stateFolder(runDir, 'notified'), `${name}.json`), { schema: 1, key, at: new Date().toISOString() });
  } catch {
    return false;
  }
}
