import { isOrphan } from '../../action/plan/restartRoute.ts';
import { isUpgradable } from '../../action/plan/upgradePlan.ts';
import { t } from '../../base/language/translate.ts';
import type { Definition } from '../../model/definition.ts';
import { type Finding, isHeadline } from '../../model/finding.ts';
import type { Instance, Snapshot } from '../../model/snapshot.ts';
import { compareFindings, countFindings, findingWord } from '../../presentation/findingLabels.ts';
import { roundedMemory } from '../../presentation/quantities.ts';
import { isRestartable, localRoute, staleHere, type WindowFacts } from '../window/windowFacts.ts';

/**
 * The effect of a click on a finding. `restart`: this window, another one or a guard restarts the server; `upgrade` and `stop` ask first; `step`: the user restarts it
 * in its client; `open`: the user looks at the entry.
 */
export type FixKind = 'restart' | 'upgrade' | 'stop' | 'step' | 'open';

/** One server or entry that needs the user's attention, with one fix. */
export interface Attention {
  /** The finding that ranks highest. */
  readonly finding: Finding;
  readonly name: string;
  readonly instance?: Instance;
  readonly definition?: Definition;
  /** Several idle copies of one entry under one client are one line; `instance` is the first of them. */
  readonly copies?: readonly Instance[];
  /** `stop-copies`: lists the copies of this line. */
  readonly fix: FixKind | 'stop-copies';
  /** Whether it colours the status bar. What the user may want (copies, servers of other programs) does not. */
  readonly urgent: boolean;
  /** The key that "Ignore" remembers. */
  readonly key: string;
  /** "PID 4711", where another line has this name and client: nothing else tells them apart. */
  readonly process?: string;
}

/** The servers and entries with a finding that counts and that the user does not ignore, worst first. */
export function attentions(snapshot: Snapshot, facts: WindowFacts): Attention[] {
  return collect(snapshot, facts, isHeadline);
}

/** The servers for which a newer version can be installed by a click. @param items those of `attentions`, which are left out */
export function updates(snapshot: Snapshot, facts: WindowFacts, items: readonly Attention[]): Attention[] {
  const other = new Set(items.flatMap(serversOf).map(({ id }) => id));
  return collect(snapshot, facts, (finding) => finding.kind === 'update-available' && finding.confidence !== 'unknown').filter(
    ({ instance }) => instance !== undefined && isUpgradable(instance) && !other.has(instance.id),
  );
}

function collect(snapshot: Snapshot, facts: WindowFacts, counts: (finding: Finding) => boolean): Attention[] {
  const all = [
    ...snapshot.instances.map((instance) => ({ instance, name: instance.name, findings: instance.findings })),
    ...snapshot.definitions.map((definition) => ({ definition, name: definition.name, findings: definition.findings })),
  ];
  const items = all
    .flatMap(({ findings, ...item }): Attention[] => {
      const told = findings.filter((one) => counts(one) && !isIgnored(one, item, facts)).sort(compareFindings);
      const [finding] = told;
      return finding
        ? [{ ...item, finding, urgent: told.some(isUrgent), key: ignoreKey(finding, item), fix: fixOf(finding, item, snapshot, facts) }]
        : [];
    })
    .sort(
      (a, b) =>
        compareFindings(a.finding, b.finding) ||
        Number(a.fix === 'step') - Number(b.fix === 'step') ||
        a.name.localeCompare(b.name, 'en') ||
        (a.instance?.pid ?? 0) - (b.instance?.pid ?? 0),
    );
  const idle = items.flatMap(({ finding, instance }) => (finding.kind === 'copies' && instance ? [instance] : []));
  const lines = new Map<string, Instance[]>(idle.map((instance) => [copiesLine(instance), []]));
  for (const instance of idle) {
    lines.get(copiesLine(instance))?.push(instance);
  }
  const named = ({ name, instance }: Attention): string => JSON.stringify([name, instance?.client?.id]);
  return items.flatMap((item): Attention[] => {
    const { finding, instance } = item;
    const copies = (finding.kind === 'copies' && instance && lines.get(copiesLine(instance))) || [];
    if (copies.length < 2) {
      const alike = instance && items.some((other) => other !== item && other.instance && named(other) === named(item));
      return [alike ? { ...item, process: t('PID {0}', instance.pid) } : item];
    }
    return copies[0] === instance ? [{ ...item, copies, fix: 'stop-copies' }] : [];
  });
}

/** Equal texts: copies of one entry under one kind of client, which are one line. */
export function copiesLine(instance: Instance): string {
  return JSON.stringify([instance.client?.id ?? '', muteKey(instance)]);
}

/** The servers of a line. */
export function serversOf({ instance, copies }: Attention): readonly Instance[] {
  return copies ?? (instance ? [instance] : []);
}

/** "11 idle copies · 505 MB". */
export function copiesText(copies: readonly Instance[]): string {
  const memory = roundedMemory(copies.reduce((sum, { memoryBytes }) => sum + memoryBytes, 0));
  return [countFindings(copies.map(() => 'copies')), memory].filter(Boolean).join(' · ');
}

/** "2 stale, 11 idle copies": the findings of all servers of these lines; undefined where there is none. */
export function itemCounts(items: readonly Attention[]): string | undefined {
  return countsText(items.flatMap((item) => (item.copies ?? [item]).map(() => item.finding)));
}

/** A server or an entry, as the subject of a finding. */
type Subject = Pick<Attention, 'instance' | 'definition' | 'name'>;

