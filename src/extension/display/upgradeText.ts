import { isUpgradable, type UpgradePlan } from '../../action/plan/upgradePlan.ts';
import type { Snapshot } from '../../model/snapshot.ts';
import { ownerText, type WindowFacts } from '../window/windowFacts.ts';
import { listedNames, oneLine, withoutIcons } from './plainText.ts';

/** The question before an upgrade, in three lines: what is installed, the exact command, and whose servers are restarted. */
export function upgradeQuestion(plan: UpgradePlan, facts: WindowFacts): { readonly message: string; readonly detail: string } {
  const servers = plan.instances.length === 1 ? 'its server' : `its ${plan.instances.length} servers`;
  const whose = plan.instances.map((instance) => `${oneLine(instance.name, 60)} (${ownerText(instance, facts)}, PID ${instance.pid})`);
  const when = plan.order === 'stop-first' ? 'Stops first, and starts again afterwards:' : 'Then restarts';
  const lines = [`${plan.command}${plan.cwd === undefined ? '' : ` (in ${plan.cwd})`}`, `${when} ${listedNames(whose, 160)}.`];
  return {
    message: `Upgrade ${oneLine(plan.packageName, 100)} from ${oneLine(plan.from, 40)} to ${oneLine(plan.to, 40)} and restart ${servers}?`,
    detail: lines.map((line) => oneLine(line, 1_000)).join('\n'),
  };
}

/** The message after a failed upgrade. @param reason "exit code 1", or why there is none */
export function upgradeFailure(plan: UpgradePlan, reason: string): string {
  const servers = plan.order === 'stop-first' ? 'The old version was started again.' : 'The old version is still running.';
  return `Upgrading ${oneLine(plan.packageName, 100)} failed (${oneLine(reason, 200)}). ${servers} See the terminal.`;
}

/** One line of "Upgrade and Restart…". */
interface UpgradePick {
  readonly label: string;
  /** Versions. */
  readonly description: string;
  /** Package, owner, and where it is installed. */
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
