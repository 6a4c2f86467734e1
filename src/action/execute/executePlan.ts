import { identityKey, type ProcessRow } from '../../model/process.ts';
import type { Snapshot } from '../../model/snapshot.ts';
import { type EndedProcess, type EndReport, systemTerminator, terminateTree } from '../../process/terminateTree.ts';
import { adoptsOrphans, processTree } from '../../process/tree/processTree.ts';
import { type ActionTarget, isSameServer, type Plan } from '../plan/plan.ts';
import { isOrphan } from '../plan/restartRoute.ts';
import { readHistory } from './actionHistory.ts';
import { askControl } from './askControl.ts';
import {
  type ActionResult,
  actionResult,
  appendToHistory,
  historyTarget,
  type Outcome,
  type Requester,
  recordOutcome,
  runExclusively,
} from './exclusiveAction.ts';
import { askOpencode } from './opencode.ts';
import type { ActionPlanContext } from './planContext.ts';
import { stillRuns, waitFor } from './processWait.ts';
import { askWindow, type RequestLimits } from './windowRequest.ts';

export interface ActionContext {
  readonly requester: Requester;
  readonly planContext: ActionPlanContext;
  /** A fresh scan. */
  scan(): Promise<Snapshot>;
  /** Replaces this process of a server by the entry of this name in `mcp-shepherd.json`; undefined where that file is not read. */
  ensure?(name: string, pid: number): Promise<Outcome>;
  /** How long a window may take; replaced in tests only. */
  readonly requestLimits?: RequestLimits;
}

/** For this long after the end of a server, a restart of it by its client is noticed and reported. */
const respawnMs = 3_000;

/**
 * Executes a plan. Everything that was true when the plan was made is checked again first. The result goes into the history, except for steps that the user
 * has to take.
 */
export async function executePlan(plan: Plan, context: ActionContext): Promise<Outcome> {
  const { target, verb } = plan;
  const { requester } = context;
  if (plan.refused !== undefined) {
    return recordOutcome({ status: 'refused', message: plan.refused, steps: [] }, target, verb, requester);
  }
  // A plan has one step.
  const [step] = plan.steps;
  switch (step?.kind) {
    case undefined:
      return { status: 'refused', message: 'The plan has no steps.', steps: [] };
    case 'manual':
      return { status: 'manual', message: step.text };
    case 'ask-window':
      return throughWindow(step.windowPid, plan, context);
    case 'ask-control': {
      const wanted = verb === 'restart' ? 'restart' : 'stop';
      const act = (): Promise<Outcome> =>
        exclusively(
          plan,
          context,
          async ({ table }) =>
            (target.idle ? workedObjection(target, await context.scan()) : undefined) ??
            askControl(wanted, target, step.record, { requester, table, scan: () => context.scan() }),
        );
      return wanted === 'stop' ? withRespawn(act, plan, context) : act();
    }
    case 'ask-opencode':
      return exclusively(plan, context, ({ table }) =>
        askOpencode(verb === 'restart' ? 'restart' : 'stop', target, step, { table, scan: () => context.scan() }),
      );
    case 'ensure': {
      // Not under the intent: `ensure` takes it to stop the old process, and starts one server for several requesters.
      const outcome = await context.ensure?.(step.name, target.pid);
      const none = { status: 'refused', message: 'mcp-shepherd.json is not read here; nothing was done.', steps: [] } as const;
      return recordOutcome(outcome ?? none, target, verb, requester);
    }
    case 'end-tree':
      return withRespawn(() => exclusively(plan, context, () => stopTree(plan, context)), plan, context);
  }
}

/** Acts under the intent on the target, while it runs. */
function exclusively(
  { target, verb }: Plan,
  { requester, planContext }: ActionContext,
  act: (context: ActionPlanContext) => Promise<ActionResult>,
): Promise<Outcome> {
  return runExclusively(
    target,
    verb,
    requester,
    () => stillRuns(planContext.table, target.instance),
    () => act(planContext),
  );
}

async function throughWindow(windowPid: number, { target, verb }: Plan, context: ActionContext): Promise<Outcome> {
  const { requester, planContext, requestLimits } = context;
  const identity = planContext.windowIdentities.get(windowPid);
  if (identity === undefined) {
    const message = `The window (extension host PID ${windowPid}) is gone.`;
    return recordOutcome({ status: 'failed', message, steps: [] }, target, verb, requester);
  }
  const began = Date.now();
  const request = {
    window: { pid: windowPid, identity },
    verb: verb === 'restart' ? 'restart' : 'stop',
    instance: target.instance,
    by: requester.by,
  } as const;
  const outcome = await askWindow(requester.runDir, request, requestLimits);
  return hasRecorded(requester, target, began) ? outcome : recordOutcome(outcome, target, verb, requester);
}

