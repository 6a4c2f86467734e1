import type { Instance, Snapshot } from '../../model/snapshot.ts';
import { isStale, ownerText, type WindowFacts } from '../window/windowFacts.ts';
import { countedFindings, muteKey } from './attention.ts';
import { changeSummary } from './instanceText.ts';
import { oneLine } from './plainText.ts';

/** One upgrade that made running servers stale; it causes one notification on this machine. */
export interface Announcement {
  /** Server and version; the same in every window and for every copy. */
  readonly key: string;
  readonly name: string;
  /** Every server that still runs the old code. */
  readonly instances: readonly Instance[];
}

/** Groups the stale servers of a snapshot by upgrade, without those that the user has muted or ignores. */
export function announcements(snapshot: Snapshot, facts: WindowFacts): Announcement[] {
  const byKey = new Map<string, Instance[]>();
  const told = snapshot.instances.filter(
    (instance) =>
      isStale(instance) &&
      !facts.choices.muted.includes(muteKey(instance)) &&
      countedFindings([instance], facts).some(({ kind }) => kind === 'stale'),
  );
  for (const instance of told) {
    const key = upgradeKey(instance);
    byKey.set(key, [...(byKey.get(key) ?? []), instance]);
  }
  return [...byKey].map(([key, instances]) => ({ key, name: instances[0]?.name ?? '', instances }));
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
export function announcementText(announcement: Announcement, facts: WindowFacts): string {
  const [first, ...others] = announcement.instances;
  if (!first) {
    return '';
  }
  const names = new Set(announcement.instances.map((instance) => instance.name));
  if (names.size > 1) {
    const change = changeSummary(first).replace(/^still runs/, 'still run');
    return `${nameList([...names])} ${change} (${announcement.instances.length} running servers).`;
  }
  const whose = others.length === 0 ? `${ownerText(first, facts)}, PID ${first.pid}` : `${announcement.instances.length} running copies`;
  return `${oneLine(first.name, 60)} ${changeSummary(first)} (${whose}).`;
}

/** The text for several upgrades at once: "3 running servers still run old code after an upgrade: a, b and c." */
export function groupText(group: readonly Announcement[]): string {
  const instances = group.flatMap((announcement) => announcement.instances);
  return `${instances.length} running servers still run old code after an upgrade: ${nameList(instances.map((instance) => instance.name))}.`;
}

/** "a, b and c", each once; at most four, then "and N more". */
function nameList(all: readonly string[]): string {
  const names = [...new Set(all.map((name) => oneLine(name, 40)))];
  const shown = names.slice(0, 4);
  const rest = names.length - shown.length;
  if (rest > 0) {
    return `${shown.join(', ')} and ${rest} more`;
  }
  return `${shown.slice(0, -1).join(', ')}${shown.length > 1 ? ' and ' : ''}${shown.at(-1) ?? ''}`;
}
