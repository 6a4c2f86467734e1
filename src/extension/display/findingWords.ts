import { type Finding, type FindingKind, isHeadline } from '../../model/finding.ts';
import type { Snapshot } from '../../model/snapshot.ts';

/** What a person reads for each kind: on one row, and counted. */
const words: Readonly<Record<FindingKind, { readonly one: string; readonly counted: string; readonly many: string }>> = {
  stale: { one: 'stale', counted: 'stale', many: 'stale' },
  'files-gone': { one: 'files gone', counted: 'without files', many: 'without files' },
  duplicate: { one: 'duplicate', counted: 'duplicate', many: 'duplicates' },
  orphan: { one: 'orphan', counted: 'orphan', many: 'orphans' },
  unresponsive: { one: 'does not answer', counted: 'unresponsive', many: 'unresponsive' },
  'lock-conflict': { one: 'lock conflict', counted: 'lock conflict', many: 'lock conflicts' },
  'respawn-differs': { one: 'restart would start another version', counted: 'other on restart', many: 'other on restart' },
  'update-available': { one: 'update available', counted: 'update', many: 'updates' },
  'port-taken': { one: 'port held by something else', counted: 'port held by something else', many: 'ports held by something else' },
  'config-changed': { one: 'configuration changed', counted: 'changed configuration', many: 'changed configurations' },
};

const order = Object.keys(words) as readonly FindingKind[];

/** "stale", or "probably stale" when it is likely and not proven. */
export function findingWord(finding: Finding): string {
  return `${finding.confidence === 'proven' ? '' : 'probably '}${words[finding.kind].one}`;
}

/** "stale, duplicate": what is wrong, worst first; information only where nothing is wrong. Undefined when there is nothing to say. */
export function findingsText(findings: readonly Finding[]): string | undefined {
  const told = findings.filter((finding) => finding.confidence !== 'unknown');
  const headline = told.filter(isHeadline);
  const shown = headline.length > 0 ? headline : told;
  const texts = [...shown].sort(byKind).map(findingWord);
  return texts.length === 0 ? undefined : [...new Set(texts)].join(', ');
}

function byKind(a: Finding, b: Finding): number {
  return order.indexOf(a.kind) - order.indexOf(b.kind);
}

/** The finding that decides icon and place in a list; undefined when all is well. */
export function worstFinding(findings: readonly Finding[]): Finding | undefined {
  return findings.filter(isHeadline).sort(byKind)[0];
}

/** All headline findings of a snapshot. */
export function headlines(snapshot: Snapshot): Finding[] {
  return [...snapshot.instances, ...snapshot.definitions].flatMap((item) => item.findings.filter(isHeadline));
}

/** "2 stale, 1 duplicate"; undefined when there is nothing to count. */
export function countsText(findings: readonly Finding[]): string | undefined {
  const parts = order.flatMap((kind) => {
    const count = findings.filter((finding) => finding.kind === kind).length;
    return count === 0 ? [] : [`${count} ${count === 1 ? words[kind].counted : words[kind].many}`];
  });
  return parts.length === 0 ? undefined : parts.join(', ');
}
