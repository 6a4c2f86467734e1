import type { Outcome } from '../../action/execute/exclusiveAction.ts';
import { needsSecondYes, type Plan } from '../../action/plan/plan.ts';
import { type PruneCandidate, pruneHeadings } from '../../action/plan/pruneCandidates.ts';
import { roundedMemory } from '../../presentation/quantities.ts';
import { processText } from './instanceText.ts';
import { oneLine, withoutIcons } from './plainText.ts';

/** One line of "Stop Duplicates and Orphans…"; lines without a candidate are headings. */
interface PrunePick {
  readonly label: string;
  readonly description?: string;
  readonly detail?: string;
  /** `QuickPickItemKind.Separator` for headings. */
  readonly kind?: -1;
  readonly candidate?: PruneCandidate;
}

/** @param now epoch ms, for ages */
export function prunePicks(candidates: readonly PruneCandidate[], now: number): PrunePick[] {
  return candidates.flatMap((candidate, index) => {
    const { instance, plan, why } = candidate;
    const heading: PrunePick[] =
      candidates[index - 1]?.class === candidate.class ? [] : [{ label: pruneHeadings[candidate.class], kind: -1 }];
    const risk = plan.risks[0] ? ` — ${plan.risks[0]}` : '';
    return [
      ...heading,
      {
        label: withoutIcons(instance.name, 80),
        description: withoutIcons(processText(instance, now), 100),
        detail: withoutIcons(`${why}${risk}`, 300),
        candidate,
      },
    ];
  });
}

/** The question before servers are stopped: which ones, whose, and what may be lost. */
export function stopQuestion(plans: readonly Plan[], last: readonly string[]): { message: string; detail: string; button: string } {
  const [first] = plans;
  const one = plans.length === 1 && first;
  const message = one ? `Stop ${oneLine(one.target.name, 60)} (PID ${one.target.pid})?` : `Stop ${plans.length} servers?`;
  const lines = plans
    .slice(0, 10)
    .flatMap((plan) => [
      one ? plan.reason : '',
      [`${oneLine(plan.target.name, 60)}: PID ${plan.target.tree.join(', ')}`, roundedMemory(plan.target.memoryBytes)]
        .filter(Boolean)
        .join(' · '),
      oneLine(plan.target.command, 160),
      ...plan.risks,
    ]);
  const rest = plans.length > 10 ? [`and ${plans.length - 10} more`] : [];
  return {
    message,
    detail: [...lines, ...rest, ...last].filter(Boolean).join('\n'),
    button: needsSecondYes(plans, last) ? 'Stop Anyway' : 'Stop',
  };
}

/** The message after the servers were stopped. */
export function pruneSummary(outcomes: readonly { readonly candidate: PruneCandidate; readonly outcome: Outcome }[]): {
  severity: 'info' | 'warning';
  text: string;
} {
  const stopped = outcomes.filter(({ outcome }) => outcome.status === 'done');
  const others = outcomes.filter(({ outcome }) => outcome.status !== 'done');
  const again = stopped.filter(({ outcome }) => 'startedAgain' in outcome);
  const freed = stopped.reduce((sum, { candidate }) => sum + candidate.instance.memoryBytes, 0);
  const count = `Stopped ${stopped.length} ${stopped.length === 1 ? 'server' : 'servers'}${freed > 0 ? `; about ${roundedMemory(freed)} freed` : ''}.`;
  const more = [...again, ...others].map(({ outcome }) => outcome.message);
  return { severity: others.length + again.length > 0 ? 'warning' : 'info', text: [count, ...more].join(' ') };
}
