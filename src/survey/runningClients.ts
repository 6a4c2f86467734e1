import { recogniseClient } from '../config/clientProcess.ts';
import type { ClientId } from '../types/definition.ts';
import type { ProcessRow } from '../types/process.ts';

/** The clients that run, with the PIDs of all their processes that can be told. */
export function runningClients(rows: readonly ProcessRow[]): Map<ClientId, number[]> {
  const found = new Map<ClientId, number[]>();
  for (const row of rows) {
    const id = recogniseClient(row);
    if (id !== undefined) {
      found.set(id, [...(found.get(id) ?? []), row.pid]);
    }
  }
  return found;
}
