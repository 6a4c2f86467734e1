import { type Finding, type FindingKind, isHeadline } from '../model/finding.ts';
import { counted } from './quantities.ts';

/** The texts that all views show for one kind of finding. */
interface FindingLabel {
  /** Heading of a section about one finding. */
  readonly heading: string;
  /** The state of one server or entry: "stale". */
  readonly word: string;
  /** After the number 1. */
  readonly singular: string;
  /** After any other number. */
  readonly plural: string;
}

/** Every kind, worst first: this is the order in which all views rank findings. */
export const findingLabels: Readonly<Record<FindingKind, FindingLabel>> = {
  'files-gone': { heading: 'Files gone', word: 'files gone', singular: 'uninstalled', plural: 'uninstalled' },
  stale: { heading: 'Stale', word: 'stale', singular: 'stale', plural: 'stale' },
  unresponsive: { heading: 'Not responding', word: 'not responding', singular: 'not responding', plural: 'not responding' },
  'respawn-storm': {
    heading: 'Started again and again',
    word: 'started again and again',
    singular: 'respawn storm',
    plural: 'respawn storms',
  },
  runaway: { heading: 'Runaway', word: 'runaway', singular: 'runaway', plural: 'runaways' },
  'lock-conflict': { heading: 'Lock conflict', word: 'lock conflict', singular: 'lock conflict', plural: 'lock conflicts' },
  duplicate: { heading: 'Duplicate', word: 'duplicate', singular: 'duplicate', plural: 'duplicates' },
  copies: { heading: 'Idle copy', word: 'idle copy', singular: 'idle copy', plural: 'idle copies' },
  orphan: { heading: 'Orphan', word: 'orphan', singular: 'orphan', plural: 'orphans' },
  'config-changed': {
    heading: 'Configuration changed',
    word: 'configuration changed',
    singular: 'changed configuration',
    plural: 'changed configurations',
  },
  'respawn-differs': {
    heading: 'A restart will start a different version',
    word: 'will start a different version',
    singular: 'version changes on restart',
    plural: 'versions change on restart',
  },
  'update-available': { heading: 'Update available', word: 'update available', singular: 'update', plural: 'updates' },
  'port-taken': {
    heading: 'Port held by another program',
    word: 'port held by another program',
    singular: 'port held by another program',
    plural: 'ports held by other programs',
  },
};

const ranking = Object.keys(findingLabels) as readonly FindingKind[];

/** For sorting, worst first: what counts for the badge and `--check` before what is information, then by kind. */
export function compareFindings(a: Finding, b: Finding): number {
  return rank(a) - rank(b);
}

function rank(finding: Finding): number {
  return (isHeadline(finding) ? 0 : ranking.length) + ranking.indexOf(finding.kind);
}

/** "stale", "probably stale", "possibly stale". */
export function findingWord({ kind, confidence }: Finding): string {
  return `${{ proven: '', likely: 'probably ', unknown: 'possibly ' }[confidence]}${findingLabels[kind].word}`;
}

/** "2 stale, 1 duplicate", worst first; empty when there is nothing to count. @param kinds one for each thing that is counted */
export function countFindings(kinds: readonly FindingKind[]): string {
  return ranking
    .map((kind) => ({ ...findingLabels[kind], count: kinds.filter((one) => one === kind).length }))
    .filter(({ count }) => count > 0)
    .map(({ count, singular, plural }) => counted(count, singular, plural))
    .join(', ');
}
