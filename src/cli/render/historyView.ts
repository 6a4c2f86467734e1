import { type HistoryEntry, requesterText } from '../../action/execute/actionHistory.ts';
import { localTime } from '../../presentation/quantities.ts';
import { createPaint, type Tone } from './paint.ts';
import type { ViewOptions } from './statusView.ts';
import { clip, displayWidth, terminalText, wrap } from './text.ts';

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

interface Brief {
  /** Time, verb and server. */
  readonly what: string;
  readonly pid: string;
  /** `end` begins with it. */
  readonly word: string;
  readonly end: string;
}

/** The entries, oldest first, in local time: one line each, more where that would cut PID or outcome. A longer line is cut. @param details each with who asked, the whole message and its steps */
export function renderHistory(entries: readonly HistoryEntry[], options: ViewOptions & { readonly details?: boolean }): string {
  if (entries.length === 0) {
    return 'No history yet.\n';
  }
  const paint = createPaint(options.color);
  const lines = entries.flatMap((entry) => {
    const { at, verb, target, outcome, message, steps } = entry;
    const what = `${localTime(at, options.timeZone)}  ${verb === 'end' ? 'stop' : verb} ${target.name}`;
    const pid = `PID ${target.pid}`;
    const end = outcome === 'done' ? `done, by ${requesterText(entry)}` : `${words[outcome]}: ${message}`;
    if (!options.details) {
      const brief = { what: terminalText(what), pid, word: words[outcome], end: terminalText(end) };
      return briefLines(brief, options.width).map(([subject, result]) => `${paint('strong', subject)}${paint(tones[outcome], result)}`);
    }
    return [
      ...wrap(terminalText(`${what} (${pid})`), options.width).map((line) => paint('strong', line)),
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

/** One line, or several where one would cut the PID or the outcome. Each as a pair: what happened to which server, and the outcome. */
function briefLines({ what, pid, word, end }: Brief, width: number): [subject: string, result: string][] {
  if (displayWidth(`${what} (${pid}): ${word}`) <= width) {
    const subject = `${what} (${pid})`;
    return [[subject, clip(`: ${end}`, width - displayWidth(subject))]];
  }
  const subjects = wrap(what, width - 2).map((line, at): [string, string] => [at === 0 ? line : `  ${line}`, '']);
  return [...subjects, [`  ${pid}`, clip(`: ${end}`, width - pid.length - 2)]];
}
