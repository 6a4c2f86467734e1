import { identityKey, type ProcessRow } from '../../model/process.ts';
import type { Snapshot } from '../../model/snapshot.ts';
import { type EndedProcess, type EndReport, endTree, systemTerminator } from '../../process/terminateTree.ts';
import { processTree } from '../../process/tree/processTree.ts';
import { adoptsOrphans } from '../../survey/server/serverOwner.ts';
import type { ActionTarget, Plan } from '../plan/plan.ts';
import { isOrphan } from '../plan/restartRoute.ts';
import { isSameServer } from '../plan/sameServer.ts';
import { readHistory } from './actionHistory.ts';
import { askControl } from './controlRequest.ts';
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
  readonly asker: Requester;
  readonly here: ActionPlanContext;
  /** A fresh look at the machine. */
  look(): Promise<Snapshot>;
  /** Replaces this process of a server whose start a person wrote down under this name; undefined where that is not read. */
  ensure?(name: string, pid: number): Promise<Outcome>;
  /** How long a window may take; replaced in tests only. */
  readonly requestLimits?: RequestLimits;
}

/** How long after the end of a server its client may start it again, so that we can say so. */
const respawnMs = 3_000;

/** Carries a plan out: whatever was true when it was made is looked at again first. Whatever becomes of it stands in the history, but for steps that are the user's. */
export async function carryOut(plan: Plan, hands: ActionContext): Promise<Outcome> {
  const { target, verb } = plan;
  if (plan.refused !== undefined) {
    return recordOutcome({ status: 'refused', message: plan.refused, steps: [] }, target, verb, hands.asker);
  }
  for (const step of plan.steps) {
    switch (step.kind) {
      case 'manual':
        return { status: 'manual', message: step.text };
      case 'ask-window': {
        const identity = hands.here.windowIdentities.get(step.windowPid);
        if (identity === undefined) {
          const message = `The window (extension host PID ${step.windowPid}) is gone.`;
          return recordOutcome({ status: 'failed', message, steps: [] }, target, verb, hands.asker);
        }
        const began = Date.now();
        const ask = {
          window: { pid: step.windowPid, identity },
          verb: verb === 'restart' ? 'restart' : 'stop',
          instance: target.instance,
          by: hands.asker.by,
        } as const;
        const outcome = await askWindow(hands.asker.runDir, ask, hands.requestLimits);
        return wroteDown(hands.asker, target, began) ? outcome : recordOutcome(outcome, target, verb, hands.asker);
      }
      case 'ask-control': {
        const wish = verb === 'restart' ? 'restart' : 'stop';
        const { asker, here } = hands;
        const before = new Set(wish === 'restart' ? [] : (await hands.look()).instances.map((instance) => instance.id));
        const outcome = await runExclusively(
          target,
          verb,
          asker,
          () => stillRuns(here.table, target.instance),
          () => askControl(wish, target, step.record, { asker, table: here.table, look: () => hands.look() }),
        );
        return wish === 'stop' ? withRespawn(outcome, plan, before, hands) : outcome;
      }
      case 'ask-opencode':
        return runExclusively(
          target,
          verb,
          hands.asker,
          () => stillRuns(hands.here.table, target.instance),
          () => askOpencode(verb === 'restart' ? 'restart' : 'stop', target, step, { table: hands.here.table, look: () => hands.look() }),
        );
      case 'ensure': {
        // Not under the intent: who ends the old process there takes it, and several callers at once start one.
        const outcome = await hands.ensure?.(step.name, target.pid);
        const none = { status: 'refused', message: 'How it is started is not read here; nothing was done.', steps: [] } as const;
        return recordOutcome(outcome ?? none, target, verb, hands.asker);
      }
      case 'end-tree': {
        const before = new Set((await hands.look()).instances.map((instance) => instance.id));
        const outcome = await runExclusively(
          target,
          verb,
          hands.asker,
          () => stillRuns(hands.here.table, target.instance),
          () => end(plan, hands),
        );
        return withRespawn(outcome, plan, before, hands);
      }
    }
  }
  return { status: 'refused', message: 'The plan has no steps.', steps: [] };
}

