import { type HistoryEntry, requesterText } from '../../action/execute/actionHistory.ts';
import { createPaint, type Tone } from './paint.ts';
import { duration } from './quantities.ts';
import type { ViewOptions } from './statusView.ts';
import { terminalText, wrap } from './text.ts';

const tones: Readonly<Record<HistoryEntry['outcome'], Tone>> = {
  done: 'good',
  failed: 'bad',
  refused: 'warning',
  already: 'plain',
  busy: 'warning',
  'started-again': 'warning',
};
const words: Readonly<Record<HistoryEntry['outcome'], string>> = {
  done: 'done',
  failed: 'FAILED',
  refused: 'refused',
  already: 'done by another',
  busy: 'another was at it',
  'started-again': 'started again',
};

/** The entries as they came, oldest first, each with its steps. */
export function renderHistory(entries: readonly HistoryEntry[], options: ViewOptions): string {
  if (entries.length === 0) {
    return 'Nothing was done yet.\n';
  }
  const paint = createPaint(options.color);
  const lines = entries.flatMap((entry) => {
    const { at, verb, target, outcome, message, steps } = entry;
    const head = `${at.slice(0, 19).replace('T', ' ')}Z (${duration(options.now - Date.parse(at))} ago)  ${verb} ${target.name} (PID ${target.pid})`;
    return [
      ...wrap(terminalText(head), options.width).map((line) => paint('strong', line)),
      ...wrap(terminalText(`${words[outcome]}: ${message}`), options.width - 2).map((line) => `  ${paint(tones[outcome], line)}`),
      ...wrap(
        terminalText(`asked by ${requesterText(entry)}${target.client ? `; its client: ${target.client}` : ''}`),
        options.width - 2,
      ).map((line) => `  ${paint('dim', line)}`),
      ...steps.flatMap(({ text, result }) =>
        wrap(terminalText(`${text}: ${result}`), options.width - 4).map((line) => `    ${paint('dim', line)}`),
      ),
    ];
  });
  return `${lines.join('\n')}\n`;
}
