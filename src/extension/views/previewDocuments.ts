import { basename } from 'node:path';
import {
  EventEmitter,
  commands as editor,
  type Tab,
  TabInputTextDiff,
  type TextDocumentContentProvider,
  Uri,
  window,
  workspace,
} from 'vscode';
import type { EditableFile } from '../../action/protect/editableFile.ts';
import { type Disposable, DisposableStore } from '../../base/disposable.ts';
import { t } from '../../base/language/translate.ts';
import { isCutByEditor } from '../display/guardQuestions.ts';
import { commands, previewScheme } from '../manifestNames.ts';
import { askBeside, tell } from '../messages.ts';

interface Preview {
  readonly file: Pick<EditableFile, 'path' | 'text'>;
  /** The proposed content. */
  readonly after: string;
  readonly title: string;
  /** The question. */
  readonly notice: string;
}

/** Proposed contents of files, shown in a diff with the current contents until the user decides. */
export class PreviewDocuments implements TextDocumentContentProvider, Disposable {
  readonly #store = new DisposableStore();
  readonly #changed = this.#store.add(new EventEmitter<Uri>());
  #open: { readonly address: string; readonly text: string; decide(write: boolean): void } | undefined;
  readonly onDidChange = this.#changed.event;

  constructor() {
    this.#store.add(workspace.registerTextDocumentContentProvider(previewScheme, this));
    // Of a window that was closed before the user decided. Nothing was written.
    void closeTabs(() => true);
    this.#store.add(
      window.tabGroups.onDidChangeTabs(({ closed }) => {
        const { address } = this.#open ?? {};
        if (closed.length > 0 && address !== undefined && previewTabs((shown) => shown === address).length === 0) {
          this.decide(false);
        }
      }),
    );
  }

  /**
   * Opens a diff of a file with its proposed content. The user decides in the title bar of the editor, or in a notification, which covers none of it. Closing
   * the diff discards the change, and so does the next question.
   */
  async ask({ file, after, title, notice }: Preview): Promise<boolean> {
    this.decide(false);
    if (isCutByEditor(file.text, after)) {
      tell(
        'warning',
        t(
          '{0} was not changed: the change is in a line that is too long for the editor. “mcp-shepherd protect” shows it in a terminal.',
          file.path,
        ),
      );
      return false;
    }
    // The same file name, so that the editor chooses the same language.
    const proposed = Uri.from({ scheme: previewScheme, path: `/${basename(file.path)}`, query: file.path });
    const address = proposed.toString();
    const decided = new Promise<boolean>((decide) => {
      this.#open = { address, text: after, decide };
    });
    this.#changed.fire(proposed);
    await editor.executeCommand('vscode.diff', Uri.file(file.path), proposed, title, { preview: false });
    await askBeside(notice, { [t('Write Change')]: commands.writeChange, [t('Discard')]: commands.discardChange }, decided);
    await closeTabs((shown) => shown === address && shown !== this.#open?.address);
    return decided;
  }

  /** The user's answer to the open question. */
  decide(write: boolean): void {
    const open = this.#open;
    this.#open = undefined;
    open?.decide(write);
  }

  provideTextDocumentContent(uri: Uri): string {
    return this.#open?.address === uri.toString() ? this.#open.text : '';
  }

  dispose(): void {
    this.decide(false);
    this.#store.dispose();
  }
}

function previewTabs(wanted: (address: string) => boolean): Tab[] {
  return window.tabGroups.all
    .flatMap((group) => group.tabs)
    .filter(
      ({ input }) => input instanceof TabInputTextDiff && input.modified.scheme === previewScheme && wanted(input.modified.toString()),
    );
}

async function closeTabs(wanted: (address: string) => boolean): Promise<void> {
  const tabs = previewTabs(wanted);
  if (tabs.length > 0) {
    await window.tabGroups.close(tabs, true);
  }
}
