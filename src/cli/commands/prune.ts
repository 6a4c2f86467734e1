import type { Outcome } from '../../action/execute/exclusiveAction.ts';
import { freedBytes, lastCopies, type PruneCandidate, pruneCandidates } from '../../action/plan/pruneCandidates.ts';
import type { Command } from '../command.ts';
import { exitCodes, UsageError } from '../exitCodes.ts';
import { jsonText } from '../jsonOutput.ts';
import { outcomeLines } from '../render/planView.ts';
import { renderPrune } from '../render/pruneView.ts';
import { counted, memory } from '../render/quantities.ts';
import { carryOutPlan, confirmed, openActionSession, unconfirmed } from '../session/actionSession.ts';
import { viewWidth } from '../terminal.ts';
import { actionOptions } from './restartOrStop.ts';

export const pruneCommand: Command = {
  name: 'prune',
  summary: 'end what was left behind, and chosen copies',
  arguments: '[PID…]',
  positionals: { min: 0, max: 1_000 },
  options: actionOptions,
  details: [
    'Lists servers that could be ended: proven orphans (these are chosen), what only seems to be one, copies whose clients live, servers of living clients that do not answer (by their guard or their HTTP health) or have been idle for an hour (by their guard), and servers that run on their own by design. Other PIDs of the list are chosen by naming them; then only those are ended.',
    'Each is ended as a tree, under an intent, after checking again that it is what it was; what a client starts again is reported and not ended a second time.',
  ],
  exits: [
    [exitCodes.ok, 'the chosen are gone, or there was nothing to end'],
    [exitCodes.error, 'wrong usage, a PID that is not on the list, or one of them could not be ended'],
    [exitCodes.youMustAct, 'nothing was done: the question was not answered with yes'],
  ],
  async run(context) {
    const { shell, values, color, positionals } = context;
    const session = await openActionSession(context);
    const view = { width: viewWidth(shell), color, now: shell.now() };
    const json = values.flag('json');
    try {
      const { snapshot, hands } = session;
      const candidates = pruneCandidates(snapshot, hands.planContext);
      const chosen = choose(candidates, positionals);
      const ids = new Set(chosen.map(({ instance }) => instance.id));
      const print = (outcomes: readonly { readonly pid: number; readonly outcome: Outcome }[], message?: string): void =>
        shell.stdout.write(
          jsonText(
            {
              schema: 1,
              candidates: candidates.map(({ class: kind, plan, why, instance }) => ({
                class: kind,
                why,
                chosen: ids.has(instance.id),
                plan,
              })),
              freedBytes: freedBytes(chosen),
              outcomes,
              ...(message === undefined ? {} : { message }),
            },
            2,
          ),
        );
      if (!json) {
        shell.stdout.write(renderPrune(candidates, ids, view));
      }
      if (values.flag('dry-run') || chosen.length === 0) {
        if (json) {
          print([]);
        }
        return exitCodes.ok;
      }
      const plans = chosen.map(({ plan }) => plan);
      const pids = chosen.map(({ instance }) => instance.pid).join(', ');
      const question = `End ${counted(chosen.length, 'server')} (PID ${pids}), freeing up to ${memory(freedBytes(chosen))}?`;
      const last = lastCopies(chosen, snapshot);
      const answer = await confirmed(plans, question, last, context);
      if (answer !== 'yes') {
        const message = unconfirmed(answer, plans, last);
        if (json) {
          print([], message);
        } else {
          shell.stdout.write(`${message}\n`);
        }
        return exitCodes.youMustAct;
      }
      const outcomes: { pid: number; outcome: Outcome }[] = [];
      for (const { plan, instance } of chosen) {
        const outcome = await carryOutPlan(plan, hands, context);
        outcomes.push({ pid: instance.pid, outcome });
        if (!json) {
          shell.stdout.write(outcomeLines(outcome, view));
        }
      }
      if (json) {
        print(outcomes);
      }
      return outcomes.every(({ outcome }) => outcome.status === 'done' || outcome.status === 'already') ? exitCodes.ok : exitCodes.error;
    } finally {
      session.dispose();
    }
  },
};

/** @throws UsageError for a PID that is not on the list */
function choose(candidates: readonly PruneCandidate[], asked: readonly string[]): PruneCandidate[] {
  if (asked.length === 0) {
    return candidates.filter(({ preselected }) => preselected);
  }
  return [...new Set(asked)].map((word) => {
    const found = /^\d+$/.test(word) ? candidates.find(({ instance }) => instance.tree.includes(Number(word))) : undefined;
    if (!found) {
      throw new UsageError(`"${word}" is not the PID of anything that could be ended`, '"mcp-shepherd prune --dry-run" lists what could.');
    }
    return found;
  });
}
