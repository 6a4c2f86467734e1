import { type Outcome, remember } from '../action/deed.ts';
import { doneSince } from '../action/history.ts';
import { othersDeed, pidIn } from '../action/meanwhile.ts';
import type { Plan, Verb } from '../action/plan.ts';
import { planFor } from '../action/planning.ts';
import type { Instance } from '../types/snapshot.ts';
import { type ActionSession, carryOutPlan, confirmed, exitCodeOf, openActionSession, unconfirmed } from './actionSession.ts';
import type { CommandContext, Options } from './command.ts';
import { ensureWays, replaceByEnsure } from './ensureRestart.ts';
import { type ExitCode, exitCodes, UsageError } from './exitCodes.ts';
import { findInstance } from './instanceSearch.ts';
import { jsonText } from './json.ts';
import { outcomeLines, renderPlan } from './render/planView.ts';
import { searchFailure, searchFailureJson } from './render/searchView.ts';
import { viewWidth } from './terminal.ts';

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
    const other = await othersDeed(session.hands.asker, {
      who: `PID ${asked}`,
      isMeant: ({ expect }) => result.kind === 'none' && pidIn(expect) === asked,
      // Whoever pressed Enter before another one was done meant the process that is gone now, not the new one.
      done: (entries) => doneSince(entries, asked, verb, performance.timeOrigin),
    });
    if (other !== undefined) {
      const outcome = { status: 'already', message: other.message } as const;
      if (!values.flag('dry-run')) {
        remember(session.hands.asker, other.target, verb, { outcome: 'already', message: other.message, steps: [] });
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
    const outcome = await carryOutPlan(plan, { ...session.hands, ensure: (name, pid) => replaceByEnsure(name, pid, context) }, context);
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
  const plan = planFor(verb, instance, snapshot, hands.here);
  return verb === 'restart' && plan.refused !== undefined && instance.listens
    ? planFor(verb, instance, snapshot, { ...hands.here, ensures: ensureWays(context) })
    : plan;
}
