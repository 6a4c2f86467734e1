import { hostname } from 'node:os';
import {
  EventEmitter,
  commands as editor,
  env,
  MarkdownString,
  Position,
  Range,
  ThemeColor,
  ThemeIcon,
  type TreeDataProvider,
  TreeItem,
  TreeItemCollapsibleState,
  type TreeView,
  Uri,
  window,
} from 'vscode';
import { type Disposable, DisposableStore } from '../../base/disposable.ts';
import { t } from '../../base/language/translate.ts';
import type { Instance, Snapshot } from '../../model/snapshot.ts';
import { attentions, itemCounts } from '../display/attention.ts';
import { definitionTooltip, instanceTooltip } from '../display/instanceTooltip.ts';
import { asMarkdown, machineText } from '../display/plainText.ts';
import { problemsMessage } from '../display/problemLog.ts';
import { restingGuard } from '../display/serverRows.ts';
import { buildTree, holdRows, rowProblems } from '../display/treeModel.ts';
import { changedRows, indexNodes, type TreeNode } from '../display/treeNode.ts';
import { commands, views } from '../manifestNames.ts';
import type { WindowFacts } from '../window/windowFacts.ts';
import type { WindowState } from '../window/windowState.ts';

/** Rows show ages in minutes and hours; they are drawn again this often. */
const ageMs = 60_000;

/** What a click on a row, or Enter, passes to the command; a menu passes the id. */
export interface ClickedRow {
  readonly clicked: string;
}

