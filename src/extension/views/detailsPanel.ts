import { commands as editor, env, ViewColumn, type WebviewPanel, window } from 'vscode';
import { type HistoryEntry, readHistory } from '../../action/execute/actionHistory.ts';
import { type Disposable, DisposableStore } from '../../base/disposable.ts';
import { t } from '../../base/language/translate.ts';
import { systemRandom } from '../../base/random.ts';
import type { Instance } from '../../model/snapshot.ts';
import { detailsDocument, detailsHtml } from '../display/details/detailsHtml.ts';
import { type DetailsPage, detailsPage, successorOf } from '../display/details/detailsPage.ts';
import { oneLine } from '../display/plainText.ts';
import { webviewType } from '../manifestNames.ts';
import type { WindowState } from '../window/windowState.ts';

/** What has the focus when the page is shown: `tree` keeps it in the view, until the row is used again. */
export type DetailsFocus = 'page' | 'tree';

/** The page of one server, in one tab: another server takes its place. It follows a server that is restarted. */
export class DetailsPanel implements Disposable {
  readonly #store = new DisposableStore();
  readonly #state: WindowState;
  readonly #runDir: () => string;
  #panel: WebviewPanel | undefined;
  #instance: Instance | undefined;
  #page: DetailsPage | undefined;
  #history: readonly HistoryEntry[] = [];
  #shown = '';

  /** @param runDir may throw: then the page has no history */
  constructor(state: WindowState, runDir: () => string) {
    this.#state = state;
    this.#runDir = runDir;
    this.#store.add(state.onChange(() => this.#update()));
  }

  show(instance: Instance, focus: DetailsFocus): void {
    const isAgain = this.#panel?.visible === true && this.#instance?.id === instance.id;
    const stays = focus === 'tree' && !isAgain;
    this.#panel ??= this.#open(stays);
    this.#follow(instance);
    this.#panel.reveal(undefined, stays);
    this.#redraw(this.#panel);
  }

  #open(preserveFocus: boolean): WebviewPanel {
    const panel = window.createWebviewPanel(
      webviewType,
      t('MCP Server'),
      { viewColumn: ViewColumn.Active, preserveFocus },
      {
        enableScripts: true,
        enableCommandUris: false,
        enableFindWidget: true,
        localResourceRoots: [],
      },
    );
    panel.webview.onDidReceiveMessage((message: unknown) => {
      // The page can run only what it shows.
      const button = this.#page?.buttons.find(({ command }) => command === message);
      if (button) {
        void editor.executeCommand(button.command, button.argument);
      }
    });
    panel.onDidChangeViewState(() => panel.visible && this.#redraw(panel));
    panel.onDidDispose(() => {
      this.#panel = undefined;
    });
    return panel;
  }

  #follow(instance: Instance): void {
    this.#instance = instance;
    try {
      this.#history = readHistory(this.#runDir());
    } catch {
      this.#history = [];
    }
  }

  /** Draws the whole page: a hidden one has lost its content. */
  #redraw(panel: WebviewPanel): void {
    this.#page = this.#make();
    this.#shown = detailsHtml(this.#page);
    panel.title = oneLine(this.#instance?.name ?? '', 60);
    panel.webview.html = detailsDocument(this.#page, systemRandom(16).toString('hex'), env.language);
  }

  #update(): void {
    if (!this.#panel?.visible) {
      return;
    }
    this.#page = this.#make();
    const html = detailsHtml(this.#page);
    if (html !== this.#shown) {
      this.#shown = html;
      void this.#panel.webview.postMessage(html);
    }
  }

  #make(): DetailsPage | undefined {
    const { snapshot, facts } = this.#state;
    const before = this.#instance;
    if (!snapshot || !before) {
      return undefined;
    }
    const instance = snapshot.instances.find(({ id }) => id === before.id) ?? successorOf(before, snapshot);
    if (instance && instance.id !== before.id) {
      this.#follow(instance);
    }
    return instance && detailsPage({ instance, snapshot, facts, history: this.#history });
  }

  dispose(): void {
    this.#panel?.dispose();
    this.#store.dispose();
  }
}
