import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { actOnce } from '../../lock/actOnce.ts';
import type { KernelLock } from '../../lock/kernelLock.ts';
import { openLockDirectory, protocolBase } from '../../lock/lockDirectory.ts';
import { readProcessStarts } from '../../lock/processStarts.ts';
import type { Instance, Snapshot } from '../../model/snapshot.ts';
import { incompletePackages, installedVersions } from '../../survey/updates/installedVersions.ts';
import { askControl } from '../execute/askControl.ts';
import { appendToHistory, historyTarget, type Outcome } from '../execute/exclusiveAction.ts';
import type { ActionContext } from '../execute/executePlan.ts';
import { waitFor } from '../execute/processWait.ts';
import { isSameServer, targetOf } from '../plan/plan.ts';
import { restartRoute } from '../plan/restartRoute.ts';
import { installerFolder, type UpgradePlan } from '../plan/upgradePlan.ts';
import { hasChanged, keepFiles, putBack } from './keptFiles.ts';
import { runInstaller } from './runInstaller.ts';
import { type UndoWay, undoWay } from './undoWay.ts';
import { type UpgradeResult, type UpgradeSystem, upgradeServers } from './upgradeServers.ts';

/** The effects of an upgrade that its caller has. */
interface UpgradeRun {
  readonly actions: ActionContext;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Ends the installer; the way back is not ended. */
  readonly ended: AbortSignal;
  /** Each line of the installers' output, as they wrote it. */
  onLine(line: string): void;
  /** The next scan reads every package again. */
  packagesChanged(): void;
  /** Restarts a server that runs, by the way of `restart`. */
  restart(instance: Instance): Promise<Outcome>;
  /** Starts a server whose process is gone, where its client is the caller. Undefined: it is not. */
  startAgain?(instance: Instance): Promise<Outcome | undefined>;
}

/** From the end of an installer until a scan shows its result, ms. */
const visibleMs = 15_000;

/** The way back from an upgrade, by the files that are on disk now. */
export function undoWayOf(plan: UpgradePlan): UndoWay | undefined {
  return undoWay(plan, rootOf(plan), existsSync);
}

function rootOf({ instances: [first] }: UpgradePlan): string {
  return first?.package?.root ?? '';
}

/**
 * Upgrades under an intent on the environment: two installers at once would break it. The result goes into the history.
 * @throws when the system has no process table
 */
export async function upgradeOnce(plan: UpgradePlan, run: UpgradeRun): Promise<UpgradeResult> {
  const { requester } = run.actions;
  const opened = openLockDirectory(protocolBase(requester.runDir, requester.explicitRunDir));
  if ('refused' in opened) {
    return nothing(`another program could not be kept from acting at the same time: ${opened.refused}`);
  }
  const start = (await (await readProcessStarts()).startOf(process.pid)) ?? '?';
  const once = await actOnce(
    {
      directory: opened.directory,
      target: createHash('sha256')
        .update(`shepherd\nenvironment\n${rootOf(plan)}`, 'utf8')
        .digest('hex')
        .slice(0, 32),
      expect: plan.from,
      actor: { by: requester.by, pid: process.pid, start, verb: 'restart', since: new Date().toISOString() },
      current: async () => {
        run.packagesChanged();
        return installedNow(plan, await run.actions.scan()) ?? undefined;
      },
      waitMs: 0,
    },
    async (lock) => {
      try {
        return await upgradeServers(plan, undoWayOf(plan), upgradeSystem(plan, run, lock));
      } finally {
        // A program that the installer left running may have inherited it.
        await lock.unlock();
      }
    },
  );
  switch (once.status) {
    case 'acted': {
      const { status, message, steps, after } = once.result;
      const [first] = plan.instances;
      if (first) {
        const outcome = status === 'done' || status === 'manual' ? 'done' : 'failed';
        appendToHistory(requester, historyTarget(targetOf(first)), 'upgrade', { outcome, message, steps, ...(after ? { after } : {}) });
      }
      return once.result;
    }
    case 'already':
      return nothing(`${plan.packageName} ${once.now ?? 'in no readable version'} is installed by now`);
    case 'busy':
      return nothing(`another command is upgrading ${plan.packageName}`);
    default:
      return nothing(`another program could not be kept from acting at the same time: ${once.reason}`);
  }
}

function nothing(reason: string): UpgradeResult {
  return { status: 'failed', message: `Nothing was changed: ${reason}.`, steps: [] };
}

/** The version on disk, by a server that runs from the same environment. */
function installedNow(plan: UpgradePlan, { instances }: Snapshot): string | null {
  const root = rootOf(plan);
  return instances.find(({ package: own }) => own?.name === plan.packageName && own.root === root)?.package?.installed ?? null;
}

