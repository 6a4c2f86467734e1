import { isUpgradable, type UpgradePlan } from '../../action/plan/upgrade.ts';
import type { Snapshot } from '../../model/snapshot.ts';
import { ownerText, type WindowFacts } from '../window/windowFacts.ts';
import { oneLine, withoutIcons } from './plainText.ts';

/** The command as one line, quoted where a space would mislead. Nothing ever reads this line but a person. */
export function shownCommand(argv: readonly string[]): string {
  return argv.map((word) => (/^[\w@%+=:,./\\~^-]+$/.test(word) ? word : JSON.stringify(word))).join(' ');
}

/** What is asked before anything is done. */
export function upgradeQuestion(plan: UpgradePlan, facts: WindowFacts): { readonly message: string; readonly detail: string } {
  const servers = plan.instances.length === 1 ? 'its server' : `its ${plan.instances.length} servers`;
  const lines = [
    shownCommand(plan.argv),
    ...(plan.cwd === undefined ? [] : [`in ${plan.cwd}`]),
    '',
    plan.order === 'stop-first' ? 'Stopped before and started again after it:' : 'Restarted when it has worked:',
    ...plan.instances.map((instance) => `${oneLine(instance.name, 60)}, PID ${instance.pid} (${ownerText(instance, facts)})`),
  ];
  return {
    message: `Upgrade ${oneLine(plan.packageName, 100)} from ${oneLine(plan.from, 40)} to ${oneLine(plan.to, 40)} and restart ${servers}?`,
    detail: lines.map((line) => oneLine(line, 1_000)).join('\n'),
  };
}

/** Said when the command did not work. @param ended its exit code, or why there is none */
export function upgradeFailure(plan: UpgradePlan, ended: number | string): string {
  const how = typeof ended === 'number' ? `exit code ${ended}` : ended;
  const servers =
    plan.order === 'stop-first'
      ? 'The servers were started again as they were.'
      : 'The servers run on as they were; nothing was restarted.';
  return `Upgrading ${oneLine(plan.packageName, 100)} failed (${oneLine(how, 200)}). ${servers} The terminal says why.`;
}

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
