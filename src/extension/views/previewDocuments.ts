import { basename } from 'node:path';
import { EventEmitter, commands as editor, TabInputTextDiff, type TextDocumentContentProvider, Uri, window, workspace } from 'vscode';
import { type Disposable, DisposableStore } from '../../base/disposable.ts';
import { previewScheme } from '../manifestNames.ts';

/** Texts of files as they would be, shown beside the files as they are. */
export class PreviewDocuments implements TextDocumentContentProvider, Disposable {
  readonly #store = new DisposableStore();
  readonly #changed = this.#store.add(new EventEmitter<Uri>());
  readonly #texts = new Map<string, string>();
  readonly onDidChange = this.#changed.event;

  constructor() {
    this.#store.add(workspace.registerTextDocumentContentProvider(previewScheme, this));
  }

  /** Opens the comparison of a file with what it would be. @returns what closes it again */
  async compare(file: string, after: string, title: string): Promise<Disposable> {
    // The same name, so that the editor takes it for the same language.
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