function upgradeSystem(plan: UpgradePlan, run: UpgradeRun, { mechanism, fd }: KernelLock): UpgradeSystem {
  const { actions, env, ended, onLine, packagesChanged, restart } = run;
  const [first] = plan.instances;
  let kept: Exclude<ReturnType<typeof keepFiles>, { readonly reason: string }> = [];
  const others = new Set(plan.instances.map(({ id }) => id));
  let since = 0;
  const versions = () => first?.package && installedVersions(first.package.ecosystem, first.package.root);
  return {
    keep: (files) => {
      const result = keepFiles(files);
      if ('reason' in result) {
        return result.reason;
      }
      kept = result;
      return undefined;
    },
    filesChanged: () => kept.some(hasChanged),
    putFilesBack: () => {
      for (const file of kept) {
        putBack(file);
      }
    },
    versions: () => versions() ?? undefined,
    incomplete: () => (first?.package ? incompletePackages(first.package.ecosystem, first.package.root) : new Set()),
    installed: async (expected) => {
      let now: string | null = null;
      await waitFor(visibleMs, async () => {
        packagesChanged();
        now = installedNow(plan, await actions.scan()) ?? installedByName(plan, versions());
        return now === expected;
      });
      return now;
    },
    run: async (command, cwd, canBeEnded) => {
      const failed = await runInstaller(command, {
        env,
        onLine,
        cwd: cwd ?? installerFolder(command, rootOf(plan), process.platform),
        lock: mechanism === 'flock' ? fd : undefined,
        ...(canBeEnded ? { signal: ended } : {}),
      });
      since = Date.now();
      return failed;
    },
    restart: async (instance) => {
      const isThere = async () => (await actions.scan()).instances.some(({ id }) => id === instance.id);
      const outcome = (await isThere()) ? await restart(instance) : undefined;
      // The guard may replace it at any moment, also between that scan and the request.
      const isActed = outcome?.status === 'done' || outcome?.status === 'failed';
      return outcome && outcome.status !== 'already' && (isActed || (await isThere()))
        ? outcome
        : revive(instance, plan.to, { others, since }, run);
    },
    revive: (instance) => revive(instance, plan.from, { others, since }, run),
    runs: async (pid) => (await actions.planContext.table.list()).some((row) => row.pid === pid),
  };
}

/** The same without a running server. */
function installedByName({ packageName }: UpgradePlan, versions: ReadonlyMap<string, string> | null | undefined): string | null {
  return versions?.get(packageName) ?? null;
}

/**
 * Makes sure that the expected version of a server runs, after the process that the plan named has exited. Its guard or its client may have started another process, or may have failed to.
 * @param others ids of servers that are other copies; `since`: when the packages were last changed, epoch ms
 */
async function revive(
  instance: Instance,
  expected: string,
  { others, since }: { readonly others: ReadonlySet<string>; readonly since: number },
  { actions, restart, startAgain }: Pick<UpgradeRun, 'actions' | 'restart' | 'startAgain'>,
): Promise<Outcome> {
  const target = targetOf(instance);
  const { instances, ...snapshot } = await actions.scan();
  const name = `${instance.name} (PID ${instance.pid})`;
  if (instances.some(({ id }) => id === instance.id)) {
    return {
      status: 'already',
      message: `${name} has not been replaced: it still runs ${instance.package?.running ?? 'the old version'}.`,
    };
  }
  const now = instances.find(
    (one) => !others.has(one.id) && (instance.record ? one.record?.id === instance.record.id : isSameServer(one, target)),
  );
  if (now) {
    const runs = now.package?.running ?? null;
    if (runs === expected && Date.parse(now.startedAt) > since) {
      return {
        status: 'done',
        message: `The guard or client of ${name} started another process by itself: PID ${now.pid} runs ${runs}.`,
        steps: [],
        after: { pid: now.pid, runs },
      };
    }
    // It was started while the packages changed, and may end at once.
    const outcome = await restart(now);
    if (outcome.status !== 'already' && (outcome.status !== 'failed' || !instance.record)) {
      return outcome;
    }
  }
  const route = restartRoute(instance, { ...snapshot, instances });
  if (route.kind === 'control') {
    // The guard lives and has no server. Its own attempts have growing pauses, and one that began before the packages were back fails.
    const ask = () =>
      askControl('restart', target, route.record, {
        requester: actions.requester,
        table: actions.planContext.table,
        scan: () => actions.scan(),
      });
    const first = await ask();
    const { outcome, ...rest } = first.outcome === 'failed' ? await ask() : first;
    return { status: outcome, ...rest };
  }
  const started = await startAgain?.(instance);
  return (
    started ?? { status: 'manual', message: `${instance.name} is not running: start it in ${instance.client?.name ?? 'its client'} again.` }
  );
}
