import { clientById } from '../../clients/clientTable.ts';
import { identityKey, type ProcessTable } from '../../model/process.ts';
import type { Snapshot } from '../../model/snapshot.ts';
import { createProcessTable } from '../../process/createProcessTable.ts';
import { processTree } from '../../process/tree/processTree.ts';
import { openWindows } from '../../survey/facts/windows.ts';
import type { PlanContext } from '../plan/plan.ts';
import { readHistory, startedAgain } from './actionHistory.ts';
import { findOpencodes } from './opencode.ts';
import { stillRuns } from './processWait.ts';

/** The input of plans besides the snapshot, read from the system, and the parts of the system that their execution needs. */
export interface ActionPlanContext extends PlanContext {
  readonly table: ProcessTable;
  /** The text of this program's own identity; undefined when the process table does not show it. */
  readonly ownIdentity: string | undefined;
  /** The text of the identity of a window's extension host, by PID. */
  readonly windowIdentities: ReadonlyMap<number, string>;
}

/** Finds this program's own processes and the windows and clients that take requests. @throws when the system has no process table, or the state folder cannot be read */
export async function readPlanContext(
  runDir: string,
  platform: NodeJS.Platform,
  snapshot: Pick<Snapshot, 'instances'>,
): Promise<ActionPlanContext> {
  const table = await createProcessTable(platform);
  const rows = await table.list();
  const own = rows.find((row) => row.pid === process.pid);
  const system = own?.identity ?? { bootId: '', pidNamespace: '' };
  const windows = await openWindows(runDir, system, (identity) => table.isAlive(identity));
  const ownPids = new Set([
    process.pid,
    ...(own
      ? processTree(rows)
          .ancestorsOf(own)
          .map((row) => row.pid)
      : []),
  ]);
  const directories = new Map(
    snapshot.instances.flatMap(({ client, cwd }) =>
      client && clientById(client.id)?.controlledBy === 'opencode-http' && cwd !== null ? [[client.pid, cwd]] : [],
    ),
  );
  return {
    table,
    startedAgain: startedAgain(readHistory(runDir), snapshot.instances),
    askable: await findOpencodes(rows, directories),
    ownIdentity: own && identityKey(own.identity),
    ownPids,
    windows: new Set(windows.map((window) => window.identity.pid)),
    windowIdentities: new Map(windows.map(({ identity }) => [identity.pid, identityKey(identity)])),
  };
}

/** @returns a function that tells whether a process still runs, by the text of its identity @throws when the system has no process table */
export async function createPresence(platform: NodeJS.Platform): Promise<(identity: string) => Promise<boolean>> {
  const table = await createProcessTable(platform);
  return (identity) => stillRuns(table, identity);
}
