import { doneSince } from '../../action/execute/actionHistory.ts';
import { appendToHistory, type Outcome } from '../../action/execute/exclusiveAction.ts';
import { findOtherAction, pidIn } from '../../action/execute/otherAction.ts';
import { makePlan } from '../../action/plan/makePlan.ts';
import type { Plan, Verb } from '../../action/plan/plan.ts';
import type { Instance } from '../../model/snapshot.ts';
import type { Command, CommandContext, Options } from '../command.ts';
import { type ExitCode, exitCodes, UsageError } from '../exitCodes.ts';
import { jsonText } from '../jsonOutput.ts';
import { outcomeLines, renderPlan } from '../render/planView.ts';
import { searchFailure, searchFailureJson } from '../render/searchView.ts';
import { type ActionSession, carryOutPlan, confirmed, exitCodeOf, openActionSession, unconfirmed } from '../session/actionSession.ts';
import { findInstance } from '../session/findInstance.ts';
import { viewWidth } from '../terminal.ts';
import { ensureWays, replaceOnce } from './ensure.ts';

export const actionOptions: Options = {
  'dry-run': { type: 'boolean', help: 'print the plan and do nothing' },
  yes: { type: 'boolean', short: 'y', help: 'do not ask' },
  force: { type: 'boolean', help: 'do not ask, also where somebody may still use it' },
};

/** `restart` and `stop`: one server, its plan, a question where one is due, and what became of it. */
export async function runAction(verb: Exclude<Verb, 'end'>, context: CommandContext): Promise<ExitCode> {
  const { shell, values, color, positionals } = context;
  const asked = positionals[0] ?? '';
  const session = await openActionSession(context);
  const view = { width: viewWidth(shell), color, now: shell.now() };
  const json = values.flag('json');
  const print = (plan: Plan | null, outcome: Outcome | null): void => shell.stdout.write(jsonText({ schema: 1, plan, outcome }, 2));
  try {
    const result = findInstance(session.snapshot, asked);
    const other = await findOtherAction(session.hands.requester, {
      who: `PID ${asked}`,
      isMeant: ({ expect }) => result.kind === 'none' && pidIn(expect) === asked,
      // Whoever pressed Enter before another one was done meant the process that is gone now, not the new one.
      done: (entries) => doneSince(entries, asked, verb, performance.timeOrigin),
    });
    if (other !== undefined) {
      const outcome = { status: 'already', message: other.message } as const;
      if (!values.flag('dry-run')) {
        appendToHistory(session.hands.requester, other.target, verb, { outcome: 'already', message: other.message, steps: [] });
      }
      if (json) {
        print(null, outcome);
      } else {
        shell.stdout.write(outcomeLines(outcome, view));
      }
      return exitCodes.ok;
    }
    if (result.kind !== 'found') {
      const { message, hint } = searchFailure(asked, result, shell.now());
      if (json) {
        shell.stdout.write(
          jsonText({ schema: 1, ...searchFailureJson(asked, result), plan: null, outcome: { status: 'refused', message, steps: [] } }, 2),
        );
        return exitCodes.error;
      }
      throw new UsageError(message, hint);
    }
    const plan = planHere(verb, result.instance, session, context);
    if (values.flag('dry-run')) {
      if (json) {
        print(plan, null);
      } else {
        shell.stdout.write(renderPlan(plan, result.instance, session.snapshot, view));
      }
      return plan.refused === undefined ? exitCodes.ok : exitCodes.error;
    }
    if (!json) {
      shell.stdout.write(renderPlan(plan, result.instance, session.snapshot, view));
    }
    const answer = await confirmed([plan], `Do it (${verb} ${plan.target.name}, PID ${plan.target.pid})?`, [], context);
    if (answer !== 'yes') {
      const message = unconfirmed(answer, [plan], []);
      if (json) {
        print(plan, { status: 'refused', message, steps: [] });
      } else {
        shell.stdout.write(`${message}\n`);
      }
      return exitCodes.youMustAct;
    }
    const outcome = await carryOutPlan(plan, { ...session.hands, ensure: (name, pid) => replaceOnce(name, pid, context) }, context);
    if (json) {
      print(plan, outcome);
    } else if (outcome.status !== 'manual' && plan.refused === undefined) {
      shell.stdout.write(outcomeLines(outcome, view));
    }
    return exitCodeOf(outcome);
  } finally {
    session.dispose();
  }
}

/** A server on a port that nobody here can restart is looked for in the folder's own `mcp-shepherd.json`. */
function planHere(verb: Verb, instance: Instance, { snapshot, hands }: ActionSession, context: CommandContext): Plan {
  const plan = makePlan(verb, instance, snapshot, hands.planContext);
  return verb === 'restart' && plan.refused !== undefined && instance.listens
    ? makePlan(verb, instance, snapshot, { ...hands.planContext, ensures: ensureWays(context) })
    : plan;
}

export const restartCommand: Command = {
  name: 'restart',
  summary: 'restart one server, or say how',
  arguments: 'NAME|PID',
  positionals: { min: 1, max: 1 },
  options: actionOptions,
  details: [
    'Finds one running server by its PID, its name, its package or an unambiguous beginning of its name, and has it restarted by whoever runs it: its guard (its client notices nothing), or the VS Code window (its MCP Shepherd does it). Where only a person can do it in the client, the exact step is printed. A server whose client has ended is ended, because nobody can use it. An HTTP server that nobody runs is started again by the command that mcp-shepherd.json of the project folder has for its port, as by “ensure”.',
    'If several want the same at once, one acts and the others say so.',
  ],
  exits: [
    [exitCodes.ok, 'it was restarted, by this call or by somebody else at the same time'],
    [
      exitCodes.error,
      'wrong usage; no such server, more than one, or it does not run; it did not work, or the new process runs an old version as well',
    ],
    [exitCodes.youMustAct, 'nothing was done: the printed step is yours to take, or the question was not answered with yes'],
  ],
  run: (context) => runAction('restart', context),
};

export const stopCommand: Command = {
  name: 'stop',
  summary: 'stop one server',
  arguments: 'NAME|PID',
  positionals: { min: 1, max: 1 },
  options: actionOptions,
  details: [
    'A server of a VS Code window is stopped by that window. Any other is ended with its launchers and helpers: SIGTERM first, SIGKILL after 3 seconds; before each signal it is checked that the process is still the one that was meant. Where its client lives and may still use it, --force or a second yes is needed.',
  ],
  exits: [
    [exitCodes.ok, 'it is stopped, by this call or by somebody else at the same time'],
    [exitCodes.error, 'wrong usage; no such server, more than one, or it does not run; it did not work'],
    [exitCodes.youMustAct, 'nothing was done: the question was not answered with yes'],
  ],
  run: (context) => runAction('stop', context),
};
