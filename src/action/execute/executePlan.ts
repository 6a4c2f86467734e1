import { t } from '../../base/language/translate.ts';
import { identityKey, type ProcessRow } from '../../model/process.ts';
import type { Instance, Snapshot } from '../../model/snapshot.ts';
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
  const [outcome] = await executePlans([plan], context);
  return outcome ?? { status: 'refused', message: t('The plan has no steps.'), steps: [] };
}

/**
 * Executes plans one after the other, and looks once, after the last, which clients started their server again: waiting after each would take hours for hundreds of copies.
 * @param watch called before and after each; the outcomes that are returned say also what was started again. `isCancelled`: asked before each; those that have not begun have no outcome
 */
export async function executePlans(
  plans: readonly Plan[],
  context: ActionContext,
  watch: {
    readonly begins?: (index: number) => void;
    readonly ended?: (index: number, outcome: Outcome) => void;
    readonly isCancelled?: () => boolean;
  } = {},
): Promise<Outcome[]> {
  const before = plans.some(isWatchedStop) ? new Set((await context.scan()).instances.map((instance) => instance.id)) : new Set<string>();
  const outcomes: Outcome[] = [];
  const stops: Stop[] = [];
  for (const [index, plan] of plans.entries()) {
    if (watch.isCancelled?.()) {
      break;
    }
    watch.begins?.(index);
    const beganAt = Date.now();
    const outcome = await carryOut(plan, context);
    watch.ended?.(index, outcome);
    outcomes.push(outcome);
    if (outcome.status === 'done' && isWatchedStop(plan)) {
      stops.push({ index, plan, beganAt, endedAt: Date.now() });
    }
  }
  for (const [{ index, plan }, again] of await startedAgain(stops, before, context)) {
    const outcome = outcomes[index];
    if (outcome && 'steps' in outcome) {
      outcomes[index] = withRespawn(outcome, plan, again, context);
    }
  }
  return outcomes;
}

/** Whether its client may start the server again. */
function isWatchedStop({ steps, verb, target, refused }: Plan): boolean {
  const kind = steps[0]?.kind;
  return refused === undefined && target.client !== null && (kind === 'end-tree' || (kind === 'ask-control' && verb !== 'restart'));
}

