import { MarkdownString, StatusBarAlignment, ThemeColor, window, workspace } from 'vscode';
import { type Disposable, DisposableStore } from '../../base/disposable.ts';
import { t } from '../../base/language/translate.ts';
import { asMarkdown } from '../display/plainText.ts';
import { type StatusModel, statusModel, tooltipCommands } from '../display/statusModel.ts';
import { commands, settings, statusBarId } from '../manifestNames.ts';
import { showWhenCurrent } from '../settings.ts';
import type { WindowState } from '../window/windowState.ts';

/** Shows the status bar item. It is hidden until the first snapshot arrives. */
export function showStatusBar(state: WindowState): Disposable {
  const store = new DisposableStore();
  const item = store.add(window.createStatusBarItem(statusBarId, StatusBarAlignment.Left, 0));
  item.name = t('MCP Servers');
  item.command = commands.fixProblems;
  let shown = '';
  const draw = (): void => {
    const model = currentModel(state);
    const face = JSON.stringify(model);
    // Setting a tooltip closes the one that the user is reading, so only changes are set.
    if (face === shown) {
      return;
    }
    shown = face;
    if (!model?.visible) {
      item.hide();
      return;
    }
    const tooltip = new MarkdownString(model.tooltip, true);
    tooltip.isTrusted = { enabledCommands: tooltipCommands };
    item.text = model.text;
    item.tooltip = tooltip;
    item.backgroundColor = model.warning ? new ThemeColor('statusBarItem.warningBackground') : undefined;
    item.accessibilityInformation = { label: model.spoken, role: 'button' };
    item.show();
  };
  store.add(state.onChange(draw));
  store.add(workspace.onDidChangeConfiguration((event) => event.affectsConfiguration(settings.showWhenCurrent) && draw()));
  draw();
  return store;
}

function currentModel(state: WindowState): StatusModel | undefined {
  if (state.failure !== undefined) {
    const text = t('MCP Shepherd could not list the MCP servers of this machine.');
    return { visible: true, text: '$(mcp) ?', tooltip: `${text} ${asMarkdown(state.failure)}`, warning: false, spoken: text };
  }
  return state.snapshot && statusModel(state.snapshot, state.facts, showWhenCurrent());
}
