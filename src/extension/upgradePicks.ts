import { isUpgradable } from '../action/upgrade.ts';
import type { Snapshot } from '../types/snapshot.ts';
import { withoutIcons } from './plainText.ts';
import { ownerText, type WindowFacts } from './windowFacts.ts';

/** One line of "Upgrade and Restart…". */
export interface UpgradePick {
  readonly label: string;
  /** Versions. */
  readonly description: string;
  /** Whose it is, and where it is installed. */
  readonly detail: string;
  readonly instanceId: string;
}

/** The running servers that have a newer version for which the command is known: one line for each installation, this window's servers first. */
export function upgradePicks(snapshot: Snapshot, facts: WindowFacts): UpgradePick[] {
  const seen = new Set<string>();
  return snapshot.instances
    .filter(isUpgradable)
    .sort((a, b) => Number(b.client?.pid === facts.pid) - Number(a.client?.pid === facts.pid) || a.name.localeCompare(b.name, 'en'))
    .filter(({ package: own }) => {
      const key = JSON.stringify([own?.ecosystem, own?.name, own?.root]);
      return !seen.has(key) && seen.add(key) !== undefined;
    })
    .map((instance) => ({
      label: withoutIcons(instance.name, 80),
      description: withoutIcons(`${instance.package?.installed ?? ''} → ${instance.package?.latest ?? ''}`, 120),
      detail: withoutIcons(`${instance.package?.name ?? ''} · ${ownerText(instance, facts)} · ${instance.package?.root ?? ''}`, 200),
      instanceId: instance.id,
    }));
}
