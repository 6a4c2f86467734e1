import { listText, singleLine } from '../../base/singleLine.ts';
import type { Instance } from '../../model/snapshot.ts';
import type { ActionResult, Outcome } from '../execute/exclusiveAction.ts';
import type { UpgradePlan } from '../plan/upgradePlan.ts';
import { type InstallerCommand, type PackageVersions, type UndoWay, undoCommands, versionChanges } from './undoWay.ts';

/** The parts of the system that an upgrade uses; tests pass their own. */
export interface UpgradeSystem {
  /** Keeps files in memory. @returns why one cannot be kept */
  keep(files: readonly string[]): string | undefined;
  /** Whether a kept file differs now. */
  filesChanged(): boolean;
  /** @throws the system's error */
  putFilesBack(): void;
  /** All packages of the environment; undefined where that cannot be read. */
  versions(): PackageVersions | undefined;
  /** The version of the server's package on disk, once the files are settled; null when it cannot be read. */
  installed(expected: string): Promise<string | null>;
  /** @returns why the command failed */
  run(command: InstallerCommand, cwd: string | undefined, canBeEnded: boolean): Promise<string | undefined>;
  /** Restarts a server that runs, by the way of `restart`. */
  restart(instance: Instance): Promise<Outcome>;
  /** Restarts a server whose restart has failed; its process may be gone. */
  revive(instance: Instance): Promise<Outcome>;
  /** Whether this process still runs. */
  runs(pid: number): Promise<boolean>;
}

/** The result of an upgrade. */
export interface UpgradeResult {
  /** `manual`: upgraded, and the user has to restart a server. `rolled-back`: the old version is installed again. `failed`: see the message. */
  readonly status: 'done' | 'manual' | 'rolled-back' | 'failed';
  readonly message: string;
  readonly steps: ActionResult['steps'];
  /** The process that runs the new version. */
  readonly after?: ActionResult['after'];
}

type Steps = { readonly text: string; readonly result: string }[];

/**
 * Runs the upgrade command and restarts the servers, the first one that can be restarted from here before the others. When the command fails, or that first server does not
 * answer in the new version, the packages become what they were, and the server is restarted again. No other copy of the server is started.
 */
export async function upgradeServers(plan: UpgradePlan, undo: UndoWay | undefined, system: UpgradeSystem): Promise<UpgradeResult> {
  const { packageName, from, to } = plan;
  const unkept = system.keep(undo?.files ?? []);
  if (unkept !== undefined) {
    return { status: 'failed', message: `Nothing was changed: there is no way back, because ${unkept}.`, steps: [] };
  }
  const before = system.versions();
  const steps: Steps = [];
  const back = (): Promise<string> => goBack(plan, undo, before, system, steps);
  const failed = await system.run(plan.argv, plan.cwd, true);
  const installed = failed === undefined ? await system.installed(to) : null;
  const problem = failed ?? (installed === to ? undefined : `${installed ?? 'no readable version'} is installed after it`);
  steps.push({ text: plan.command, result: problem ?? 'done' });
  if (problem !== undefined) {
    const changes = before && system.versions();
    const touched = system.filesChanged() || (before && changes ? versionChanges(before, changes).length > 0 : failed === undefined);
    const state = touched ? await back() : 'Nothing was changed.';
    return { status: touched ? 'rolled-back' : 'failed', message: `Upgrading ${packageName} to ${to} failed: ${problem}. ${state}`, steps };
  }
  const told: string[] = [];
  let after: UpgradeResult['after'];
  let mustAct = false;
  let hasFailed = false;
  for (const instance of plan.instances) {
    const outcome = await system.restart(instance);
    const fault = await faultOf(outcome, to, system);
    steps.push({ text: `restart ${instance.name} (PID ${instance.pid})`, result: fault ?? outcome.message });
    if (fault !== undefined && after === undefined && !hasFailed) {
      const state = await back();
      const again = await system.revive(instance);
      steps.push({ text: `restart ${instance.name} again`, result: again.message });
      const message = `${packageName} ${to} was installed, and ${instance.name} does not work with it: ${fault} ${state} ${again.message}`;
      return { status: 'rolled-back', message, steps };
    }
    if (outcome.status === 'done' && fault === undefined) {
      after ??= outcome.after;
    }
    const isYours = outcome.status === 'manual' || outcome.status === 'refused';
    mustAct ||= isYours;
    hasFailed ||= fault !== undefined;
    told.push(
      isYours
        ? `${instance.name} (PID ${instance.pid}) still runs ${instance.package?.running ?? 'the old version'}. ${outcome.message}`
        : (fault ?? outcome.message),
    );
  }
  return {
    status: hasFailed ? 'failed' : mustAct ? 'manual' : 'done',
    message: [`${packageName} ${from} -> ${to} is installed.`, ...told].join(' '),
    steps,
    ...(after ? { after } : {}),
  };
}

/** Why a restarted server does not answer in the new version, as a sentence; undefined: it does, or that is not for this restart to say. */
async function faultOf(outcome: Outcome, to: string, system: UpgradeSystem): Promise<string | undefined> {
  if (outcome.status === 'failed') {
    return outcome.message;
  }
  const now = outcome.status === 'done' ? outcome.after : undefined;
  if (!now) {
    return undefined;
  }
  if (now.stillOld || (now.runs !== null && now.runs !== to)) {
    return `${outcome.message} It runs ${now.runs ?? 'another version'} and not ${to}.`;
  }
  return (await system.runs(now.pid)) ? undefined : `PID ${now.pid} ended right after its start.`;
}

/** Makes the packages what they were. @returns what is installed now, as sentences */
async function goBack(
  { packageName, from }: UpgradePlan,
  undo: UndoWay | undefined,
  before: PackageVersions | undefined,
  system: UpgradeSystem,
  steps: Steps,
): Promise<string> {
  if (undo === undefined) {
    return `There is no way back: install ${packageName} ${from} yourself.`;
  }
  try {
    system.putFilesBack();
  } catch {
    return `The files of the project could not be put back: install ${packageName} ${from} yourself.`;
  }
  const now = system.versions();
  const commands =
    before && now ? undoCommands(undo, before, now) : undo.install.kind === 'command' ? undoCommands(undo, new Map(), new Map()) : [];
  for (const { argv, cwd } of commands) {
    const failed = await system.run(argv, cwd, false);
    steps.push({ text: argv.join(' '), result: failed ?? 'done' });
    if (failed !== undefined) {
      return `Going back failed too (${argv.slice(0, 6).join(' ')}: ${failed}): install ${packageName} ${from} yourself.`;
    }
  }
  const installed = await system.installed(from);
  const left = system.versions();
  const changes = before && left ? versionChanges(before, left) : [];
  if (installed !== from) {
    return `${installed ?? 'No readable version'} of ${packageName} is installed now: install ${from} yourself.`;
  }
  const rest =
    changes.length > 0
      ? `, but these packages differ: ${singleLine(listText(changes, 5), 400)}`
      : undo.exact || (before && left)
        ? ', and every package is as before'
        : '; its dependencies may be newer';
  return `${packageName} ${from} is installed again${rest}.`;
}