async function end(plan: Plan, hands: ActionContext): Promise<ActionResult> {
  const { target } = plan;
  const snapshot = await hands.look();
  const now = snapshot.instances.find((instance) => instance.id === target.instance);
  if (!now) {
    return actionResult('refused', `${target.name} (PID ${target.pid}) is no longer seen as a server; nothing was done.`);
  }
  if ((now.client?.identity ?? null) !== (target.client?.identity ?? null)) {
    return actionResult(
      'refused',
      `${target.name} (PID ${target.pid}) has another owner than before (${now.client?.name ?? 'none'}); nothing was done.`,
    );
  }
  if (!target.client && plan.confirm === 'once' && !now.findings.some((finding) => isOrphan(finding) && finding.confidence === 'proven')) {
    return actionResult('refused', `${target.name} (PID ${target.pid}) is no longer a proven orphan; nothing was done.`);
  }
  const row = (await hands.here.table.list()).find((one) => identityKey(one.identity) === target.instance);
  if (!row) {
    return actionResult('refused', `${target.name} (PID ${target.pid}) has ended meanwhile; nothing was done.`);
  }
  const report = await endTree(
    { server: row.identity, launchers: target.launchers, objection: (rows, top) => ownerObjection(target, rows, top) },
    systemTerminator(hands.here.table),
  );
  return endWork(target, report);
}

/** Says so when the client starts again what was ended. Looked for once, after the intent was let go: others need not wait for it. */
async function withRespawn(outcome: Outcome, { target, verb }: Plan, before: ReadonlySet<string>, hands: ActionContext): Promise<Outcome> {
  if (outcome.status !== 'done' || !target.client) {
    return outcome;
  }
  const again = await waitFor(respawnMs, async () =>
    (await hands.look()).instances.find((instance) => !before.has(instance.id) && isSameServer(instance, target)),
  );
  if (again === undefined) {
    return outcome;
  }
  const message = `${target.client.name} started it again (PID ${again.pid}); it was not ended a second time.`;
  appendToHistory(hands.asker, historyTarget(target), verb, {
    outcome: 'started-again',
    message,
    steps: [],
    after: { pid: again.pid, runs: again.package?.running ?? null },
  });
  return { ...outcome, message: `${outcome.message} ${message}`, startedAgain: again.pid };
}

/** Whether the window that was asked has written down itself what became of it. */
function wroteDown({ runDir, by }: Requester, target: ActionTarget, since: number): boolean {
  return readHistory(runDir).some(
    (entry) => entry.target.instance === target.instance && Date.parse(entry.at) >= since && entry.by.startsWith(`${by}, through `),
  );
}

/** Why the processes are not (or no longer) those that the plan meant. */
export function ownerObjection(target: ActionTarget, rows: readonly ProcessRow[], top: ProcessRow): string | undefined {
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
    : `${target.name} (PID ${target.pid}) runs under PID ${parent.pid} (${parent.name}) now`;
}

function endWork(target: ActionTarget, report: EndReport): ActionResult {
  const steps = (processes: readonly EndedProcess[]): ActionResult['steps'] =>
    processes.map(({ pid, how }) => ({ text: `PID ${pid}`, result: how === 'by itself' ? 'ended by itself' : `ended (${how})` }));
  const name = `${target.name} (PID ${target.pid})`;
  switch (report.status) {
    case 'gone':
      return actionResult('refused', `${name} has ended meanwhile; nothing was done.`);
    case 'refused':
      return actionResult('refused', `${report.reason}; nothing (more) was done.`, steps(report.processes));
    case 'left':
      return actionResult('failed', `${name} could not be ended: ${report.reason}.`, steps(report.processes));
    case 'ended': {
      const hard = report.processes.some(({ how }) => how === 'SIGKILL');
      const many = report.processes.length;
      return {
        outcome: 'done',
        message: `${name} ended${hard ? ' (it ignored SIGTERM)' : ''}${many > 1 ? `, with ${many - 1} more of its tree` : ''}.`,
        steps: steps(report.processes),
      };
    }
  }
}
