import { createHash } from 'node:crypto';
import { readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import * as v from 'valibot';
import type { Disposable } from '../../base/disposable.ts';
import type { ProcessIdentity } from '../../model/process.ts';
import { readRecord, writeRecord, writeRecordOnce } from '../../storage/jsonRecord.ts';
import { stateFolder, stateFolderIfPossible } from '../../storage/stateFolder.ts';

const text = v.pipe(v.string(), v.maxLength(4096));
const windowSchema = v.object({
  schema: v.literal(1),
  identity: v.object({ bootId: text, pidNamespace: text, pid: v.pipe(v.number(), v.integer()), start: text }),
  folders: v.pipe(v.array(text), v.maxLength(100)),
  workspaceFiles: v.pipe(v.array(text), v.maxLength(10)),
  userDirs: v.pipe(v.array(text), v.maxLength(10)),
  /** The window is in Restricted Mode: its folders are not trusted. */
  restricted: v.exactOptional(v.boolean()),
});

/** The facts that an editor window publishes for the other windows and the command line: where its servers are configured. Only the window itself knows that. */
export type WindowRecord = v.InferOutput<typeof windowSchema>;

/** The folder of these records, whose changes are watched; may not exist, and may not be private: nothing is read for this. */
export function windowsFolder(runDir: string): string {
  return join(runDir, 'shepherd', 'windows');
}

/** Publishes this window until disposed. @throws when the state folder cannot be written */
export function publishWindow(runDir: string, record: Omit<WindowRecord, 'schema'>): Disposable {
  const file = join(stateFolder(runDir, 'windows'), `${record.identity.pid}-${record.identity.start.replace(/[^\w]/g, '_')}.json`);
  writeRecord(file, { schema: 1, ...record });
  return { dispose: () => rmSync(file, { force: true }) };
}

/**
 * The windows that are open now. Removes records of windows that have ended; records of another PID namespace of this boot are left alone.
 * @param here boot and PID namespace of this process
 */
export async function openWindows(
  runDir: string,
  here: Pick<ProcessIdentity, 'bootId' | 'pidNamespace'>,
  isAlive: (identity: ProcessIdentity) => Promise<boolean>,
): Promise<WindowRecord[]> {
  const folder = stateFolderIfPossible(runDir, 'windows');
  const open: WindowRecord[] = [];
  if (folder === undefined) {
    return open;
  }
  for (const name of namesIn(folder)) {
    const file = join(folder, name);
    const record = readRecord(file, windowSchema);
    if (!record) {
      continue;
    }
    if (await isAlive(record.identity)) {
      open.push(record);
    } else if (record.identity.bootId !== here.bootId || record.identity.pidNamespace === here.pidNamespace) {
      removeIfPossible(file);
    }
  }
  return open;
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    // Without the folder no window has published anything.
    return [];
  }
}

function removeIfPossible(file: string): void {
  try {
    rmSync(file, { force: true });
  } catch {
    // The run folder is not writable: the record stays and is skipped each time.
  }
}

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
