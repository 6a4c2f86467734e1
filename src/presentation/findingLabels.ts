import { type Message, msg, t, translated } from '../base/language/translate.ts';
import { type Finding, type FindingKind, isHeadline } from '../model/finding.ts';
import type { Instance } from '../model/snapshot.ts';

/** The texts that all views show for one kind of finding. */
interface FindingLabel {
  /** Heading of a section about one finding. */
  readonly heading: Message;
  /** The state of one server or entry: "stale". */
  readonly word: Message;
  /** With the number 1 in place of `{0}`. */
  readonly singular: Message;
  /** With any other number. */
  readonly plural: Message;
}

/** Every kind, worst first: this is the order in which all views rank findings. */
export const findingLabels: Readonly<Record<FindingKind, FindingLabel>> = {
  'files-gone': { heading: msg('Files gone'), word: msg('files gone'), singular: msg('{0} uninstalled'), plural: msg('{0} uninstalled') },
  stale: { heading: msg('Stale'), word: msg('stale'), singular: msg('{0} stale'), plural: msg('{0} stale') },
  unresponsive: {
    heading: msg('Not responding'),
    word: msg('not responding'),
    singular: msg('{0} not responding'),
    plural: msg('{0} not responding'),
  },
  'respawn-storm': {
    heading: msg('Started again and again'),
    word: msg('started again and again'),
    singular: msg('{0} respawn storm'),
    plural: msg('{0} respawn storms'),
  },
  runaway: { heading: msg('Runaway'), word: msg('runaway'), singular: msg('{0} runaway'), plural: msg('{0} runaways') },
  'lock-conflict': {
    heading: msg('Lock conflict'),
    word: msg('lock conflict'),
    singular: msg('{0} lock conflict'),
    plural: msg('{0} lock conflicts'),
  },
  duplicate: { heading: msg('Duplicate'), word: msg('duplicate'), singular: msg('{0} duplicate'), plural: msg('{0} duplicates') },
  copies: { heading: msg('Idle copy'), word: msg('idle copy'), singular: msg('{0} idle copy'), plural: msg('{0} idle copies') },
  orphan: { heading: msg('Orphan'), word: msg('orphan'), singular: msg('{0} orphan'), plural: msg('{0} orphans') },
  'config-changed': {
    heading: msg('Configuration changed'),
    word: msg('configuration changed'),
    singular: msg('{0} changed configuration'),
    plural: msg('{0} changed configurations'),
  },
  'respawn-differs': {
    heading: msg('A restart will start a different version'),
    word: msg('will start a different version'),
    singular: msg('{0} version changes on restart'),
    plural: msg('{0} versions change on restart'),
  },
  'update-available': {
    heading: msg('Update available'),
    word: msg('update available'),
    singular: msg('{0} update'),
    plural: msg('{0} updates'),
  },
  'port-taken': {
    heading: msg('Port held by another program'),
    word: msg('port held by another program'),
    singular: msg('{0} port held by another program'),
    plural: msg('{0} ports held by other programs'),
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
  const word = translated(findingLabels[kind].word);
  if (kind === 'copies' && confidence === 'likely') {
    // That it is a copy and idle was seen; whether a thread still needs it is what nobody knows, and never is more than likely.
    return word;
  }
  return { proven: word, likely: t('probably {0}', word), unknown: t('possibly {0}', word) }[confidence];
}

/** "2 stale, 1 duplicate", worst first; empty when there is nothing to count. @param kinds one for each thing that is counted */
export function countFindings(kinds: readonly FindingKind[]): string {
  return ranking
    .map((kind) => ({ ...findingLabels[kind], count: kinds.filter((one) => one === kind).length }))
    .filter(({ count }) => count > 0)
    .map(({ count, singular, plural }) => translated(count === 1 ? singular : plural, count))
    .join(', ');
}

/** Whether something about a running server is not known, and nothing that counts was found: it is not called well. */
export function isUndecided({ unknown, findings }: Pick<Instance, 'unknown' | 'findings'>): boolean {
  return unknown !== undefined && !findings.some(isHeadline);
}
