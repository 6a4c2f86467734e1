import type { Preparation, ProtectChange } from '../../action/protect/protectChange.ts';
import { describeStaleMode } from '../../model/staleMode.ts';
import { type DiffLine, lineDiff } from './diffView.ts';
import type { Paint } from './paint.ts';
import { terminalText, wrap } from './text.ts';

export interface ProtectResult {
  readonly done: boolean;
  readonly dryRun?: boolean;
  /** Path of the file's copy from before. */
  readonly backup?: string;
}

export interface ChangeViewOptions {
  readonly width: number;
  readonly paint: Paint;
  /** Hides the secrets of one line of the file. */
  redact(line: string): string;
}

/** What changes in the file, line by line; where lines are too long to be read, the words of the command. */
export function protectDiffLines({ file, after }: ProtectChange, redact: (line: string) => string): readonly DiffLine[] {
  return (
    lineDiff(file.text, after, redact) ?? [
      { sign: ' ', text: 'The file has lines too long to be shown; only the entry’s command changes.' },
    ]
  );
}

/** The preview: what is written where, what it means, and what to know before. */
export function renderChange(change: ProtectChange, { width, paint, redact }: ChangeViewOptions): string {
  const tones = { '-': 'bad', '+': 'good', ' ': 'dim' } as const;
  const notes = [
    ...(change.onStale === undefined ? [] : [`When stale (${change.onStale}): ${describeStaleMode(change.onStale)}.`]),
    ...change.warnings.map((warning) => `Note: ${redact(warning)}`),
  ];
  const { file } = change;
  const through = file.realPath === file.path ? '' : `, a link to ${file.realPath}`;
  const lines = [
    paint('strong', terminalText(`${file.path}${through}`)),
    ...protectDiffLines(change, redact).map(({ sign, text }) => paint(tones[sign], `${sign} ${text}`)),
    '',
    ...notes.flatMap((note) => wrap(terminalText(note), width)),
  ];
  return `${lines.join('\n').trimEnd()}\n`;
}

/** What became of it. */
export function renderResult(name: string, preparation: Preparation, { done, dryRun, backup }: ProtectResult, width: number): string {
  if (preparation.kind !== 'change') {
    return `${wrap(terminalText(preparation.reason), width).join('\n')}\n`;
  }
  const how = preparation.action === 'protect' ? 'through the guard' : 'without the guard';
  const sentences = done
    ? [`Done: ${name} starts ${how} from its next start on.`, preparation.restartStep, `The file as it was: ${backup ?? ''}`]
    : [dryRun ? 'Nothing was written (--dry-run).' : 'Nothing was written. Run it again with --yes to write it.'];
  return `\n${sentences.flatMap((sentence) => wrap(terminalText(sentence), width)).join('\n')}\n`;
}
