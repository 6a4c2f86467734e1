import { type Finding, isHeadline } from '../../model/finding.ts';
import type { Snapshot } from '../../model/snapshot.ts';
import { compareFindings, countFindings, findingWord } from '../../presentation/findingLabels.ts';

/** "stale, duplicate": what is wrong, worst first; information only where nothing is wrong. Undefined when there is nothing to say. */
export function findingsText(findings: readonly Finding[]): string | undefined {
  const told = findings.filter((finding) => finding.confidence !== 'unknown');
  const headline = told.filter(isHeadline);
  const shown = headline.length > 0 ? headline : told;
  const texts = [...shown].sort(compareFindings).map(findingWord);
  return texts.length === 0 ? undefined : [...new Set(texts)].join(', ');
}

/** The finding that decides icon and place in a list; undefined when all is well. */
export function worstFinding(findings: readonly Finding[]): Finding | undefined {
  return findings.filter(isHeadline).sort(compareFindings)[0];
}

/** All findings of a snapshot that count for the badge. */
export function headlines(snapshot: Snapshot): Finding[] {
  return [...snapshot.instances, ...snapshot.definitions].flatMap((item) => item.findings.filter(isHeadline));
}

/** "2 stale, 1 duplicate"; undefined when there is nothing to count. */
export function countsText(findings: readonly Finding[]): string | undefined {
  return countFindings(findings.map(({ kind }) => kind)) || undefined;
}
