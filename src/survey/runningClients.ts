import type { ClientId } from '../types/definition.ts';
import type { ProcessRow } from '../types/process.ts';
import { clientRow } from './clientRows.ts';

/** The clients that run, with the PIDs of all their processes that can be told. */
export function runningClients(rows: readonly ProcessRow[]): Map<ClientId, number[]> {
  const found = new Map<ClientId, number[]>();
  for (const row of rows) {
    const id = clientRow(row);
    if (id !== undefined) {
      found.set(id, [...(found.get(id) ?? []), row.pid]);
    }
  }
  return found;
}
