import type { RawDefinition } from '../types/definition.ts';
import type { ProcessRow } from '../types/process.ts';
import { candidateTest } from './candidate.ts';
import { clientRow } from './clientRows.ts';
import type { ServerObservation } from './observation.ts';
import type { Interest } from './pidWatch.ts';

/** Which processes matter after a survey: the servers with their trees, the clients, and new ones that may be either. */
export function interestIn(
  rows: readonly ProcessRow[],
  definitions: readonly RawDefinition[],
  observed: readonly ServerObservation[],
): Interest {
  const clients = new Set(rows.filter((row) => clientRow(row) !== undefined).map((row) => row.pid));
  const pids = new Set([
    ...clients,
    ...observed.flatMap(({ instance }) => [...instance.tree, ...(instance.client ? [instance.client.pid] : [])]),
  ]);
  const test = candidateTest(definitions);
  return {
    pids,
    concerns: (row) =>
      test(row) !== undefined ||
      clientRow(row) !== undefined ||
      // A server that has replaced its command line by a title shows in nothing but its place.
      (clients.has(row.ppid) && row.argv.length < 2),
  };
}
