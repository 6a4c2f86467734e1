import type { Outcome } from '../../action/execute/exclusiveAction.ts';
import { copiesFinding, needsSecondYes, type Plan } from '../../action/plan/plan.ts';
import { type PruneCandidate, pruneHeadings, respawnRates } from '../../action/plan/pruneCandidates.ts';
import { t, translated } from '../../base/language/translate.ts';
import { roundedMemory } from '../../presentation/quantities.ts';
import { processText } from './instanceText.ts';
import { listedNames, oneLine, withoutIcons } from './plainText.ts';

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
  // The heading of idle copies would say what the title says.
  const withHeadings = candidates.some((candidate) => candidate.class !== 'idle-copy');
  return candidates.flatMap((candidate, index) => {
    const { instance, plan, why, class: kind, startedAgain } = candidate;
    const heading: PrunePick[] =
      !withHeadings || candidates[index - 1]?.class === candidate.class
        ? []
        : [{ label: translated(pruneHeadings[candidate.class]), kind: -1 }];
    const risk = plan.risks[0] ? ` — ${plan.risks[0]}` : '';
    const idle = kind === 'idle-copy' && !startedAgain ? copiesFinding(instance) : undefined;
    return [
      ...heading,
      {
        label: withoutIcons(instance.name, 80),
        // The sentence about idle copies is the same for all, and the question repeats it: what each did is not.
        description: withoutIcons(idle && instance.client ? instance.client.name : processText(instance, now), 100),
        detail: withoutIcons(idle?.evidence[0] ?? `${why}${risk}`, 300),
        candidate,
      },
    ];
  });
}

/**
 * The question before servers are stopped, in three or four lines: which ones, why, and the consequence. `planText` has the rest.
 * @param last what the plans take from clients that run
 */
export function stopQuestion(
  plans: readonly Plan[],
  last: readonly string[],
): { readonly message: string; readonly detail: string; readonly button: string } {
  const [first] = plans;
  const one = plans.length === 1 ? first : undefined;
  const consequences = [...new Set([...last, ...plans.flatMap(({ risks }) => risks)])];
  const freed = roundedMemory(plans.reduce((sum, { target }) => sum + target.memoryBytes, 0));
  // Of idle copies: what threads lose, and what the client then does.
  const idle = plans.every(({ target }) => target.idle);
  const names = new Set(plans.map(({ target }) => target.name));
  const ofOne = !one && idle && names.size === 1;
  const told = consequences.slice(0, idle ? 2 : 1);
  const others = consequences.length - told.length;
  const result = told.length === 0 ? (freed ? t('About {0} are freed.', freed) : '') : told.map((line) => oneLine(line, 200)).join('\n');
  const rest = others === 0 ? '' : t('Show Plan lists {0} more.', others);
  return {
    message: one
      ? t('Stop {0} (PID {1})?', oneLine(one.target.name, 60), one.target.pid)
      : ofOne
        ? t('Stop {0} idle copies of {1}?', plans.length, listedNames([...names]))
        : t('Stop {0} servers?', plans.length),
    detail: [one ? oneLine(one.reason, 200) : ofOne ? '' : `${listedNames([...names])}.`, [result, rest].filter(Boolean).join(' ')]
      .filter(Boolean)
      .join('\n'),
    button: needsSecondYes(plans, last) ? t('Stop Anyway') : t('Stop'),
  };
}

/** The whole plan: every PID, the redacted command lines, each step, and each consequence. */
export function planText(plans: readonly Plan[], last: readonly string[]): string {
  const parts = plans.map(({ target, reason, steps, risks }) =>
    [
      t('{0} (PID {1})', oneLine(target.name, 60), target.pid),
      ...[
        oneLine(reason),
        t('command: {0}', oneLine(target.command, 1_000)),
        [t('PIDs: {0}', target.tree.join(', ')), roundedMemory(target.memoryBytes)].filter(Boolean).join(' · '),
        ...steps.map(({ text }) => t('step: {0}', oneLine(text))),
        ...risks.map((risk) => t('risk: {0}', oneLine(risk))),
      ].map((line) => `  ${line}`),
    ].join('\n'),
  );
  return `${[t('Nothing is stopped yet.'), ...parts, ...last.map((line) => oneLine(line))].join('\n\n')}\n`;
}

/** The message after the servers were stopped. @param left how many the user left when cancelling */
export function pruneSummary(
  outcomes: readonly { readonly candidate: PruneCandidate; readonly outcome: Outcome }[],
  left = 0,
): { severity: 'info' | 'warning'; text: string } {
  const stopped = outcomes.filter(({ outcome }) => outcome.status === 'done');
  const others = outcomes.filter(({ outcome }) => outcome.status !== 'done');
  const again = stopped.filter(({ outcome }) => 'startedAgain' in outcome);
  const rates = respawnRates(stopped.map(({ candidate, outcome }) => ({ candidate, again: 'startedAgain' in outcome })));
  const freed = stopped.reduce((sum, { candidate }) => sum + candidate.instance.memoryBytes, 0);
  const count = stoppedText(stopped.length, roundedMemory(freed));
  const cancelled = left === 0 ? [] : [left === 1 ? t('Cancelled: 1 server goes on.') : t('Cancelled: {0} servers go on.', left)];
  const more = [...cancelled, ...[...again, ...others].map(({ outcome }) => outcome.message), ...rates];
  return { severity: others.length + again.length > 0 ? 'warning' : 'info', text: [count, ...more].join(' ') };
}

function stoppedText(count: number, freed: string | undefined): string {
  if (freed === undefined) {
    return count === 1 ? t('Stopped 1 server.') : t('Stopped {0} servers.', count);
  }
  return count === 1 ? t('Stopped 1 server; about {0} freed.', freed) : t('Stopped {0} servers; about {1} freed.', count, freed);
}
