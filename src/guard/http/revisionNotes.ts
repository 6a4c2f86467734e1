import type { Log } from '../../base/log.ts';

/** MCP revisions that the tests use: TypeScript SDK 1.32.2 and 2.4.0, and answers recorded from the Python SDK 1.25 to 2.3. */
const testedRevisions: ReadonlySet<string> = new Set(['2024-11-05', '2025-03-26', '2025-06-18', '2025-11-25', '2026-07-28']);

/** A client may send any text as a revision: later ones are not logged. */
const maxNotes = 10;

/** @returns a function that logs each MCP revision that was not tested, once */
export function revisionNotes(log: Log): (version: string) => void {
  const told = new Set<string>();
  return (version) => {
    if (!testedRevisions.has(version) && told.size < maxNotes && !told.has(version)) {
      told.add(version);
      log.warn(`this guard was not tested with protocol version ${JSON.stringify(version.slice(0, 40))}; messages pass unchanged`);
    }
  };
}
