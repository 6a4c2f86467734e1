import { CodeLens, EventEmitter, languages, Range, type TextDocument } from 'vscode';
import { type Disposable, DisposableStore } from '../../base/disposable.ts';
import { entryLenses } from '../display/entryLenses.ts';
import type { WindowState } from '../window/windowState.ts';

/** Shows links above the entries of servers that need attention, in the configuration files of every client. */
export function showEntryLenses(state: WindowState): Disposable {
  const store = new DisposableStore();
  const changed = store.add(new EventEmitter<void>());
  const lensesOf = (file: string) => (state.snapshot ? entryLenses(file, state.snapshot, state.facts) : []);
  let shown = '';
  store.add(
    state.onChange(() => {
      const files = [...new Set(state.snapshot?.definitions.map(({ file }) => file))];
      const face = JSON.stringify(files.map(lensesOf));
      if (face !== shown) {
        shown = face;
        changed.fire();
      }
    }),
  );
  const provideCodeLenses = ({ uri, lineCount }: TextDocument): CodeLens[] =>
    lensesOf(uri.fsPath).map(({ line, title, command, argument }) => {
      const at = Math.min(Math.max(0, line - 1), lineCount - 1);
      return new CodeLens(new Range(at, 0, at, 0), { title, command, arguments: [argument] });
    });
  // Clients use JSON, TOML and YAML, and VS Code has no language for some of them.
  store.add(languages.registerCodeLensProvider({ scheme: 'file' }, { onDidChangeCodeLenses: changed.event, provideCodeLenses }));
  return store;
}
