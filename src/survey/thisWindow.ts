import { createProcessTable } from '../process/table.ts';
import type { Disposable } from '../types/disposable.ts';
import { publishWindow, type WindowRecord } from './windows.ts';

/**
 * Tells the other windows and the command line where this window's servers are configured, until disposed. Called inside the
 * extension host, whose identity goes into the record.
 *
 * @throws when the state folder cannot be written, or the system has no process list
 */
export async function publishThisWindow(
  runDir: string,
  platform: NodeJS.Platform,
  paths: Pick<WindowRecord, 'folders' | 'workspaceFiles' | 'userDirs'>,
): Promise<Disposable> {
  const rows = await (await createProcessTable(platform)).list();
  const own = rows.find((row) => row.pid === process.pid);
  if (!own) {
    return { dispose() {} };
  }
  return publishWindow(runDir, { identity: own.identity, ...paths });
}
