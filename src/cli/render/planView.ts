import type { Outcome } from '../../action/execute/exclusiveAction.ts';
import type { Plan } from '../../action/plan/plan.ts';
import { guardWouldHelp } from '../../action/protect/guardArguments.ts';
import type { Instance, Snapshot } from '../../model/snapshot.ts';
import { memory } from '../../presentation/quantities.ts';
import { createPaint, type Tone } from './paint.ts';
import { instanceState } from './stateWords.ts';
import type { ViewOptions } from './statusView.ts';
import { terminalText, wrap } from './text.ts';

/** The server, its state, the steps, and the risks. */
export function renderPlan(plan: Plan, instance: Instance, snapshot: Snapshot, options: ViewOptions): string {
  const paint = createPaint(options.color);
  const { target } = plan;
  const state = instanceState(
    instance,
    snapshot.definitions.filter((definition) => instance.definitions.includes(definition.id)),
  );
  const whose = target.client === null ? 'without a client' : `started by ${target.client.name} (PID ${target.client.pid})`;
  const block = (text: string, tone: Tone, indent = 2): string[] =>
    wrap(terminalText(text), options.width - indent).map((line) => ' '.repeat(indent) + paint(tone, line));
  const step = (text: string, index: number): string[] =>
    wrap(terminalText(text), options.width - 5).map((line, at) => (at === 0 ? `  ${index + 1}. ${line}` : `     ${line}`));
  const manual = plan.steps.find((one) => one.kind === 'manual');
  const lines = [
    ...block(`${target.name} (PID ${target.pid}), ${whose}`, 'strong', 0),
    ...block(state.words, state.tone),
    ...state.notes.flatMap((note) => block(note, 'dim')),
    ...block(`${terminalText(target.command)}`, 'dim'),
    '',
    ...(plan.refused !== undefined
      ? block(`Not possible: ${plan.refused}`, 'warning', 0)
      : manual
        ? [
            ...block(`mcp-shepherd cannot ${plan.verb} this server for you. ${manual.text}`, 'plain', 0),
            ...guardHint(plan, instance, snapshot).flatMap((hint) => block(hint, 'dim', 0)),
          ]
        : [
            ...block(plan.reason, 'plain', 0),
            ...plan.steps.flatMap((one, index) => step(one.text, index)),
            ...step(`check that ${plan.verify}`, plan.steps.length),
            ...(plan.steps.some((one) => one.kind === 'end-tree') ? block(`frees up to ${memory(target.memoryBytes)}`, 'dim', 5) : []),
            ...plan.risks.flatMap((risk) => block(`Note: ${risk}`, 'warning')),
          ]),
  ];
  return `${lines.join('\n')}\n`;
}

/** The command that makes later restarts possible from here, where the guard allows that; else nothing. */
function guardHint(plan: Plan, instance: Instance, snapshot: Snapshot): string[] {
  const definition = plan.verb === 'restart' ? guardWouldHelp(instance, snapshot) : undefined;
  return definition ? [`To restart it from here next time: mcp-shepherd protect ${definition.name}`] : [];
}

/** The outcome, in one or a few lines. */
export function outcomeLines(outcome: Outcome, options: ViewOptions): string {
  const paint = createPaint(options.color);
  const good = outcome.status === 'done' && !outcome.after?.stillOld;
  const tone: Tone = good ? 'good' : outcome.status === 'already' ? 'plain' : 'warning';
  const steps = 'steps' in outcome && outcome.status !== 'done' ? outcome.steps : [];
  const lines = [
    ...wrap(terminalText(outcome.message), options.width).map((line) => paint(tone, line)),
    ...steps.flatMap(({ text, result }) =>
      wrap(terminalText(`${text}: ${result}`), options.width - 2).map((line) => `  ${paint('dim', line)}`),
    ),
  ];
  return `${lines.join('\n')}\n`;
}