async function carryOut(plan: Plan, context: ActionContext): Promise<Outcome> {
  const { target, verb } = plan;
  const { requester } = context;
  if (plan.refused !== undefined) {
    return recordOutcome({ status: 'refused', message: plan.refused, steps: [] }, target, verb, requester);
  }
  // A plan has one step.
  const [step] = plan.steps;
  switch (step?.kind) {
    case undefined:
      return { status: 'refused', message: t('The plan has no steps.'), steps: [] };
    case 'manual':
      return { status: 'manual', message: step.text };
    case 'ask-window':
      return throughWindow(step.windowPid, plan, context);
    case 'ask-control': {
      const wanted = verb === 'restart' ? 'restart' : 'stop';
      return whileIdle(plan, context, ({ table }) =>
        askControl(wanted, target, step.record, { requester, table, scan: () => context.scan() }),
      );
    }
    case 'ask-opencode':
      return whileIdle(plan, context, ({ table }) =>
        askOpencode(verb === 'restart' ? 'restart' : 'stop', target, step, { table, scan: () => context.scan() }),
      );
    case 'ensure': {
      // Not under the intent: `ensure` takes it to stop the old process, and starts one server for several requesters.
      const outcome = await context.ensure?.(step.name, target.pid);
      const none = { status: 'refused', message: t('mcp-shepherd.json is not read here; nothing was done.'), steps: [] } as const;
      return recordOutcome(outcome ?? none, target, verb, requester);
    }
    case 'end-tree':
      return exclusively(plan, context, () => stopTree(plan, context));
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

/** The same; an idle copy must not have worked since the plan was made. */
function whileIdle(plan: Plan, context: ActionContext, act: (context: ActionPlanContext) => Promise<ActionResult>): Promise<Outcome> {
  return exclusively(plan, context, async (planContext) => {
    const worked = plan.target.idle && plan.verb !== 'restart' && workedObjection(plan.target, await context.scan());
    return worked || act(planContext);
  });
}

async function throughWindow(windowPid: number, { target, verb }: Plan, context: ActionContext): Promise<Outcome> {
  const { requester, planContext, requestLimits } = context;
  const identity = planContext.windowIdentities.get(windowPid);
  if (identity === undefined) {
    const message = t('The window (extension host PID {0}) is gone.', windowPid);
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
    return actionResult('refused', t('{0} (PID {1}) is no longer recognised as a server; nothing was done.', target.name, target.pid));
  }
  if ((now.client?.identity ?? null) !== (target.client?.identity ?? null)) {
    return actionResult(
      'refused',
      t('{0} (PID {1}) has another client now ({2}); nothing was done.', target.name, target.pid, now.client?.name ?? 'none'),
    );
  }
  if (!target.client && plan.confirm === 'once' && !now.findings.some((finding) => isOrphan(finding) && finding.confidence === 'proven')) {
    return actionResult('refused', t('{0} (PID {1}) is no longer a proven orphan; nothing was done.', target.name, target.pid));
  }
  const worked = workedObjection(target, snapshot);
  if (worked) {
    return worked;
  }
  const row = (await context.planContext.table.list()).find((one) => identityKey(one.identity) === target.instance);
  if (!row) {
    return actionResult('refused', t('{0} (PID {1}) is no longer running; nothing was done.', target.name, target.pid));
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
    ? actionResult('refused', t('{0} (PID {1}) has worked since the list was made; nothing was done.', name, pid))
    : undefined;
}

/** A server that was stopped. Times in epoch ms. */
interface Stop {
  /** Of its plan. */
  readonly index: number;
  readonly plan: Plan;
  readonly beganAt: number;
  readonly endedAt: number;
}

/** Starts of processes are known to a second on some systems. */
const startToleranceMs = 1_500;

/**
 * Which of the stopped servers their clients started again within three seconds. It is looked for after the intents were released, so that other requesters need not wait.
 * @param before the ids of the servers that ran before the first stop
 */
async function startedAgain(stops: readonly Stop[], before: ReadonlySet<string>, context: ActionContext): Promise<Map<Stop, Instance>> {
  const found = new Map<Stop, Instance>();
  const last = stops.at(-1);
  if (!last) {
    return found;
  }
  await waitFor(respawnMs - (Date.now() - last.endedAt), async () => {
    const taken = new Set([...found.values()].map(({ id }) => id));
    const fresh = (await context.scan()).instances.filter(({ id }) => !before.has(id));
    for (const stop of stops.filter((one) => !found.has(one))) {
      const again = fresh.find((one) => !taken.has(one.id) && isSameServer(one, stop.plan.target) && followed(one, stop));
      if (again) {
        found.set(stop, again);
        taken.add(again.id);
      }
    }
    return found.size === stops.length;
  });
  return found;
}

function followed({ startedAt }: Instance, { beganAt, endedAt }: Stop): boolean {
  const at = Date.parse(startedAt);
  return at >= beganAt - startToleranceMs && at <= endedAt + respawnMs + startToleranceMs;
}

/** Tells and records that the client started the server again. */
function withRespawn(
  outcome: Extract<Outcome, { readonly steps: unknown }>,
  { target, verb }: Plan,
  again: Instance,
  context: ActionContext,
): Outcome {
  const message = t('{0} started it again (PID {1}); it was not stopped a second time.', target.client?.name ?? t('its client'), again.pid);
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
      : t('{0} (PID {1}) no longer runs under {2} (PID {3})', target.name, target.pid, client.name, client.pid);
  }
  const [parent] = above;
  return parent === undefined || adoptsOrphans(parent) || target.listens
    ? undefined
    : t('{0} (PID {1}) now runs under PID {2} ({3})', target.name, target.pid, parent.pid, parent.name);
}

function stopResult(target: ActionTarget, report: EndReport): ActionResult {
  const ofOtherUsers = ('ofOtherUsers' in report ? report.ofOtherUsers : undefined) ?? [];
  const steps = (processes: readonly EndedProcess[]): ActionResult['steps'] => [
    ...processes.map(({ pid, how }) => ({
      text: t('PID {0}', pid),
      result: how === 'by itself' ? t('ended by itself') : t('stopped ({0})', how),
    })),
    ...ofOtherUsers.map((pid) => ({ text: t('PID {0}', pid), result: t('not stopped: it belongs to another user') })),
  ];
  const name = t('{0} (PID {1})', target.name, target.pid);
  switch (report.status) {
    case 'gone':
      return actionResult('refused', t('{0} is no longer running; nothing was done.', name));
    case 'refused':
      return actionResult('refused', t('{0}; nothing more was done.', report.reason), steps(report.processes));
    case 'left':
      return actionResult('failed', t('{0} could not be stopped: {1}.', name, report.reason), steps(report.processes));
    case 'ended': {
      const hard = report.processes.some(({ how }) => how === 'SIGKILL');
      const many = report.processes.length;
      const others =
        ofOtherUsers.length > 0 ? [t('PID {0} of its tree belongs to another user and still runs.', ofOtherUsers.join(', '))] : [];
      return {
        outcome: 'done',
        message: [stoppedText(name, hard, many - 1), ...others].join(' '),
        steps: steps(report.processes),
      };
    }
  }
}

function stoppedText(name: string, hard: boolean, others: number): string {
  if (others === 0) {
    return hard ? t('{0} was stopped (it ignored SIGTERM).', name) : t('{0} was stopped.', name);
  }
  return hard
    ? t('{0} was stopped (it ignored SIGTERM), with {1} more of its tree.', name, others)
    : t('{0} was stopped, with {1} more of its tree.', name, others);
}
