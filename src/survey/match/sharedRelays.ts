import type { ClientId } from '../../model/definition.ts';
import type { ProcessRow } from '../../model/process.ts';
import { hostRunFolder } from '../../process/commandline/guardCommand.ts';
import { observedWords } from '../../process/commandline/parseLaunch.ts';
import type { ServerChain } from '../../process/tree/launcherChain.ts';
import type { ProcessTree } from '../../process/tree/processTree.ts';
import { hostPidOf } from '../records/guardMarks.ts';
import type { LivingRecord } from '../records/instanceRecords.ts';
import { isMark } from '../records/joinRecords.ts';
import { runsGuarded } from './guardedEntries.ts';

/** Of each server that several clients may share, the relays of these clients, the oldest first. */
export type SharedRelays = ReadonlyMap<ProcessRow, readonly ProcessRow[]>;

/** A client that shares a server. */
export interface SharingClient {
  readonly id: ClientId;
  readonly row: ProcessRow;
}

/** Whether a process is the host, or its child: a server that is shared, or was until its last client left. */
export function isOfHost(parent: ProcessRow | undefined): boolean {
  return parent !== undefined && hostRunFolder(observedWords(parent)) !== undefined;
}

/**
 * Such a server is a child of the host, which belongs to no client: only the records say which relays it serves. What a record names counts where the processes agree: the server's
 * parent is that host, and the guard is a relay of ours.
 */
export function sharedRelays(living: readonly LivingRecord[], tree: ProcessTree): SharedRelays {
  const relays = new Map<ProcessRow, ProcessRow[]>();
  const rows = new Map(tree.rows.map((row) => [row.pid, row]));
  for (const { record, liveness } of living) {
    const host = liveness.life === 'alive' ? hostPidOf(record) : undefined;
    const server = rows.get(record.server?.pid ?? 0);
    const relay = rows.get(record.guard?.pid ?? 0);
    if (host === undefined || server?.ppid !== host || !relay || !isOfHost(rows.get(host))) {
      continue;
    }
    if (isMark(record, record.server, server.identity) && isMark(record, record.guard, relay.identity) && runsGuarded([relay])) {
      relays.set(
        server,
        [...(relays.get(server) ?? []), relay].sort((a, b) => a.startedAt - b.startedAt || a.pid - b.pid),
      );
    }
  }
  return relays;
}

/** The chain of a shared server from its first client downwards. @param above finds the launchers above a process */
export function behindRelay(chain: ServerChain, relays: SharedRelays | undefined, above: (row: ProcessRow) => ServerChain): ServerChain {
  const [relay] = relays?.get(chain.server) ?? [];
  if (!relay) {
    return chain;
  }
  const { launchers, parent } = above(relay);
  return { server: chain.server, launchers: [...launchers, relay], ...(parent ? { parent } : {}) };
}