/** Stops the process tree of a target that still is what the plan says. */
async function stopTree(plan: Plan, context: ActionContext): Promise<ActionResult> {
  const { target } = plan;
  const snapshot = await context.scan();
  const now = snapshot.instances.find((instance) => instance.id === target.instance);
  if (!now) {
    return actionResult('refused', `${target.name} (PID ${target.pid}) is no longer recognised as a server; nothing was done.`);
  }
  if ((now.client?.identity ?? null) !== (target.client?.identity ?? null)) {
    return actionResult(
      'refused',
      `${target.name} (PID ${target.pid}) has another client now (${now.client?.name ?? 'none'}); nothing was done.`,
    );
  }
  if (!target.client && plan.confirm === 'once' && !now.findings.some((finding) => isOrphan(finding) && finding.confidence === 'proven')) {
    return actionResult('refused', `${target.name} (PID ${target.pid}) is no longer a proven orphan; nothing was done.`);
  }
  const worked = workedObjection(target, snapshot);
  if (worked) {
    return worked;
  }
  const row = (await context.planContext.table.list()).find((one) => identityKey(one.identity) === target.instance);
  if (!row) {
    return actionResult('refused', `${target.name} (PID ${target.pid}) is no longer running; nothing was done.`);
  }
  const report = await terminateTree(
    { server: row.identity, launchers: target.launchers, objection: (rows, top) => ownerObjection(target, rows, top) },
    systemTerminator(context.planContext.table),
  );
  return stopResult(target, report);
}

/** Refuses to stop an idle copy that has worked since the plan was made. */
function workedObjection({ idle, instance, name, pid }: ActionTarget, { instances }: Snapshot): ActionResult | undefined {
  const now = instances.find(({ id }) => id === instance);
  return idle && now && now.idleSince === undefined
    ? actionResult('refused', `${name} (PID ${pid}) has worked since the list was made; nothing was done.`)
    : undefined;
}

/**
 * Stops a server and reports when its client starts it again. That is checked once, after the intent was released, so that other requesters need not wait.
 */
async function withRespawn(stop: () => Promise<Outcome>, { target, verb }: Plan, context: ActionContext): Promise<Outcome> {
  const before = new Set((await context.scan()).instances.map((instance) => instance.id));
  const outcome = await stop();
  if (outcome.status !== 'done' || !target.client) {
    return outcome;
  }
  const again = await waitFor(respawnMs, async () =>
    (await context.scan()).instances.find((instance) => !before.has(instance.id) && isSameServer(instance, target)),
  );
  if (again === undefined) {
    return outcome;
  }
  const message = `${target.client.name} started it again (PID ${again.pid}); it was not stopped a second time.`;
  appendToHistory(context.requester, historyTarget(target), verb, {
    outcome: 'started-again',
    message,
    steps: [],
    after: { pid: again.pid, runs: again.package?.running ?? null },
  });
  return { ...outcome, message: `${outcome.message} ${message}`, startedAgain: again.pid };
}

/** Whether the window that was asked has recorded the result itself. */
function hasRecorded({ runDir, by }: Requester, target: ActionTarget, since: number): boolean {
  return readHistory(runDir).some(
    (entry) => entry.target.instance === target.instance && Date.parse(entry.at) >= since && entry.by === by && entry.via !== undefined,
  );
}

/** Why the processes are not (or no longer) those of the plan. @param top the topmost process of the tree */
function ownerObjection(target: ActionTarget, rows: readonly ProcessRow[], top: ProcessRow): string | undefined {
  const above = processTree(rows).ancestorsOf(top);
  if (target.client) {
    const { client } = target;
    return above.some((row) => identityKey(row.identity) === client.identity)
      ? undefined
      : `${target.name} (PID ${target.pid}) no longer runs under ${client.name} (PID ${client.pid})`;
  }
  const [parent] = above;
  return parent === undefined || adoptsOrphans(parent) || target.listens
    ? undefined
    : `${target.name} (PID ${target.pid}) now runs under PID ${parent.pid} (${parent.name})`;
}

function stopResult(target: ActionTarget, report: EndReport): ActionResult {
  const ofOtherUsers = ('ofOtherUsers' in report ? report.ofOtherUsers : undefined) ?? [];
  const steps = (processes: readonly EndedProcess[]): ActionResult['steps'] => [
    ...processes.map(({ pid, how }) => ({ text: `PID ${pid}`, result: how === 'by itself' ? 'ended by itself' : `stopped (${how})` })),
    ...ofOtherUsers.map((pid) => ({ text: `PID ${pid}`, result: 'not stopped: it belongs to another user' })),
  ];
  const name = `${target.name} (PID ${target.pid})`;
  switch (report.status) {
    case 'gone':
      return actionResult('refused', `${name} is no longer running; nothing was done.`);
    case 'refused':
      return actionResult('refused', `${report.reason}; nothing more was done.`, steps(report.processes));
    case 'left':
      return actionResult('failed', `${name} could not be stopped: ${report.reason}.`, steps(report.processes));
    case 'ended': {
      const hard = report.processes.some(({ how }) => how === 'SIGKILL');
      const many = report.processes.length;
      const others = ofOtherUsers.length > 0 ? ` PID ${ofOtherUsers.join(', ')} of its tree belongs to another user and still runs.` : '';
      return {
        outcome: 'done',
        message: `${name} was stopped${hard ? ' (it ignored SIGTERM)' : ''}${many > 1 ? `, with ${many - 1} more of its tree` : ''}.${others}`,
        steps: steps(report.processes),
      };
    }
  }
}
