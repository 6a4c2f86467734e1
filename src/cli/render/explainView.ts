import type { Instance, Snapshot } from '../../model/snapshot.ts';
import type { ExplanationSection } from '../../presentation/explanation.ts';
import { createPaint } from './paint.ts';
import { instanceState } from './stateWords.ts';
import type { ViewOptions } from './statusView.ts';
import { clip, displayName, displayWidth, pad, terminalText, wrap } from './text.ts';

/** Room for the longest name and a gap. */
const labelWidth = 14;

/** Of a summary; a user reads it at a glance. */
const mostLines = 12;
const summaryLabelWidth = 11;

/** The verdict and what most users need, in 12 lines at most; every line fits the width. Ends in a line break. */
export function renderSummary(instance: Instance, snapshot: Snapshot, rows: ExplanationSection['rows'], options: ViewOptions): string {
  const paint = createPaint(options.color);
  const lines = verdict(instance, snapshot, options, 3);
  for (const { name, text } of rows) {
    const part = shorten(wrap(terminalText(text), options.width - summaryLabelWidth), name === 'fix' || name === 'restart' ? 4 : 2);
    if (lines.length + part.length < mostLines) {
      lines.push(...part.map((line, index) => `${paint('dim', pad(index === 0 ? `  ${name}` : '', summaryLabelWidth))}${line}`));
    }
  }
  lines.push(...[clip(`More: mcp-shepherd explain ${instance.pid} -v`, options.width)].map((line) => paint('dim', line)));
  return `${lines.join('\n')}\n`;
}

function verdict(instance: Instance, snapshot: Snapshot, options: ViewOptions, most: number): string[] {
  const paint = createPaint(options.color);
  const state = instanceState(
    instance,
    snapshot.definitions.filter((definition) => instance.definitions.includes(definition.id)),
  );
  const head = terminalText(`${displayName(instance.name)} (PID ${instance.pid}): ${state.words}`);
  return shorten(wrap(head, options.width), most).map((line) => paint(state.alarm ? state.tone : 'strong', line));
}

/** The first lines, with `…` at the end of the last one where some are missing. */
function shorten(lines: readonly string[], most: number): string[] {
  const last = lines[most - 1] ?? '';
  return lines.length <= most ? [...lines] : [...lines.slice(0, most - 1), clip(`${last}……`, displayWidth(last))];
}

/** The chain of evidence for one server as text of a width; every line fits it. Ends in a line break. */
export function renderExplanation(
  instance: Instance,
  snapshot: Snapshot,
  sections: readonly ExplanationSection[],
  options: ViewOptions,
): string {
  const paint = createPaint(options.color);
  const lines = verdict(instance, snapshot, options, Number.POSITIVE_INFINITY);
  for (const section of sections) {
    lines.push('', ...wrap(terminalText(section.heading), options.width).map((line) => paint('strong', line)));
    for (const { name, text } of section.rows) {
      const indent = name === '' ? 2 : labelWidth;
      const wrapped = wrap(terminalText(text), options.width - indent);
      for (const [index, line] of wrapped.entries()) {
        const label = index === 0 && name !== '' ? pad(`  ${name}`, indent) : ' '.repeat(indent);
        lines.push(`${paint('dim', label)}${line}`);
      }
    }
  }
  return `${lines.join('\n')}\n`;
}
