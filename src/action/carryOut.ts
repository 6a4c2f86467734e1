import { type EndedProcess, type EndReport, endTree, systemEndHands } from '../process/endTree.ts';
import { processTree } from '../process/processTree.ts';
import { adoptsOrphans } from '../survey/owner.ts';
import { identityKey, type ProcessRow, type ProcessTable } from '../types/process.ts';
import type { Snapshot } from '../types/snapshot.ts';
import { askControl } from './askControl.ts';
import { type Asker, actOn, type Outcome, type Work } from './deed.ts';
import { askOpencode } from './opencode.ts';
import type { Plan, Target } from './plan.ts';
import { askWindow } from './request.ts';
import { isOrphan } from './restart.ts';
import type { Here } from './surroundings.ts';

export interface Hands {
  readonly asker: Asker;
  readonly here: Here;
  /** A fresh look at the machine. */
  look(): Promise<Snapshot>;
}

/** How long after the end of a server its client may start it again, so that we can say so. */
const respawnMs = 3_000;
const lookEveryMs = 250;

/** Carries a plan out: whatever was true when it was made is looked at again first. */
export async function carryOut(plan: Plan, hands: Hands): Promise<Outcome> {
  if (plan.refused !== undefined) {
    return { status: 'refused', message: plan.refused, steps: [] };
  }
  const { target, verb } = plan;
  for (const step of plan.steps) {
    switch (step.kind) {
      case 'manual':
        return { status: 'manual', message: step.text };
      case 'ask-window': {
        const identity = hands.here.windowIdentities.get(step.windowPid);
        if (identity === undefined) {
          return { status: 'failed', message: `The window (extension host PID ${step.windowPid}) is gone.`, steps: [] };
        }
        return askWindow(hands.asker.runDir, {
          window: { pid: step.windowPid, identity },
          verb: verb === 'restart' ? 'restart' : 'stop',
          instance: target.instance,
          by: hands.asker.by,
        });
      }
      case 'ask-control': {
        const wish = verb === 'restart' ? 'restart' : 'stop';
        const { asker, here } = hands;
        const before = new Set(wish === 'restart' ? [] : (await hands.look()).instances.map((instance) => instance.id));
        const outcome = await actOn(
          target,
          verb,
          asker,
          () => isRunning(target, here.table),
          () => askControl(wish, target, step.record, { asker, table: here.table, look: () => hands.look() }),
        );
        return outcome.status === 'done' && wish === 'stop' ? withRespawn(outcome, target, before, hands) : outcome;
      }
      case 'ask-opencode':
        return actOn(
          target,
          verb,
          hands.asker,
          () => isRunning(target, hands.here.table),
          () => askOpencode(verb === 'restart' ? 'restart' : 'stop', target, step, { table: hands.here.table, look: () => hands.look() }),
        );
      case 'end-tree': {
        const before = new Set((await hands.look()).instances.map((instance) => instance.id));
        const outcome = await actOn(
          target,
          verb,
          hands.asker,
          () => isRunning(target, hands.here.table),
          () => end(plan, hands),
        );
        return outcome.status === 'done' ? withRespawn(outcome, target, before, hands) : outcome;
      }
    }
  }
  return { status: 'refused', message: 'The plan has no steps.', steps: [] };
}

async function isRunning(target: Target, table: ProcessTable): Promise<boolean> {
  return (await table.list()).some((row) => identityKey(row.identity) === target.instance);
}

async function end(plan: Plan, hands: Hands): Promise<Work> {
  const { target } = plan;
  const snapshot = await hands.look();
  const now = snapshot.instances.find((instance) => instance.id === target.instance);
  if (!now) {
    return work('refused', `${target.name} (PID ${target.pid}) is no longer seen as a server; nothing was done.`);
  }
  if ((now.client?.identity ?? null) !== (target.client?.identity ?? null)) {
    return work(
      'refused',
      `${target.name} (PID ${target.pid}) has another owner than before (${now.client?.name ?? 'none'}); nothing was done.`,
    );
  }
  if (!target.client && plan.confirm === 'once' && !now.findings.some((finding) => isOrphan(finding) && finding.confidence === 'proven')) {
    return work('refused', `${target.name} (PID ${target.pid}) is no longer a proven orphan; nothing was done.`);
  }
  const row = (await hands.here.table.list()).find((one) => identityKey(one.identity) === target.instance);
  if (!row) {
    return work('refused', `${target.name} (PID ${target.pid}) has ended meanwhile; nothing was done.`);
  }
  const report = await endTree(
    { server: row.identity, launchers: target.launchers, objection: (rows, top) => ownerObjection(target, rows, top) },
    systemEndHands(hands.here.table),
  );
  return endWork(target, report);
}

/** Says so when the client starts again what was ended. Looked for once, after the intent was let go: others need not wait for it. */
async function withRespawn<O extends Outcome>(outcome: O, target: Target, before: ReadonlySet<string>, hands: Hands): Promise<O> {
  const again = target.client ? await respawned(target, before, hands) : undefined;
  return again === undefined
    ? outcome
    : { ...outcome, message: `${outcome.message} ${target.client?.name} started it again (PID ${again}); it was not ended a second time.` };
}

/** Why the processes are not (or no longer) those that the plan meant. */
export function ownerObjection(target: Target, rows: readonly ProcessRow[], top: ProcessRow): string | undefined {
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

function endWork(target: Target, report: EndReport): Work {
  const steps = (processes: readonly EndedProcess[]): Work['steps'] =>
    processes.map(({ pid, how }) => ({ text: `PID ${pid}`, result: how === 'by itself' ? 'ended by itself' : `ended (${how})` }));
  const name = `${target.name} (PID ${target.pid})`;
  switch (report.status) {
    case 'gone':
      return work('refused', `${name} has ended meanwhile; nothing was done.`);
    case 'refused':
      return { outcome: 'refused', message: `${report.reason}; nothing (more) was done.`, steps: steps(report.processes) };
    case 'left':
      return { outcome: 'failed', message: `${name} could not be ended: ${report.reason}.`, steps: steps(report.processes) };
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

function work(outcome: Work['outcome'], message: string): Work {
  return { outcome, message, steps: [] };
}

/** The PID under which the same client has started the same server again; looked for once, for a moment. */
async function respawned(target: Target, before: ReadonlySet<string>, hands: Hands): Promise<number | undefined> {
  const until = performance.now() + respawnMs;
  while (performance.now() < until) {
    const snapshot = await hands.look();
    const again = snapshot.instances.find(
      (instance) =>
        !before.has(instance.id) &&
        instance.client?.identity === target.client?.identity &&
        (target.definitions.length > 0
          ? instance.definitions.some((id) => target.definitions.includes(id))
          : instance.command === target.command),
    );
    if (again) {
      return again.pid;
    }
    await new Promise((done) => setTimeout(done, lookEveryMs));
  }
  return undefined;
}
