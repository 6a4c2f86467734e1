import type { CopyChange } from '../../action/protect/copyEntry.ts';
import type { AllPreparation, FileChange } from '../../action/protect/prepareAll.ts';
import type { Preparation, ProtectChange, ProtectRequest } from '../../action/protect/protectChange.ts';
import { clientName } from '../../clients/clientTable.ts';
import type { RawDefinition } from '../../model/definition.ts';
import { describeStaleMode } from '../../model/staleMode.ts';
import { counted } from '../../presentation/quantities.ts';
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

/** A change of one entry: by the guard, or a correction. */
type ShownChange = Pick<ProtectChange, 'file' | 'after' | 'words' | 'warnings' | 'onStale'>;

type ChangedText = Pick<ShownChange, 'file' | 'after' | 'words'>;

/** The lines of the file that change; one sentence where they are too long to be shown. */
function protectDiffLines(change: ChangedText, redact: (line: string) => string): readonly DiffLine[] {
  return changedLines(change, redact) ?? [{ sign: ' ', text: 'The change is too long to be shown, and is written only with --yes.' }];
}

function changedLines({ file, after, words }: ChangedText, redact: (line: string) => string): readonly DiffLine[] | undefined {
  return lineDiff(file.text, after, { redact, words: new Set(words), isYaml: /\.ya?ml$/i.test(file.path) });
}

/** Whether the preview shows the change. The user is not asked to agree to one that it does not show. */
export function isShown(change: ChangedText, redact: (line: string) => string): boolean {
  return changedLines(change, redact) !== undefined;
}

/** The preview: the file, the lines that change, what the guard will do, and warnings. */
export function renderChange(change: ShownChange, { width, paint, redact }: ChangeViewOptions): string {
  const lines = [...fileLines(change, { paint, redact }), '', ...noteLines([change], { width, redact })];
  return `${lines.join('\n').trimEnd()}\n`;
}

function fileLines(change: ChangedText, { paint, redact }: Pick<ChangeViewOptions, 'paint' | 'redact'>): string[] {
  const tones = { '-': 'bad', '+': 'good', ' ': 'dim' } as const;
  const { file } = change;
  const through = file.realPath === file.path ? '' : `, a link to ${file.realPath}`;
  return [
    paint('strong', terminalText(`${file.path}${through}`)),
    ...protectDiffLines(change, redact).map(({ sign, text }) => paint(tones[sign], `${sign} ${text}`)),
  ];
}

/** What the guard will do, and the warnings, each once. */
function noteLines(changes: readonly ShownChange[], { width, redact }: Pick<ChangeViewOptions, 'width' | 'redact'>): string[] {
  const notes = changes.flatMap(({ onStale, warnings }) => [
    ...(onStale === undefined ? [] : [`When stale (${onStale}): ${describeStaleMode(onStale)}.`]),
    ...warnings.map((warning) => `Note: ${redact(warning)}`),
  ]);
  return [...new Set(notes)].flatMap((note) => wrap(terminalText(note), width));
}

/** The result where the answer was no, or nothing was asked. */
export function renderNothingWritten(dryRun: boolean): string {
  return dryRun ? '\nNothing was written (--dry-run).\n' : '\nNothing was written. Run it again with --yes to write it.\n';
}

/** The preview of `--all`: each file with the lines that change, what the guard will do, and how many entries that are. */
export function renderAll(
  { files, refused }: AllPreparation,
  action: ProtectRequest['action'],
  { width, paint, redact }: ChangeViewOptions,
): string {
  const changes = files.flatMap((file) => file.changes);
  const nothing = action === 'protect' ? 'Every entry that can use the guard already uses it.' : 'No entry starts through the guard.';
  const sum = `${counted(changes.length, 'entry', 'entries')} in ${counted(files.length, 'file')}.`;
  const lines = [
    ...files.flatMap(({ file, after, changes: own }) => [
      ...fileLines({ file, after, words: own.flatMap(({ words }) => words) }, { paint, redact }),
      '',
    ]),
    ...noteLines(changes, { width, redact }),
    files.length > 0 ? sum : refused.length > 0 ? 'No other entry is changed.' : nothing,
  ];
  return `${lines.join('\n').trimEnd()}\n`;
}

/** The entries that `--all` leaves out, each with the reason; empty when there are none. */
export function renderLeftOut({ refused }: AllPreparation, { width, redact }: Pick<ChangeViewOptions, 'width' | 'redact'>): string {
  const lines = refused.flatMap(({ definition, refusal }) =>
    wrap(terminalText(redact(`${definition.name} (${clientName(definition.client)}): ${refusal.reason}`)), width - 4).map(
      (line, index) => `${index === 0 ? '! ' : '    '}${line}\n`,
    ),
  );
  return lines.length === 0 ? '' : `Left out:\n${lines.join('')}\n`;
}

/** The line about a file that was written, with the steps by which its servers restart. */
export function renderAllDone({ file, changes }: FileChange, backup: string, width: number): string {
  const steps = [...new Set(changes.map(({ restartStep }) => restartStep))];
  const sentences = [
    `Done: ${changes.map(({ definition }) => definition.name).join(', ')} in ${file.path}.`,
    ...steps,
    `Copy of the old file: ${backup}`,
  ];
  return `\n${sentences.flatMap((sentence) => wrap(terminalText(sentence), width)).join('\n')}\n`;
}

/** The preview of a copy: the lines that are added, without the values of variables, and notes. */
export function renderCopy(change: CopyChange, { width, paint, redact }: ChangeViewOptions): string {
  const notes = change.warnings.flatMap((warning) => wrap(terminalText(`Note: ${redact(warning)}`), width));
  return `${[...fileLines({ ...change, after: change.shown }, { paint, redact }), '', ...notes].join('\n').trimEnd()}\n`;
}

/** The result of a copy that was made. */
export function renderCopyDone({ file, restartStep }: CopyChange, backup: string, width: number): string {
  const sentences = [`Done: the entry is in ${file.path}.`, restartStep, `Copy of the old file: ${backup}`];
  return `\n${sentences.flatMap((sentence) => wrap(terminalText(sentence), width)).join('\n')}\n`;
}

/** The output of `copy --json`. */
export function copyReport(change: CopyChange, backup: string | undefined, redact: (line: string) => string): unknown {
  return {
    schema: 1,
    action: 'copy',
    outcome: 'change',
    done: backup !== undefined,
    file: change.file.path,
    variables: change.variables,
    diff: protectDiffLines({ ...change, after: change.shown }, redact).map(({ sign, text }) => `${sign} ${text}`),
    warnings: change.warnings.map(redact),
    ...(backup === undefined ? {} : { backup }),
    next: change.restartStep,
  };
}

/** The result in sentences. */
export function renderResult(name: string, preparation: Preparation, { done, dryRun, backup }: ProtectResult, width: number): string {
  if (preparation.kind !== 'change') {
    return `${wrap(terminalText(preparation.reason), width).join('\n')}\n`;
  }
  const how = preparation.action === 'protect' ? 'through the guard' : 'without the guard';
  if (!done) {
    return renderNothingWritten(dryRun === true);
  }
  const sentences = [`Done. The next start of ${name} goes ${how}.`, preparation.restartStep, `Copy of the old file: ${backup ?? ''}`];
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
