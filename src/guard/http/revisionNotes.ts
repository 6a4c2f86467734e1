import type { Log } from '../../base/log.ts';

/** Revisions of the protocol that the tests speak, with the TypeScript SDKs 1.32.2 and 2.4.0 and answers recorded from the Python SDK 1.25 to 2.3. */
const testedRevisions: ReadonlySet<string> = new Set(['2024-11-05', '2025-03-26', '2025-06-18', '2025-11-25', '2026-07-28']);

/** Clients may name what they like: more than these are not told. */
const maxNotes = 10;

/** @returns tells once of each revision of the protocol that is spoken and that nobody tested */
export function revisionNotes(log: Log): (version: string) => void {
  const told = new Set<string>();
  return (version) => {
    if (!testedRevisions.has(version) && told.size < maxNotes && !told.has(version)) {
      told.add(version);
      log.warn(
        `protocol version ${JSON.stringify(version.slice(0, 40))} is none that this guard was tested with; messages pass all the same`,
      );
    }
  };
}