/** Whether the user ignores a finding of this server or entry. */
export function isIgnored(finding: Finding, subject: Subject, { choices }: WindowFacts): boolean {
  return choices.ignored.includes(ignoreKey(finding, subject));
}

/** Kind, client and entry. What is stale is ignored for its installed version only; copies, which are the client's way, for every entry of the client. */
export function ignoreKey({ kind }: Finding, { instance, definition, name }: Subject): string {
  const version = kind === 'stale' ? (instance?.package?.installed ?? '') : '';
  const entry = kind === 'copies' ? '' : (definition?.id ?? (instance ? muteKey(instance) : name));
  return JSON.stringify([kind, instance?.client?.id ?? definition?.client ?? '', entry, version]);
}

/** Names a server beyond its process: its entry, else its name. "Mute This Server" remembers it. */
export function muteKey({ definitions, name }: Instance): string {
  return definitions[0] ?? name;
}

/** A server that provenly runs other code than is installed, and two that use one resource. */
function isUrgent({ kind, confidence }: Finding): boolean {
  return kind === 'lock-conflict' || ((kind === 'stale' || kind === 'files-gone') && confidence === 'proven');
}

/** The effect of a click on a finding of a server or entry. */
export function fixOf(finding: Finding, { instance }: Subject, snapshot: Snapshot, facts: WindowFacts): FixKind {
  if (!instance) {
    return 'open';
  }
  switch (finding.kind) {
    case 'orphan':
    case 'duplicate':
    case 'copies':
    case 'lock-conflict':
      return 'stop';
    case 'update-available':
      return isUpgradable(instance) ? 'upgrade' : 'step';
    default:
      // An orphan has no client that could use a new process. That is so for a stale orphan, too.
      return isRestartable(instance, snapshot, facts) ? 'restart' : instance.findings.some(isOrphan) ? 'stop' : 'step';
  }
}

/** The items that can be fixed without a choice: servers that a click restarts, and proven orphans. */
export function fixable(items: readonly Attention[], facts: WindowFacts): Attention[] {
  return items.filter(
    ({ fix, finding, instance }) =>
      instance && !facts.busy.has(instance.id) && (fix === 'restart' || (finding.kind === 'orphan' && finding.confidence === 'proven')),
  );
}

/**
 * The stale servers of this window whose restart loses nothing that can be seen, by the rules of the guard's mode `auto`: everything that changed is an upgrade, and
 * the server has no child process. Because no guard knows its calls, it also must have done nothing for an hour. A guarded server is left to the mode of its guard.
 */
export function restartableWhenIdle(snapshot: Snapshot, facts: WindowFacts): Instance[] {
  return staleHere(snapshot, facts).filter((instance) => {
    const { idleSince, guarded, tree, pid, launchers, changedDependencies, findings } = instance;
    const changes = [instance.package, ...changedDependencies].flatMap((one) => one?.direction ?? []);
    const known = new Set([pid, ...launchers.map((launcher) => launcher.pid)]);
    return (
      idleSince !== undefined &&
      !guarded &&
      tree.every((one) => known.has(one)) &&
      changes.length > 0 &&
      changes.every((direction) => direction === 'upgrade') &&
      findings.every(({ kind, confidence }) => kind !== 'stale' || confidence === 'proven') &&
      countedFindings([instance], facts).some(({ kind }) => kind === 'stale')
    );
  });
}

/** The step by which the user restarts a server that no click restarts; undefined when one does. */
export function manualStepOf(instance: Instance, snapshot: Snapshot, facts: WindowFacts): string | undefined {
  const route = localRoute(instance, snapshot, facts);
  return route.kind === 'here' || route.askable ? undefined : route.step;
}

/** "stale, duplicate": what is wrong, worst first; information only where nothing is wrong. Undefined when there is nothing to say. */
export function findingsText(findings: readonly Finding[]): string | undefined {
  return worded(findings, findingWord);
}

/** The text of `findingsText` for a row and for the tooltip of the status bar: "restart needed" beside the versions of a stale server. */
export function stateText(findings: readonly Finding[]): string | undefined {
  return worded(findings, (finding) =>
    finding.kind === 'stale'
      ? finding.confidence === 'proven'
        ? t('restart needed')
        : t('restart probably needed')
      : findingWord(finding),
  );
}

function worded(findings: readonly Finding[], word: (finding: Finding) => string): string | undefined {
  const told = findings.filter((finding) => finding.confidence !== 'unknown');
  const headline = told.filter(isHeadline);
  const shown = headline.length > 0 ? headline : told;
  const texts = [...shown].sort(compareFindings).map(word);
  return texts.length === 0 ? undefined : [...new Set(texts)].join(', ');
}

/** The findings of these servers that count and that the user does not ignore. */
export function countedFindings(instances: readonly Instance[], facts: WindowFacts): Finding[] {
  return instances.flatMap((instance) =>
    instance.findings.filter((finding) => isHeadline(finding) && !isIgnored(finding, { instance, name: instance.name }, facts)),
  );
}

/** The finding that decides icon and place in a list; undefined when all is well. */
export function worstFinding(findings: readonly Finding[]): Finding | undefined {
  return findings.filter(isHeadline).sort(compareFindings)[0];
}

/** "2 stale, 1 duplicate"; undefined when there is nothing to count. */
export function countsText(findings: readonly Finding[]): string | undefined {
  return countFindings(findings.map(({ kind }) => kind)) || undefined;
}
