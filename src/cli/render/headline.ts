import { type FindingKind, isHeadline } from '../../model/finding.ts';
import type { Snapshot } from '../../model/snapshot.ts';
import { counted } from './quantities.ts';

export interface Headline {
  /** "12 servers, 2 stale, 1 duplicate" */
  readonly text: string;
  /** Servers and entries with at least one finding that counts. */
  readonly alarms: number;
}

const countWords: readonly (readonly [FindingKind, (count: number) => string])[] = [
  ['stale', (count) => `${count} stale`],
  ['files-gone', (count) => `${count} with files gone`],
  ['unresponsive', (count) => `${count} not answering`],
  ['lock-conflict', (count) => counted(count, 'lock conflict')],
  ['duplicate', (count) => counted(count, 'duplicate')],
  ['orphan', (count) => counted(count, 'orphan')],
];

/** One line that says whether anything is wrong. */
export function headline(snapshot: Snapshot): Headline {
  const troubled = [...snapshot.instances, ...snapshot.definitions].map(
    (item) => new Set(item.findings.filter(isHeadline).map((finding) => finding.kind)),
  );
  const alarms = troubled.filter((kinds) => kinds.size > 0).length;
  const parts = countWords.flatMap(([kind, words]) => {
    const count = troubled.filter((kinds) => kinds.has(kind)).length;
    return count === 0 ? [] : [words(count)];
  });
  const servers = snapshot.instances.length === 0 ? 'no server runs' : counted(snapshot.instances.length, 'server');
  const trouble = parts.length === 0 && snapshot.instances.length > 0 ? ['nothing wrong'] : parts;
  const problems = snapshot.problems.length === 0 ? [] : [counted(snapshot.problems.length, 'problem')];
  return { text: [servers, ...trouble, ...problems].join(', '), alarms };
}

/** The beginning of a sentence. */
export function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
