import { doneSince } from '../../action/execute/actionHistory.ts';
import { appendToHistory, type Outcome } from '../../action/execute/exclusiveAction.ts';
import { findOtherAction, pidIn } from '../../action/execute/otherAction.ts';
import { makePlan } from '../../action/plan/makePlan.ts';
import type { Plan, Verb } from '../../action/plan/plan.ts';
import type { Instance } from '../../model/snapshot.ts';
import { findInstance } from '../../presentation/findInstance.ts';
import type { Command, CommandContext } from '../command.ts';
import { type ExitCode, exitCodes, UsageError } from '../exitCodes.ts';
import { outcomeLines, renderPlan } from '../render/planView.ts';
import { searchFailure, searchFailureJson } from '../render/searchView.ts';
import { capital } from '../render/stateWords.ts';
import { terminalText } from '../render/text.ts';
import {
  type ActionOptions,
  type ActionSession,
  actionOptions,
  carryOutPlan,
  confirmed,
  exitCodeOf,
  openActionSession,
  unconfirmed,
} from '../session/actionSession.ts';
import { jsonText, viewWidth } from '../terminal.ts';
import { ensureWays, replaceOnce } from './ensure.ts';

/** `restart` and `stop`: finds one server, shows the plan, asks where the plan wants a yes, and reports the outcome. */
async function runAction(verb: Exclude<Verb, 'end'>, context: CommandContext<ActionOptions>): Promise<ExitCode> {
  const { shell, values, color, positionals } = context;
  const asked = positionals[0] ?? '';
  const session = await openActionSession(context);
  const view = { width: viewWidth(shell), color, now: shell.now() };
  const json = values.json;
  const print = (plan: Plan | null, outcome: Outcome | null): void => shell.stdout.write(jsonText({ schema: 1, plan, outcome }, 2));
  try {
    const result = findInstance(session.snapshot, asked);
    const other = await findOtherAction(session.actions.requester, {
      who: `PID ${asked}`,
      isMeant: ({ expect }) => result.kind === 'none' && pidIn(expect) === asked,
      // A user who pressed Enter before the other action was done meant the old process, not the new one.
      done: (entries) => doneSince(entries, asked, verb, performance.timeOrigin),
    });
    if (other !== undefined) {
      const outcome = { status: 'already', message: other.message } as const;
      if (!values['dry-run']) {
        appendToHistory(session.actions.requester, other.target, verb, { outcome: 'already', message: other.message, steps: [] });
      }
      if (json) {
        print(null, outcome);
      } else {
        shell.stdout.write(outcomeLines(outcome, view));
      }
      return exitCodes.ok;
    }
    if (result.kind === 'not-started') {
      const { message, hint } = searchFailure(asked, result, shell.now());
      if (json) {
        print(null, { status: 'already', message });
      } else {
        shell.stdout.write(`${terminalText(message)}.\n${terminalText(hint)}\n`);
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
    const plan = planWithEnsure(verb, result.instance, session, context);
    if (values['dry-run']) {
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
    const answer = await confirmed([plan], `${capital(verb)} ${plan.target.name} (PID ${plan.target.pid})?`, [], context);
    if (answer !== 'yes') {
      const message = unconfirmed(answer, [plan], []);
      if (json) {
        print(plan, { status: 'refused', message, steps: [] });
      } else {
        shell.stdout.write(`${terminalText(message)}\n`);
      }
      return exitCodes.youMustAct;
    }
    const outcome = await carryOutPlan(plan, { ...session.actions, ensure: (name, pid) => replaceOnce(name, pid, context) }, context);
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

/** The plan; for an HTTP server that has no other way to be restarted, `mcp-shepherd.json` of the folder may have one. */
export function planWithEnsure(
  verb: Verb,
  instance: Instance,
  { snapshot, actions }: Pick<ActionSession, 'snapshot' | 'actions'>,
  context: CommandContext,
): Plan {
  const plan = makePlan(verb, instance, snapshot, actions.planContext);
  return verb === 'restart' && plan.refused !== undefined && instance.listens
    ? makePlan(verb, instance, snapshot, { ...actions.planContext, ensures: ensureWays(context) })
    : plan;
}

export const restartCommand: Command<ActionOptions> = {
  name: 'restart',
  summary: 'restart one server, or show how',
  arguments: 'NAME|PID',
  positionals: { min: 1, max: 1 },
  options: actionOptions,
  details: [
    'Restarts one running server without its client losing it: through its guard, or through its VS Code window. Where only you can do it in the client, the exact step is printed. A server whose client has exited is stopped, because no client can use it. An HTTP server that no client runs is started again with the command that mcp-shepherd.json of the project folder has for its port, as by "ensure".',
    'NAME can be a PID, a name, a package, or a unique prefix of a name. When several callers ask at once, one acts and the others report it.',
  ],
  exits: [
    [exitCodes.ok, 'restarted, by this call or by another one at the same time'],
    [
      exitCodes.error,
      'usage error; no such server, several, or it is not running; the restart failed, or the new process runs an old version too',
    ],
    [exitCodes.youMustAct, 'no change: follow the printed step, or you answered no'],
  ],
  run: (context) => runAction('restart', context),
};

export const stopCommand: Command<ActionOptions> = {
  name: 'stop',
  summary: 'stop one server',
  arguments: 'NAME|PID',
  positionals: { min: 1, max: 1 },
  options: actionOptions,
  details: [
    'A server of a VS Code window is stopped by that window. Any other server is stopped with its launchers and helpers: SIGTERM first, SIGKILL after 3 seconds; before each signal its identity is checked again. Where its client is running and may use it, --force or a second yes is needed.',
    'NAME can be a PID, a name, a package, or a unique prefix of a name.',
  ],
  exits: [
    [exitCodes.ok, 'stopped, by this call or by another one at the same time'],
    [exitCodes.error, 'usage error; no such server, several, or it is not running; the stop failed'],
    [exitCodes.youMustAct, 'no change: you answered no'],
  ],
  run: (context) => runAction('stop', context),
};
