import { recogniseClient } from '../config/clientProcess.ts';
import type { RawDefinition } from '../types/definition.ts';
import type { ProcessRow } from '../types/process.ts';
import { candidateTest } from './candidate.ts';
import type { ServerObservation } from './observation.ts';
import type { Interest } from './pidWatch.ts';

/** Made once for each reading of the configuration: it compiles one expression from all entries. */
const tests = new WeakMap<readonly RawDefinition[], ReturnType<typeof candidateTest>>();

function testFor(definitions: readonly RawDefinition[]): ReturnType<typeof candidateTest> {
  const known = tests.get(definitions) ?? candidateTest(definitions);
  tests.set(definitions, known);
  return known;
}

/** Which processes matter after a survey: the servers with their trees, the clients, and new ones that may be either. */
export function interestIn(
  rows: readonly ProcessRow[],
  definitions: readonly RawDefinition[],
  observed: readonly ServerObservation[],
): Interest {
  const clients = new Set(rows.filter((row) => recogniseClient(row) !== undefined).map((row) => row.pid));
  const pids = new Set([
    ...clients,
    ...observed.flatMap(({ instance }) => [...instance.tree, ...(instance.client ? [instance.client.pid] : [])]),
  ]);
  const test = testFor(definitions);
  return {
    pids,
    concerns: (row) =>
      test(row) !== undefined ||
      recogniseClient(row) !== undefined ||
      // A server that has replaced its command line by a title shows in nothing but its place.
      (clients.has(row.ppid) && row.argv.length < 2),
  };
}
