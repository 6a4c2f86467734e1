import type { Instance } from '../../model/snapshot.ts';
import type { UpgradePlan } from '../plan/upgradePlan.ts';

/** Why `upgrade` does nothing. `current`: there is nothing to do. `yours`: the user has to act. */
export interface UpgradeRefusal {
  readonly kind: 'current' | 'yours' | 'refused';
  readonly message: string;
}

/** Whether `upgrade` may begin; pure. @param plan undefined: no command is known @returns undefined: it may */
export function upgradeRefusal(instance: Instance, plan: UpgradePlan | undefined, platform: NodeJS.Platform): UpgradeRefusal | undefined {
  const { name, package: own, findings } = instance;
  const who = `${name} (PID ${instance.pid})`;
  if (!own) {
    return {
      kind: 'refused',
      message: `The package of ${who} is unknown${instance.unknown === undefined ? '' : `: ${instance.unknown}`}.`,
    };
  }
  const update = findings.find(({ kind }) => kind === 'update-available');
  if (!update) {
    if (own.running !== null && own.installed !== null && own.running !== own.installed) {
      return {
        kind: 'yours',
        message: `${own.name} ${own.installed} is installed already, and ${who} still runs ${own.running}: restart it.`,
      };
    }
    return own.latest === undefined
      ? { kind: 'refused', message: `No newer version of ${own.name} is known: its registry gave no answer, or was not asked.` }
      : { kind: 'current', message: `${who} has the newest version of ${own.name}: ${own.installed ?? own.latest}.` };
  }
  const launcher = cacheLauncher(own.root);
  if (launcher !== undefined) {
    const exact = `${own.name}${own.ecosystem === 'python' ? '==' : '@'}${own.latest ?? 'VERSION'}`;
    return {
      kind: 'refused',
      message: `${launcher} starts ${who} from a download cache, which belongs to no project: what is upgraded there may be replaced at the next start. Write ${exact} in its entry, or install ${own.name} in a project.`,
    };
  }
  if (!plan) {
    const step = update.actions.find((action) => action.kind === 'manual');
    return { kind: 'refused', message: step ? `${who}: ${step.step}` : `No command is known that upgrades ${own.name}.` };
  }
  if (platform === 'win32') {
    return {
      kind: 'yours',
      message: `Windows does not replace the files of a running program. Stop ${who} in its client, run ${plan.command}, and start it again; or use “Upgrade and Restart” in VS Code.`,
    };
  }
  return undefined;
}

/** The program that starts a server from its own download cache; undefined for a project, an environment or a global installation. */
function cacheLauncher(root: string): string | undefined {
  const parts = root.split(/[\\/]/);
  if (parts.includes('_npx')) {
    return 'npx';
  }
  if (parts.some((part) => /^archive-v\d+$/.test(part))) {
    return 'uvx';
  }
  return parts.some((part) => part === 'dlx' || part.startsWith('dlx-'))
    ? 'pnpm dlx'
    : parts.some((part) => /^bunx-\d+-/.test(part))
      ? 'bunx'
      : undefined;
}
