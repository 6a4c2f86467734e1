import { isHeadline } from '../../model/finding.ts';
import type { Snapshot } from '../../model/snapshot.ts';
import { countFindings } from '../../presentation/findingLabels.ts';
import { counted } from '../../presentation/quantities.ts';

interface Headline {
  /** "12 servers, 2 stale, 1 duplicate" */
  readonly text: string;
  /** Servers and entries with at least one finding that counts. */
  readonly alarms: number;
}

/** One line that says whether anything is wrong. */
export function headline(snapshot: Snapshot): Headline {
  const troubled = [...snapshot.instances, ...snapshot.definitions].map(
    (item) => new Set(item.findings.filter(isHeadline).map((finding) => finding.kind)),
  );
  const alarms = troubled.filter((kinds) => kinds.size > 0).length;
  const counts = countFindings(troubled.flatMap((kinds) => [...kinds]));
  const servers = snapshot.instances.length === 0 ? 'no servers running' : counted(snapshot.instances.length, 'server');
  const trouble = counts !== '' ? [counts] : snapshot.instances.length > 0 ? ['nothing wrong'] : [];
  const problems = snapshot.problems.length === 0 ? [] : [counted(snapshot.problems.length, 'problem')];
  return { text: [servers, ...trouble, ...problems].join(', '), alarms };
}

/** The text with a capital first letter. */
export function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
