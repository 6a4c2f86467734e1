import type { Preparation, ProtectChange, ProtectRequest } from '../../action/protect/protectChange.ts';
import type { RawDefinition } from '../../model/definition.ts';
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

interface ProtectOutcome {
  readonly definition: RawDefinition;
  readonly action: ProtectRequest['action'];
  readonly preparation: Preparation;
  readonly result: ProtectResult;
}

interface ChangeViewOptions {
  readonly width: number;
  readonly paint: Paint;
  /** Hides the secrets of one line of the file. */
  redact(line: string): string;
}

/** The lines of the file that change; one sentence where they are too long to be shown. */
function protectDiffLines({ file, after, words }: ProtectChange, redact: (line: string) => string): readonly DiffLine[] {
  return (
    lineDiff(file.text, after, { redact, words: new Set(words), isYaml: /\.ya?ml$/i.test(file.path) }) ?? [
      { sign: ' ', text: 'The change is too long to be shown. Only the command of the entry changes.' },
    ]
  );
}

/** The preview: the file, the lines that change, what the guard will do, and warnings. */
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

/** The result in sentences. */
export function renderResult(name: string, preparation: Preparation, { done, dryRun, backup }: ProtectResult, width: number): string {
  if (preparation.kind !== 'change') {
    return `${wrap(terminalText(preparation.reason), width).join('\n')}\n`;
  }
  const how = preparation.action === 'protect' ? 'through the guard' : 'without the guard';
  const sentences = done
    ? [`Done. The next start of ${name} goes ${how}.`, preparation.restartStep, `Copy of the old file: ${backup ?? ''}`]
    : [dryRun ? 'Nothing was written (--dry-run).' : 'Nothing was written. Run it again with --yes to write it.'];
  return `\n${sentences.flatMap((sentence) => wrap(terminalText(sentence), width)).join('\n')}\n`;
}

/** The user's alternative. The portable form is an option here; in VS Code it is a button. */
export function protectAdvice({ advice, portableHelps }: Extract<Preparation, { kind: 'refused' }>): readonly string[] {
  return portableHelps ? [...advice.slice(0, -1), `${advice.at(-1)} Use --portable for it.`] : advice;
}

/** The output of `--json`. */
export function protectReport({ definition, action, preparation, result }: ProtectOutcome, redact: (line: string) => string): unknown {
  const { id, name, client, scope, file } = definition;
  const common = { schema: 1, action, definition: { id, name, client, scope, file }, outcome: preparation.kind, done: result.done };
  switch (preparation.kind) {
    case 'refused':
      return { ...common, reason: redact(preparation.reason), advice: protectAdvice(preparation).map(redact) };
    case 'unchanged':
      return { ...common, reason: preparation.reason };
    case 'change':
      return {
        ...common,
        diff: protectDiffLines(preparation, redact).map(({ sign, text }) => `${sign} ${text}`),
        warnings: preparation.warnings.map(redact),
        ...(result.backup === undefined ? {} : { backup: result.backup }),
        next: preparation.restartStep,
      };
  }
}
