import { basename } from 'node:path';
import { EventEmitter, commands as editor, TabInputTextDiff, type TextDocumentContentProvider, Uri, window, workspace } from 'vscode';
import { type Disposable, DisposableStore } from '../../base/disposable.ts';
import { previewScheme } from '../manifestNames.ts';

/** Proposed contents of files, shown in a diff with the current contents. */
export class PreviewDocuments implements TextDocumentContentProvider, Disposable {
  readonly #store = new DisposableStore();
  readonly #changed = this.#store.add(new EventEmitter<Uri>());
  readonly #texts = new Map<string, string>();
  readonly onDidChange = this.#changed.event;

  constructor() {
    this.#store.add(workspace.registerTextDocumentContentProvider(previewScheme, this));
  }

  /** Opens a diff of a file with its proposed content. @returns closes the diff */
  async compare(file: string, after: string, title: string): Promise<Disposable> {
    // The same file name, so that the editor chooses the same language.
    const proposed = Uri.from({ scheme: previewScheme, path: `/${basename(file)}`, query: file });
    this.#texts.set(proposed.toString(), after);
    this.#changed.fire(proposed);
    await editor.executeCommand('vscode.diff', Uri.file(file), proposed, title, { preview: true });
    return { dispose: () => void this.#close(proposed) };
  }

  provideTextDocumentContent(uri: Uri): string {
    return this.#texts.get(uri.toString()) ?? '';
  }

  async #close(proposed: Uri): Promise<void> {
    const address = proposed.toString();
    this.#texts.delete(address);
    const tabs = window.tabGroups.all
      .flatMap((group) => group.tabs)
      .filter(({ input }) => input instanceof TabInputTextDiff && input.modified.toString() === address);
    await window.tabGroups.close(tabs, true);
  }

  dispose(): void {
    this.#store.dispose();
  }
}
