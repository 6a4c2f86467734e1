import { t } from '../../base/language/translate.ts';
import type { Finding, FindingKind } from '../../model/finding.ts';
import type { Instance, Snapshot } from '../../model/snapshot.ts';
import { compareFindings } from '../../presentation/findingLabels.ts';
import { ownerText, type WindowFacts } from '../window/windowFacts.ts';
import { countedFindings, muteKey } from './attention.ts';
import { changeSummary } from './instanceText.ts';
import { listedNames, oneLine } from './plainText.ts';

/** The findings behind each property of the setting `notificationKinds`. What is not here causes no notification. */
export const notificationKinds = {
  stale: ['stale'],
  copies: ['duplicate', 'copies'],
  orphans: ['orphan'],
  storms: ['respawn-storm'],
  runaways: ['runaway'],
  unresponsive: ['unresponsive'],
  lockConflicts: ['lock-conflict'],
} as const satisfies Readonly<Record<string, readonly FindingKind[]>>;

export type NotificationKind = keyof typeof notificationKinds;

/** What causes a notification where the user has chosen nothing. */
export const usualNotificationKinds: readonly NotificationKind[] = ['stale'];

/** One problem that causes one notification on this machine: an upgrade that made running servers stale, or a finding of one client's servers of one entry. */
export interface Announcement {
  /** The same in every window and for every copy. */
  readonly key: string;
  readonly name: string;
  /** Of the first instance. */
  readonly finding: Finding;
  /** Every server that has it. */
  readonly instances: readonly Instance[];
}

/** Groups the findings of a snapshot that cause notifications, without those that the user has muted or ignores. */
export function announcements(snapshot: Snapshot, facts: WindowFacts, kinds: readonly NotificationKind[]): Announcement[] {
  const wanted = new Set<FindingKind>(kinds.flatMap((kind) => notificationKinds[kind]));
  const found = new Map<string, Announcement>();
  for (const instance of snapshot.instances) {
    const counted = facts.choices.muted.includes(muteKey(instance)) ? [] : countedFindings([instance], facts);
    const finding = counted.filter(({ kind }) => wanted.has(kind)).sort(compareFindings)[0];
    if (finding) {
      const key = finding.kind === 'stale' ? upgradeKey(instance) : findingKey(finding, instance);
      const { name, instances } = found.get(key) ?? { name: instance.name, instances: [] };
      found.set(key, { finding, ...found.get(key), key, name, instances: [...instances, instance] });
    }
  }
  return [...found.values()];
}

/** A client that has the same entry twice, or starts it again and again, is one problem. */
function findingKey({ kind }: Finding, instance: Instance): string {
  return JSON.stringify([kind, instance.client?.identity ?? instance.id, muteKey(instance)]);
}

/** Server and version as one text: the package where it is installed, its version on disk, and the dependencies that changed. */
function upgradeKey(instance: Instance): string {
  const { package: own, changedDependencies, findings } = instance;
  const subKinds = findings.filter((finding) => finding.kind === 'stale').map((finding) => finding.subKind ?? '');
  const dependencies = changedDependencies.map((change) => `${change.name}@${change.installed ?? 'gone'}`).sort();
  return JSON.stringify([own?.ecosystem ?? '', own?.name ?? instance.name, own?.root ?? '', own?.installed ?? '', subKinds, dependencies]);
}

/** How long a window waits for the notification of the window that runs the server. */
export const ownerFirstMs = 2_000;

/**
 * Whether this window shows the notification now: at once if it runs one of the servers; else, if it has the focus, after `ownerFirstMs`.
 *
 * @param waitedMs how long this window has known about the upgrade
 */
export function notifiesNow(announcement: Announcement, facts: Pick<WindowFacts, 'pid'>, focused: boolean, waitedMs: number): boolean {
  return isOwn(announcement, facts) || (focused && waitedMs >= ownerFirstMs);
}

/** Whether this window runs one of the servers. */
export function isOwn(announcement: Announcement, facts: Pick<WindowFacts, 'pid'>): boolean {
  return announcement.instances.some((instance) => instance.client?.pid === facts.pid);
}

/** "everything still runs 1.0.0, but 1.1.0 is installed (VS Code, this window, PID 4711)." If several entries use the package, it names each. */
export function announcementText({ finding, instances }: Announcement, facts: WindowFacts): string {
  const [first, ...others] = instances;
  if (!first) {
    return '';
  }
  const names = new Set(instances.map((instance) => instance.name));
  const whose = others.length === 0 ? t('{0}, PID {1}', ownerText(first, facts), first.pid) : t('{0} running copies', instances.length);
  if (finding.kind !== 'stale') {
    return t('{0} ({1}): {2}.', oneLine(first.name, 60), whose, oneLine(finding.message));
  }
  if (names.size > 1) {
    return t('{0} ({1} running servers).', changeSummary(first, listedNames([...names]), 'many'), instances.length);
  }
  return t('{0} ({1}).', changeSummary(first, oneLine(first.name, 60)), whose);
}

/** The text for several at once: "3 running servers still run old code after an upgrade: a, b and c." */
export function groupText(group: readonly Announcement[]): string {
  const instances = group.flatMap((announcement) => announcement.instances);
  const stale = group.every(({ finding }) => finding.kind === 'stale');
  const names = listedNames(instances.map((instance) => instance.name));
  return stale
    ? t('{0} running servers still run old code after an upgrade: {1}.', instances.length, names)
    : t('{0} running servers need attention: {1}.', instances.length, names);
}
