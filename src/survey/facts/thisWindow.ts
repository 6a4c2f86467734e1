import type { Disposable } from '../../base/disposable.ts';
import type { ProcessIdentity, ProcessTable } from '../../model/process.ts';
import { createProcessTable } from '../../process/createProcessTable.ts';
import { stateRefusal } from '../../storage/privateFolder.ts';
import { publishWindow, type WindowRecord } from './windows.ts';

/** This process, and the process table that it was found in. */
export interface ThisWindow {
  readonly table: ProcessTable;
  /** Undefined when the process list does not show it: then it cannot publish its identity. */
  readonly own: ProcessIdentity | undefined;
}

/**
 * Finds the identity of this window, once; called inside the extension host. Where the list takes a program (`ps`, PowerShell), it is the slowest part of the
 * start. @param table replaced in tests only @throws when the system has no process list
 */
export async function findThisWindow(platform: NodeJS.Platform, table?: ProcessTable): Promise<ThisWindow> {
  const asked = table ?? (await createProcessTable(platform));
  const rows = asked.rowsOf ? await asked.rowsOf([process.pid]) : await asked.list();
  return { table: asked, own: rows.find((row) => row.pid === process.pid)?.identity };
}

/**
 * Publishes where this window's servers are configured, for the other windows and the command line, until disposed. Publishes nothing where another user could
 * have written to the state folder; the snapshot has a problem then.
 * @throws when the state folder cannot be written
 */
export function publishThisWindow(
  runDir: string,
  { own }: ThisWindow,
  paths: Pick<WindowRecord, 'folders' | 'workspaceFiles' | 'userDirs' | 'restricted'>,
): Disposable {
  const publishes = own !== undefined && stateRefusal(runDir, 'windows') === undefined;
  return publishes ? publishWindow(runDir, { identity: own, ...paths }) : { dispose() {} };
}
