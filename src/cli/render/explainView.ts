import type { Instance, Snapshot } from '../../model/snapshot.ts';
import type { ExplanationSection } from '../../presentation/explanation.ts';
import { duration } from '../../presentation/quantities.ts';
import { createPaint } from './paint.ts';
import { instanceState } from './stateWords.ts';
import type { ViewOptions } from './statusView.ts';
import { pad, terminalText, wrap } from './text.ts';

/** Room for the longest name and a gap. */
const labelWidth = 14;

/** The chain of evidence for one server as text of a width; every line fits it. Ends in a line break. */
export function renderExplanation(
  instance: Instance,
  snapshot: Snapshot,
  sections: readonly ExplanationSection[],
  options: ViewOptions,
): string {
  const paint = createPaint(options.color);
  const origin = snapshot.definitions.filter((definition) => instance.definitions.includes(definition.id));
  const state = instanceState(instance, origin);
  const head = `${instance.name} (PID ${instance.pid}), running for ${duration(options.now - Date.parse(instance.startedAt))}: ${state.words}`;
  const lines = wrap(terminalText(head), options.width).map((line) => paint(state.alarm ? state.tone : 'strong', line));
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
