import type { Instance } from '../../model/snapshot.ts';
import { createPaint } from './paint.ts';
import { instanceState } from './stateWords.ts';
import type { ViewOptions } from './statusView.ts';
import { clip, displayName, terminalText, wrap } from './text.ts';

/** The selected problem after a step; without a selected one, or when it is gone, from the first. @param step 0: stays */
export function selectProblem(problems: readonly Instance[], selected: string | undefined, step: -1 | 0 | 1): Instance | undefined {
  const at = Math.max(
    0,
    problems.findIndex(({ id }) => id === selected),
  );
  return problems[(at + step + problems.length) % problems.length];
}

/** At most so many lines of a message: the table stays visible. */
const longestMessage = 4;

/** The lines below the table: the selected problem, what was asked or has happened, and the keys. None is wider than the terminal. */
export function watchFooter(problem: Instance | undefined, message: string, { width, color }: ViewOptions): string[] {
  const paint = createPaint(color);
  const name = problem && terminalText(displayName(problem.name)).slice(0, 80);
  const selected = problem ? [`> ${name} (PID ${problem.pid}): ${terminalText(instanceState(problem).short)}`] : [];
  const keys = problem ? '↑↓ scroll · Tab next problem · r restart it · q quit' : '↑↓ scroll · q quit';
  return [
    ...selected.map((line) => paint('strong', clip(line, width))),
    ...(message === '' ? [] : wrap(terminalText(message).slice(0, 2_000), width).slice(0, longestMessage)),
    paint('dim', clip(keys, width)),
  ];
}

/**
 * The part of a view that a terminal shows above a footer.
 * @param rows of the terminal @param offset the first line that should be shown
 * @returns the lines, and the offset that is possible
 */
export function watchPage(
  view: string,
  footer: readonly string[],
  rows: number,
  offset: number,
): { readonly lines: readonly string[]; readonly offset: number; readonly page: number } {
  const lines = view.replace(/\n$/, '').split('\n');
  // The cursor stands on a line of its own.
  const page = Math.max(1, rows - 1 - footer.length);
  const first = Math.max(0, Math.min(offset, lines.length - page));
  const shown = lines.slice(first, first + page);
  return { lines: [...shown, ...footer], offset: first, page };
}
