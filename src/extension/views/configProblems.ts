import { Diagnostic, DiagnosticSeverity, languages, Range, Uri } from 'vscode';
import { type Disposable, DisposableStore } from '../../base/disposable.ts';
import { oneLine } from '../display/plainText.ts';
import { rowProblems } from '../display/treeModel.ts';
import type { WindowState } from '../window/windowState.ts';

/** Shows configuration files that could not be read in full in the panel “Problems”, until they can. */
export function showConfigProblems(state: WindowState): Disposable {
  const store = new DisposableStore();
  const panel = store.add(languages.createDiagnosticCollection('MCP Shepherd'));
  let shown = '';
  const draw = (): void => {
    const problems = state.snapshot ? rowProblems(state.snapshot) : [];
    const face = JSON.stringify(problems);
    if (face === shown) {
      return;
    }
    shown = face;
    const files = [...new Set(problems.map(({ file }) => file))];
    panel.clear();
    for (const file of files) {
      const own = problems.filter((problem) => problem.file === file);
      panel.set(
        Uri.file(file),
        own.map(({ line = 1, column = 1, message }) => {
          const diagnostic = new Diagnostic(
            new Range(Math.max(0, line - 1), Math.max(0, column - 1), Math.max(0, line - 1), Number.MAX_SAFE_INTEGER),
            oneLine(message, 500),
            DiagnosticSeverity.Warning,
          );
          diagnostic.source = 'MCP Shepherd';
          return diagnostic;
        }),
      );
    }
  };
  store.add(state.onChange(draw));
  draw();
  return store;
}
