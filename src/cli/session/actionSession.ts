import type { Outcome } from '../../action/execute/exclusiveAction.ts';
import { type ActionContext, executePlan } from '../../action/execute/executePlan.ts';
import { readPlanContext } from '../../action/execute/planContext.ts';
import { needsSecondYes, type Plan } from '../../action/plan/plan.ts';
import type { Snapshot } from '../../model/snapshot.ts';
import type { CommandContext } from '../command.ts';
import { type ExitCode, exitCodes } from '../exitCodes.ts';
import { type CliSession, openSession, settledSurvey, stderrLog } from './openSession.ts';

/** A look at the machine, with the hands to change something. */
export interface ActionSession {
  readonly snapshot: Snapshot;
  readonly hands: ActionContext;
  dispose(): void;
}

/** @throws UsageError for folders that cannot be used; what the survey throws */
export async function openActionSession(context: CommandContext): Promise<ActionSession> {
  const { shell } = context;
  const session: CliSession = await openSession(context);
  try {
    const snapshot = await settledSurvey(session.surveyor, shell.ended);
    const { path: runDir, movedBy } = session.runFolder;
    const planContext = await readPlanContext(runDir, shell.platform, snapshot);
    return {
      snapshot,
      hands: {
        requester: { by: `terminal (PID ${process.pid})`, runDir, explicitRunDir: movedBy !== undefined, log: stderrLog(shell.stderr) },
        planContext,
        scan: () => session.surveyor.survey(),
      },
      dispose: () => session.surveyor.dispose(),
    };
  } catch (error) {
    session.surveyor.dispose();
    throw error;
  }
}

/** Whether a plan may be carried out: what the command line says, else what the person at the terminal answers. */
export async function confirmed(
  plans: readonly Plan[],
  question: string,
  twice: readonly string[],
  context: CommandContext,
): Promise<'yes' | 'no' | 'nobody-to-ask'> {
  const { shell, values } = context;
  const needsForce = needsSecondYes(plans, twice);
  if (values.flag('force') || (values.flag('yes') && !needsForce) || plans.every((plan) => plan.confirm === 'no')) {
    return 'yes';
  }
  if (!values.flag('yes')) {
    const answer = await shell.ask?.(`${question} [y/N] `);
    if (answer === undefined) {
      return 'nobody-to-ask';
    }
    if (!isYes(answer)) {
      return 'no';
    }
  }
  if (!needsForce) {
    return 'yes';
  }
  const last = twice.map((sentence) => `${sentence} `).join('');
  const second = await shell.ask?.(`${last}It may be in use. Really? [y/N] `);
  return second === undefined ? 'nobody-to-ask' : isYes(second) ? 'yes' : 'no';
}

/** What is said when it was not confirmed. */
export function unconfirmed(answer: 'no' | 'nobody-to-ask', plans: readonly Plan[], twice: readonly string[]): string {
  return answer === 'no'
    ? 'Nothing was done.'
    : `Nothing was done: say --${needsSecondYes(plans, twice) ? 'force' : 'yes'} to do it without a question.`;
}

function isYes(answer: string): boolean {
  return /^y(es)?$/i.test(answer.trim());
}

/** Ctrl-C must not leave a tree half ended: what was begun is finished. */
export function carryOutPlan(plan: Plan, hands: ActionContext, context: CommandContext): Promise<Outcome> {
  context.shell.endOnSignals();
  return executePlan(plan, hands);
}

export function exitCodeOf(outcome: Outcome): ExitCode {
  switch (outcome.status) {
    case 'done':
      // It was restarted, and that was not what was wanted.
      return outcome.after?.stillOld ? exitCodes.error : exitCodes.ok;
    case 'already':
      return exitCodes.ok;
    case 'manual':
      return exitCodes.youMustAct;
    default:
      return exitCodes.error;
  }
}