/** The view "MCP Servers". VS Code knows rows by their ids, so a refresh keeps expansion and selection. */
export class ServerTree implements TreeDataProvider<string>, Disposable {
  readonly #store = new DisposableStore();
  readonly #changed = this.#store.add(new EventEmitter<string[] | undefined>());
  readonly #state: WindowState;
  readonly #view: TreeView<string>;
  #roots: readonly TreeNode[] = [];
  /** Servers that are being replaced, as they were before, by id. */
  readonly #held = new Map<string, { readonly instance: Instance; readonly others: ReadonlySet<string> }>();
  #index: ReadonlyMap<string, TreeNode> = new Map();
  #parents: ReadonlyMap<string, string> = new Map();
  #rowsAsked: () => void = () => undefined;
  /** VS Code has asked for the first rows. Before that it cannot reveal one. */
  readonly #hasRows = new Promise<void>((resolve) => {
    this.#rowsAsked = resolve;
  });
  readonly onDidChangeTreeData = this.#changed.event;

  constructor(state: WindowState) {
    this.#state = state;
    this.#view = this.#store.add(window.createTreeView(views.servers, { treeDataProvider: this, showCollapseAll: true }));
    const machine = machineText(env.remoteName, hostname());
    if (machine !== undefined) {
      this.#view.description = machine;
    }
    this.#store.add(state.onChange(() => this.#update()));
    const timer = setInterval(() => this.#update(), ageMs);
    this.#store.add({ dispose: () => clearInterval(timer) });
    this.#update();
  }

  /** The row that a command is for: the argument that a menu passed, else the selected row. */
  row(argument: unknown): TreeNode | undefined {
    // On a row that was not selected before, VS Code 1.139 has passed something other than the element.
    const id = typeof argument === 'string' ? argument : this.#view.selection[0];
    return id === undefined ? undefined : this.#index.get(id);
  }

  /** Shows the view, and selects the row of the given instance if there is one. */
  async show(instanceId?: string): Promise<void> {
    await editor.executeCommand(`${views.servers}.focus`);
    await this.#hasRows;
    const row = [...this.#index.values()].find(
      (node) => node.children.length === 0 && node.instanceId !== undefined && node.instanceId === instanceId,
    );
    if (row) {
      await this.#view.reveal(row.id, { select: true, focus: true, expand: true });
    }
  }

  getChildren(id?: string): string[] {
    if (id === undefined) {
      this.#rowsAsked();
    }
    return (id === undefined ? this.#roots : (this.#index.get(id)?.children ?? [])).map((node) => node.id);
  }

  getParent(id: string): string | undefined {
    return this.#parents.get(id);
  }

  getTreeItem(id: string): TreeItem {
    const node = this.#index.get(id);
    if (!node) {
      // The row is already gone; a refresh that removes it follows.
      return new TreeItem('', TreeItemCollapsibleState.None);
    }
    const open = node.expanded ? TreeItemCollapsibleState.Expanded : TreeItemCollapsibleState.Collapsed;
    const item = new TreeItem(node.label, node.children.length > 0 ? open : TreeItemCollapsibleState.None);
    item.id = node.id;
    item.contextValue = node.flags;
    item.iconPath = new ThemeIcon(node.icon.id, node.icon.color === undefined ? undefined : new ThemeColor(node.icon.color));
    item.accessibilityInformation = { label: node.spoken };
    if (node.description !== undefined) {
      item.description = node.description;
    }
    if (node.open) {
      const { file, line } = node.open;
      const at = new Position(Math.max(0, line - 1), 0);
      item.command = { command: 'vscode.open', title: t('Open'), arguments: [Uri.file(file), { selection: new Range(at, at) }] };
    } else if (node.instanceId !== undefined) {
      item.command = { command: commands.showDetails, title: t('Show Details'), arguments: [{ clicked: node.id } satisfies ClickedRow] };
    } else if (node.definitionId !== undefined && node.children.length === 0) {
      item.command = { command: commands.revealDefinition, title: t('Open Entry'), arguments: [node.id] };
    }
    return item;
  }

  resolveTreeItem(item: TreeItem, id: string): TreeItem {
    const markdown = this.#tooltip(id);
    if (markdown !== undefined) {
      item.tooltip = new MarkdownString(markdown);
    }
    return item;
  }

  #tooltip(id: string): string | undefined {
    const { snapshot, facts } = this.#state;
    const node = this.#index.get(id);
    const definition = snapshot?.definitions.find((item) => item.id === node?.definitionId);
    const instance = snapshot?.instances.find((item) => item.id === node?.instanceId);
    if (instance) {
      return instanceTooltip(instance, definition, facts, Date.now());
    }
    // What does not fit into a narrow view: the sum, names that a row folds.
    if (node?.kind === 'problem' || node?.kind === 'group') {
      return asMarkdown(node.spoken, 600);
    }
    return definition && definitionTooltip(definition, facts, snapshot && restingGuard(definition, snapshot));
  }

  #update(): void {
    const { snapshot, facts } = this.#state;
    if (!snapshot) {
      return;
    }
    const before = this.#roots;
    this.#roots = buildTree(this.#hold(snapshot, facts.busy), facts, Date.now());
    this.#index = indexNodes(this.#roots);
    this.#parents = new Map([...this.#index.values()].flatMap((node) => node.children.map((child) => [child.id, node.id] as const)));
    const changed = changedRows(before, this.#roots);
    if (changed === 'all') {
      this.#changed.fire(undefined);
    } else if (changed.length > 0) {
      this.#changed.fire([...changed]);
    }
    const found = attentions(snapshot, facts);
    const counts = itemCounts(found);
    if (counts !== this.#view.badge?.tooltip) {
      this.#view.badge = counts === undefined ? undefined : { value: found.length, tooltip: counts };
    }
    // Broken configuration has rows.
    const inRows = new Set(rowProblems(snapshot).map((problem) => problem.message));
    const others = snapshot.problems.filter((problem) => !inRows.has(problem.message));
    const quiet =
      facts.choices.onlyProblems && this.#roots.length === 0 ? t('No server needs attention. The filter hides the others.') : undefined;
    const message = problemsMessage(others, facts.home) ?? quiet;
    if ((message ?? '') !== (this.#view.message ?? '')) {
      this.#view.message = message ?? '';
    }
  }

  /** Keeps the rows of servers in their places while they are replaced. */
  #hold(snapshot: Snapshot, busy: WindowFacts['busy']): Snapshot {
    for (const id of this.#held.keys()) {
      if (!busy.has(id)) {
        this.#held.delete(id);
      }
    }
    for (const instance of snapshot.instances.filter(({ id }) => busy.has(id))) {
      this.#held.set(instance.id, { instance, others: new Set(snapshot.instances.map(({ id }) => id)) });
    }
    const replaced = [...this.#held].flatMap(([id, held]) => (busy.get(id) === 'stopping' ? [] : [held]));
    return holdRows(snapshot, replaced);
  }

  dispose(): void {
    this.#store.dispose();
  }
}
