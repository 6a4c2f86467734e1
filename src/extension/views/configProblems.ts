import {
  CodeAction,
  type CodeActionContext,
  CodeActionKind,
  Diagnostic,
  DiagnosticSeverity,
  languages,
  Range,
  type TextDocument,
  Uri,
  workspace,
} from 'vscode';
import { type Disposable, DisposableStore } from '../../base/disposable.ts';
import { t } from '../../base/language/translate.ts';
import type { HealthKind, HealthNote } from '../../model/entryHealth.ts';
import { oneLine } from '../display/plainText.ts';
import { rowProblems } from '../display/treeModel.ts';
import { commands } from '../manifestNames.ts';
import type { WindowState } from '../window/windowState.ts';

/** One line of the panel; line and column are 1-based. */
interface PanelLine {
  readonly file: string;
  readonly line?: number;
  readonly column?: number;
  readonly message: string;
  /** What it is about; absent for what could not be read. */
  readonly kind?: HealthKind;
  readonly level?: HealthNote['level'];
}

/**
 * Shows in the panel “Problems” configuration files that could not be read in full, and remarks about their entries. What is worth knowing about entries that
 * work is shown for open files only: it would otherwise count in the status bar at all times.
 */
export function showConfigProblems(state: WindowState): Disposable {
  const store = new DisposableStore();
  const panel = store.add(languages.createDiagnosticCollection('MCP Shepherd'));
  let shown = '';
  const draw = (): void => {
    const opened = new Set(workspace.textDocuments.map(({ uri }) => uri.fsPath));
    const health = (state.snapshot?.health ?? []).filter(({ level, file }) => level === 'warning' || opened.has(file));
    const lines: PanelLine[] = state.snapshot ? [...rowProblems(state.snapshot), ...health] : [];
    const face = JSON.stringify(lines);
    if (face === shown) {
      return;
    }
    shown = face;
    panel.clear();
    for (const file of new Set(lines.map((line) => line.file))) {
      panel.set(Uri.file(file), lines.filter((line) => line.file === file).map(diagnosticOf));
    }
  };
  const provideCodeActions = ({ uri }: TextDocument, _: unknown, { diagnostics }: CodeActionContext): CodeAction[] =>
    (state.snapshot?.health ?? [])
      .filter(({ fix, file }) => fix !== undefined && file === uri.fsPath)
      .flatMap((note) => {
        const shownAs = diagnostics.filter(({ code, range }) => code === note.kind && range.start.line === note.line - 1);
        return shownAs.length === 0 ? [] : [correction(note, shownAs)];
      });
  store.add(
    languages.registerCodeActionsProvider(
      { scheme: 'file' },
      { provideCodeActions },
      { providedCodeActionKinds: [CodeActionKind.QuickFix] },
    ),
  );
  store.add(state.onChange(draw));
  store.add(workspace.onDidOpenTextDocument(draw));
  store.add(workspace.onDidCloseTextDocument(draw));
  draw();
  return store;
}

/** What `doctor --fix` repairs, as a quick fix. */
function correction({ definition, name }: HealthNote, diagnostics: Diagnostic[]): CodeAction {
  const action = new CodeAction(t('Correct the command of {0}…', oneLine(name, 60)), CodeActionKind.QuickFix);
  action.command = { title: action.title, command: commands.correctEntry, arguments: [definition] };
  action.diagnostics = diagnostics;
  action.isPreferred = true;
  return action;
}

function diagnosticOf({ line = 1, column = 1, message, kind, level }: PanelLine): Diagnostic {
  const diagnostic = new Diagnostic(
    new Range(Math.max(0, line - 1), Math.max(0, column - 1), Math.max(0, line - 1), Number.MAX_SAFE_INTEGER),
    oneLine(message, 500),
    level === 'information' ? DiagnosticSeverity.Information : DiagnosticSeverity.Warning,
  );
  diagnostic.source = 'MCP Shepherd';
  if (kind !== undefined) {
    diagnostic.code = kind;
  }
  return diagnostic;
}
