import { EventEmitter, Range, type TextDocumentContentProvider, Uri, window, workspace } from 'vscode';
import { type Disposable, DisposableStore } from '../../base/disposable.ts';
import { t } from '../../base/language/translate.ts';
import type { Instance } from '../../model/snapshot.ts';
import { endedProcessText, evidenceText } from '../display/evidenceText.ts';
import { oneLine } from '../display/plainText.ts';
import { evidenceScheme } from '../manifestNames.ts';
import type { WindowState } from '../window/windowState.ts';

/** Read-only documents with everything known about one running server, kept current while they are open, and the plan of a question. */
export class EvidenceDocuments implements TextDocumentContentProvider, Disposable {
  readonly #store = new DisposableStore();
  readonly #changed = this.#store.add(new EventEmitter<Uri>());
  readonly #state: WindowState;
  /** The instance that each open document shows, as JSON, by address. The time of the snapshot is not in it, so that it does not cause a refresh. */
  readonly #shown = new Map<string, string>();
  /** Texts that do not change, by path. */
  readonly #texts = new Map<string, string>();
  readonly onDidChange = this.#changed.event;

  constructor(state: WindowState) {
    this.#state = state;
    this.#store.add(workspace.registerTextDocumentContentProvider(evidenceScheme, this));
    this.#store.add(workspace.onDidCloseTextDocument((document) => this.#shown.delete(document.uri.toString())));
    this.#store.add(state.onChange(() => this.#refresh()));
  }

  async show(instance: Instance): Promise<void> {
    const name = oneLine(instance.name, 60).replace(/[\\/?#%:]/g, '-');
    const uri = Uri.from({ scheme: evidenceScheme, path: `/${name} (PID ${instance.pid}).txt`, query: instance.id });
    // The empty line below the title: with the cursor on a word, the editor would highlight all its occurrences.
    const start = new Range(2, 0, 2, 0);
    await window.showTextDocument(await workspace.openTextDocument(uri), { preview: true, selection: start });
  }

  /** Shows the plan that a question is about. */
  async showPlan(text: string): Promise<void> {
    await this.showText(t('Plan'), text);
  }

  /** Shows a text as it is now. @param title name of the tab */
  async showText(title: string, text: string): Promise<void> {
    const uri = Uri.from({ scheme: evidenceScheme, path: `/${title.replace(/[\\/?#%:]/g, '-')}.txt` });
    this.#texts.set(uri.path, text);
    this.#changed.fire(uri);
    await window.showTextDocument(await workspace.openTextDocument(uri), { preview: true, selection: new Range(1, 0, 1, 0) });
  }

  provideTextDocumentContent(uri: Uri): string {
    if (uri.query === '') {
      return this.#texts.get(uri.path) ?? '';
    }
    const { snapshot, facts } = this.#state;
    const instance = this.#instance(uri);
    this.#shown.set(uri.toString(), JSON.stringify(instance));
    return instance && snapshot ? evidenceText(instance, snapshot, facts, Date.parse(snapshot.at)) : endedProcessText();
  }

  #instance(uri: Uri): Instance | undefined {
    return this.#state.snapshot?.instances.find((instance) => instance.id === uri.query);
  }

  #refresh(): void {
    for (const [address, shown] of this.#shown) {
      const uri = Uri.parse(address);
      if (JSON.stringify(this.#instance(uri)) !== shown) {
        this.#changed.fire(uri);
      }
    }
  }

  dispose(): void {
    this.#store.dispose();
  }
}
