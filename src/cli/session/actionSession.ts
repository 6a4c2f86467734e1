import type { Outcome } from '../../action/execute/exclusiveAction.ts';
import { type ActionContext, executePlan, executePlans } from '../../action/execute/executePlan.ts';
import { readPlanContext } from '../../action/execute/planContext.ts';
import { needsSecondYes, type Plan } from '../../action/plan/plan.ts';
import { flag, type OptionTable } from '../../base/optionTable.ts';
import type { Snapshot } from '../../model/snapshot.ts';
import type { CommandContext } from '../command.ts';
import { type ExitCode, exitCodes } from '../exitCodes.ts';
import { type CliSession, openSession, settledSurvey, stderrLog, withRegistries } from './openSession.ts';

/** Options of all commands that act on a server. */
export const actionOptions = {
  'dry-run': flag('print the plan and do nothing'),
  yes: flag('do not ask', 'y'),
  force: flag('do not ask, not even where the server may be in use'),
} as const satisfies OptionTable;

export type ActionOptions = typeof actionOptions;

/** A scan, with what is needed to act on it. */
export interface ActionSession {
  readonly snapshot: Snapshot;
  readonly actions: ActionContext;
  /** The next scan reads every package again. */
  packagesChanged(): void;
  dispose(): void;
}

/** @param asks whether registries may be asked @throws UsageError for folders that cannot be used; what the survey throws */
export async function openActionSession(context: CommandContext, { asks = false } = {}): Promise<ActionSession> {
  const { shell } = context;
  const session: CliSession = await openSession(context, { asks });
  try {
    const settled = await settledSurvey(session.surveyor, shell.ended);
    const snapshot = asks ? await withRegistries(session.surveyor, settled, shell.ended) : settled;
    return {
      snapshot,
      actions: await actionContextOf(context, session, snapshot, `terminal (PID ${process.pid})`),
      packagesChanged: () => session.surveyor.allChanged(),
      dispose: () => session.surveyor.dispose(),
    };
  } catch (error) {
    session.surveyor.dispose();
    throw error;
  }
}

/** What actions need, besides a snapshot. @param by who asks, for the user @throws when the system has no process table */
export async function actionContextOf(
  { shell }: CommandContext,
  { runFolder, surveyor }: CliSession,
  snapshot: Snapshot,
  by: string,
): Promise<ActionContext> {
  const { path: runDir, movedBy } = runFolder;
  return {
    requester: { by, runDir, explicitRunDir: movedBy !== undefined, log: stderrLog(shell.stderr) },
    planContext: await readPlanContext(runDir, shell.platform, snapshot),
    scan: () => surveyor.survey(),
  };
}

/** Whether plans may be carried out: by the options, else by the answers at the terminal. @param lastCopies a sentence for each server of which no copy would be left */
export async function confirmed(
  plans: readonly Plan[],
  question: string,
  lastCopies: readonly string[],
  context: CommandContext<ActionOptions>,
): Promise<'yes' | 'no' | 'no-terminal'> {
  const { shell, values } = context;
  const needsForce = needsSecondYes(plans, lastCopies);
  if (values.force || (values.yes && !needsForce) || plans.every((plan) => plan.confirm === 'no')) {
    return 'yes';
  }
  if (!values.yes) {
    const answer = await shell.ask?.(`${question} [y/N] `);
    if (answer === undefined) {
      return 'no-terminal';
    }
    if (!isYes(answer)) {
      return 'no';
    }
  }
  if (!needsForce) {
    return 'yes';
  }
  const last = lastCopies.map((sentence) => `${sentence} `).join('');
  const second = await shell.ask?.(`${last}It may be in use. Continue? [y/N] `);
  return second === undefined ? 'no-terminal' : isYes(second) ? 'yes' : 'no';
}

/** The message for an answer other than yes. */
export function unconfirmed(answer: 'no' | 'no-terminal', plans: readonly Plan[], lastCopies: readonly string[]): string {
  return answer === 'no'
    ? 'Nothing was changed.'
    : `Nothing was changed. Use --${needsSecondYes(plans, lastCopies) ? 'force' : 'yes'} to skip the question.`;
}

/** Whether an answer at the terminal is yes. */
export function isYes(answer: string): boolean {
  return /^y(es)?$/i.test(answer.trim());
}

/** Carries a plan out to its end: Ctrl-C must not leave half of a process tree. */
export function carryOutPlan(plan: Plan, actions: ActionContext, context: CommandContext): Promise<Outcome> {
  context.shell.endOnSignals();
  return executePlan(plan, actions);
}

/** The same with several, one after the other. @param ended called after each */
export function carryOutPlans(
  plans: readonly Plan[],
  actions: ActionContext,
  context: CommandContext,
  ended: (outcome: Outcome) => void,
): Promise<Outcome[]> {
  context.shell.endOnSignals();
  return executePlans(plans, actions, { ended: (_, outcome) => ended(outcome) });
}

/** The exit code of `restart`, `stop` and `prune` for an action's outcome. */
export function exitCodeOf(outcome: Outcome): ExitCode {
  switch (outcome.status) {
    case 'done':
      // The restart worked, and the new process runs an old version too.
      return outcome.after?.stillOld ? exitCodes.error : exitCodes.ok;
    case 'already':
      return exitCodes.ok;
    case 'manual':
      return exitCodes.youMustAct;
    default:
      return exitCodes.error;
  }
}
