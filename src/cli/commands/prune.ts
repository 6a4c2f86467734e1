import type { Outcome } from '../../action/execute/exclusiveAction.ts';
import {
  freedBytes,
  isPickedCopy,
  lastCopies,
  type PruneCandidate,
  pruneCandidates,
  respawnRates,
} from '../../action/plan/pruneCandidates.ts';
import { flag, type OptionTable } from '../../base/optionTable.ts';
import { counted, memory } from '../../presentation/quantities.ts';
import type { Command } from '../command.ts';
import { exitCodes, UsageError } from '../exitCodes.ts';
import { outcomeLines } from '../render/planView.ts';
import { renderPrune } from '../render/pruneView.ts';
import { terminalText } from '../render/text.ts';
import { actionOptions, carryOutPlans, confirmed, openActionSession, unconfirmed } from '../session/actionSession.ts';
import { jsonText, viewWidth } from '../terminal.ts';

const pruneOptions = {
  ...actionOptions,
  copies: flag('pick the idle copies of clients that run'),
} as const satisfies OptionTable;

export const pruneCommand: Command<typeof pruneOptions> = {
  name: 'prune',
  summary: 'stop orphaned servers, and copies you pick',
  arguments: '[PID…]',
  positionals: { min: 0, max: 1_000 },
  options: pruneOptions,
  details: [
    'Lists servers you could stop. Proven orphans are preselected; name PIDs to pick others instead.',
    '--copies picks the copies that did nothing for an hour while their client runs newer ones. The newest copies stay, and so do copies that worked within the last hour. Threads and sessions that are still open lose the server.',
    'Each server is stopped with its launchers and helpers, after its identity has been checked again. A server that its client starts again is reported and not stopped a second time.',
  ],
  exits: [
    [exitCodes.ok, 'the selected servers are stopped, or there was nothing to stop'],
    [exitCodes.error, 'usage error, a PID that is not on the list, or a server could not be stopped'],
    [exitCodes.youMustAct, 'no change: you answered no'],
  ],
  async run(context) {
    const { shell, values, color, positionals } = context;
    const session = await openActionSession(context);
    const view = { width: viewWidth(shell), color, now: shell.now() };
    const json = values.json;
    try {
      const { snapshot, actions } = session;
      const candidates = pruneCandidates(snapshot, actions.planContext);
      const chosen = choose(candidates, positionals, values.copies === true);
      const ids = new Set(chosen.map(({ instance }) => instance.id));
      const print = (outcomes: readonly { readonly pid: number; readonly outcome: Outcome }[], message?: string): void =>
        shell.stdout.write(
          jsonText(
            {
              schema: 1,
              candidates: candidates.map(({ class: kind, plan, why, instance, startedAgain }) => ({
                class: kind,
                why,
                ...(startedAgain ? { startedAgain } : {}),
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
      if (values['dry-run'] || chosen.length === 0) {
        if (json) {
          print([]);
        }
        return exitCodes.ok;
      }
      const plans = chosen.map(({ plan }) => plan);
      const pids = chosen.map(({ instance }) => instance.pid).join(', ');
      const question = `Stop ${counted(chosen.length, 'server')} (PID ${pids}) and free up to ${memory(freedBytes(chosen))}?`;
      const last = lastCopies(chosen, snapshot);
      const answer = await confirmed(plans, question, last, context);
      if (answer !== 'yes') {
        const message = unconfirmed(answer, plans, last);
        if (json) {
          print([], message);
        } else {
          shell.stdout.write(`${terminalText(message)}\n`);
        }
        return exitCodes.youMustAct;
      }
      const outcomes = await carryOutPlans(plans, actions, context, (outcome) => {
        if (!json) {
          shell.stdout.write(outcomeLines(outcome, view));
        }
      });
      if (json) {
        print(chosen.flatMap(({ instance }, index) => (outcomes[index] ? [{ pid: instance.pid, outcome: outcomes[index] }] : [])));
      } else {
        const stopped = stoppedOf(chosen, outcomes);
        const again = stopped.flatMap(({ candidate: { plan }, again: pid }) =>
          pid === undefined
            ? []
            : [
                `${plan.target.client?.name ?? 'Its client'} started ${plan.target.name} again (PID ${pid}); it was not stopped a second time.`,
              ],
        );
        for (const text of [...again, ...respawnRates(stopped.map((one) => ({ ...one, again: one.again !== undefined })))]) {
          shell.stdout.write(`${terminalText(text)}\n`);
        }
      }
      return outcomes.every(({ status }) => status === 'done' || status === 'already') ? exitCodes.ok : exitCodes.error;
    } finally {
      session.dispose();
    }
  },
};

/** Those that were stopped, and the PID under which their client started them again. */
function stoppedOf(
  chosen: readonly PruneCandidate[],
  outcomes: readonly Outcome[],
): { readonly candidate: PruneCandidate; readonly again: number | undefined }[] {
  return chosen.flatMap((candidate, index) => {
    const outcome = outcomes[index];
    return outcome?.status === 'done' ? [{ candidate, again: outcome.startedAgain }] : [];
  });
}

/** @throws UsageError for a PID that is not on the list */
function choose(candidates: readonly PruneCandidate[], asked: readonly string[], copies: boolean): PruneCandidate[] {
  if (copies && asked.length > 0) {
    throw new UsageError('--copies picks the copies itself, so it takes no PID', 'List: mcp-shepherd prune --dry-run');
  }
  if (asked.length === 0) {
    return candidates.filter((candidate) => (copies ? isPickedCopy(candidate) : candidate.preselected));
  }
  return [...new Set(asked)].map((word) => {
    const found = /^\d+$/.test(word) ? candidates.find(({ instance }) => instance.tree.includes(Number(word))) : undefined;
    if (!found) {
      throw new UsageError(`"${word}" is not the PID of a server on the list`, 'List: mcp-shepherd prune --dry-run');
    }
    return found;
  });
}
