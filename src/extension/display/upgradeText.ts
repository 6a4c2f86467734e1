import { isUpgradable, type UpgradePlan } from '../../action/plan/upgradePlan.ts';
import type { UndoWay } from '../../action/upgrade/undoWay.ts';
import { t } from '../../base/language/translate.ts';
import type { Snapshot } from '../../model/snapshot.ts';
import { ownerText, type WindowFacts } from '../window/windowFacts.ts';
import { listedNames, oneLine, withoutIcons } from './plainText.ts';

/** The question before an upgrade, in three lines: what is installed, the exact command, and whose servers are restarted, with the way back. */
export function upgradeQuestion(
  plan: UpgradePlan,
  undo: Pick<UndoWay, 'exact'> | undefined,
  facts: WindowFacts,
): { readonly message: string; readonly detail: string } {
  const whose = plan.instances.map((instance) =>
    t('{0} ({1}, PID {2})', oneLine(instance.name, 60), ownerText(instance, facts), instance.pid),
  );
  const names = listedNames(whose, 160);
  const lines = [
    plan.cwd === undefined ? plan.command : t('{0} (in {1})', plan.command, plan.cwd),
    plan.order === 'stop-first'
      ? t('Stops first, and starts again afterwards: {0}.', names)
      : undo === undefined
        ? t('Then restarts {0}. There is no way back if it does not answer.', names)
        : undo.exact
          ? t('Then restarts {0}. If it does not answer, every package becomes what it was.', names)
          : t(
              'Then restarts {0}. If it does not answer, {1} is installed again; its dependencies may stay newer.',
              names,
              oneLine(plan.from, 40),
            ),
  ];
  const [name, from, to] = [oneLine(plan.packageName, 100), oneLine(plan.from, 40), oneLine(plan.to, 40)];
  return {
    message:
      plan.instances.length === 1
        ? t('Upgrade {0} from {1} to {2} and restart its server?', name, from, to)
        : t('Upgrade {0} from {1} to {2} and restart its {3} servers?', name, from, to, plan.instances.length),
    detail: lines.map((line) => oneLine(line, 1_000)).join('\n'),
  };
}

/** The message after a failed upgrade. @param reason "exit code 1", or why there is none */
export function upgradeFailure(plan: UpgradePlan, reason: string): string {
  const servers = plan.order === 'stop-first' ? t('The old version was started again.') : t('The old version is still running.');
  return t('Upgrading {0} failed ({1}). {2} See the terminal.', oneLine(plan.packageName, 100), oneLine(reason, 200), servers);
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
