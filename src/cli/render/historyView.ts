import { type HistoryEntry, requesterText } from '../../action/execute/actionHistory.ts';
import { localTime } from '../../presentation/quantities.ts';
import { createPaint, type Tone } from './paint.ts';
import type { ViewOptions } from './statusView.ts';
import { clip, terminalText, wrap } from './text.ts';

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
  already: 'done by another process',
  busy: 'another process was acting',
  'started-again': 'started again',
};

/** The entries, oldest first, one line each in local time; a longer line is cut. @param details each with who asked, the whole message and its steps */
export function renderHistory(entries: readonly HistoryEntry[], options: ViewOptions & { readonly details?: boolean }): string {
  if (entries.length === 0) {
    return 'No history yet.\n';
  }
  const paint = createPaint(options.color);
  const lines = entries.flatMap((entry) => {
    const { at, verb, target, outcome, message, steps } = entry;
    const head = `${localTime(at, options.timeZone)}  ${verb === 'end' ? 'stop' : verb} ${target.name} (PID ${target.pid})`;
    const end = outcome === 'done' ? `done, by ${requesterText(entry)}` : `${words[outcome]}: ${message}`;
    if (!options.details) {
      const fits = clip(terminalText(`${head}: ${end}`), options.width);
      const start = Math.min(terminalText(head).length, fits.length);
      return [`${paint('strong', fits.slice(0, start))}${paint(tones[outcome], fits.slice(start))}`];
    }
    return [
      ...wrap(terminalText(head), options.width).map((line) => paint('strong', line)),
      ...wrap(terminalText(`${words[outcome]}: ${message}`), options.width - 2).map((line) => `  ${paint(tones[outcome], line)}`),
      ...wrap(
        terminalText(`requested by ${requesterText(entry)}${target.client ? `; client: ${target.client}` : ''}`),
        options.width - 2,
      ).map((line) => `  ${paint('dim', line)}`),
      ...steps.flatMap(({ text, result }) =>
        wrap(terminalText(`${text}: ${result}`), options.width - 4).map((line) => `    ${paint('dim', line)}`),
      ),
    ];
  });
  return `${lines.join('\n')}\n`;
}
