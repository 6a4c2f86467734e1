import type { Outcome } from '../../action/execute/exclusiveAction.ts';
import { isRestartedHere, type Plan } from '../../action/plan/plan.ts';
import type { UpgradePlan } from '../../action/plan/upgradePlan.ts';
import { guardWouldHelp } from '../../action/protect/guardArguments.ts';
import type { UndoWay } from '../../action/upgrade/undoWay.ts';
import type { UpgradeResult } from '../../action/upgrade/upgradeServers.ts';
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
  const step = (text: string, index: number): string[] => numbered(text, index, options.width);
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

/** A step of a plan. @param index from 0 */
function numbered(text: string, index: number, width: number): string[] {
  return wrap(terminalText(text), width - 5).map((line, at) => (at === 0 ? `  ${index + 1}. ${line}` : `     ${line}`));
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

/** The question of `upgrade`: versions, the exact command, what restarts, and what happens when the new version does not work. @param restarts one plan for each server */
export function renderUpgrade(plan: UpgradePlan, restarts: readonly Plan[], undo: UndoWay | undefined, options: ViewOptions): string {
  const paint = createPaint(options.color);
  const block = (text: string, tone: Tone, indent = 2): string[] =>
    wrap(terminalText(text), options.width - indent).map((line) => ' '.repeat(indent) + paint(tone, line));
  const lines = [
    ...block(`Upgrade ${plan.packageName} ${plan.from} -> ${plan.to}`, 'strong', 0),
    ...numbered(`run: ${plan.command}${plan.cwd === undefined ? '' : ` (in ${plan.cwd})`}`, 0, options.width),
    ...restarts.flatMap((restart, at) => numbered(restartText(restart), at + 1, options.width)),
    ...restarts.flatMap(({ risks }) => risks).flatMap((risk) => block(`Note: ${risk}`, 'warning')),
    ...block(undoText(plan, restarts, undo), undo?.exact ? 'dim' : 'warning'),
  ];
  return `${lines.join('\n')}\n`;
}

function restartText(restart: Plan): string {
  const { target, steps, refused } = restart;
  const [step] = steps;
  return isRestartedHere(restart)
    ? `${step?.text}, and check that it answers in the new version`
    : `you restart ${target.name} (PID ${target.pid}): ${refused ?? (step?.kind === 'end-tree' ? restart.reason : step?.text)}`;
}

function undoText({ packageName, from }: UpgradePlan, restarts: readonly Plan[], undo: UndoWay | undefined): string {
  const when = restarts.some(isRestartedHere)
    ? 'If the command fails, or the server does not answer,'
    : 'If the command fails (whether the server answers is seen only after your restart),';
  if (!undo) {
    return `${when} there is no way back: install ${packageName} ${from} yourself.`;
  }
  return undo.exact
    ? `${when} every package becomes what it was before.`
    : `${when} ${packageName} ${from} is installed again. Its dependencies may stay newer: no lock file holds their versions, so an exact way back is not possible.`;
}

/** The outcome of an upgrade. */
export function renderUpgradeResult({ status, message, steps }: UpgradeResult, options: ViewOptions): string {
  const paint = createPaint(options.color);
  const tones = { done: 'good', manual: 'warning', 'rolled-back': 'warning', failed: 'bad' } as const;
  const details = status === 'rolled-back' || status === 'failed' ? steps : [];
  const lines = [
    ...wrap(terminalText(message), options.width).map((line) => paint(tones[status], line)),
    ...details.flatMap(({ text, result }) =>
      wrap(terminalText(`${text}: ${result}`), options.width - 2).map((line) => `  ${paint('dim', line)}`),
    ),
  ];
  return `${lines.join('\n')}\n`;
}

/** One line of an installer's output. */
export function renderInstallerLine(line: string, { color }: Pick<ViewOptions, 'color'>): string {
  return `${createPaint(color)('dim', `  ${terminalText(line.slice(0, 2_000))}`)}\n`;
}
