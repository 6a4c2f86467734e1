import { type ExtensionContext, commands as editor, window } from 'vscode';
import { DisposableStore } from '../base/disposable.ts';
import { reasonOf } from '../base/errors.ts';
import { type CommandName, commands } from './manifestNames.ts';
import type { CommandHandlers } from './registerCommands.ts';

/**
 * Registers the commands and returns: VS Code waits for no more, and neither do the extensions that activate next. The view, the status bar item and the first scan follow in the
 * next turn of the event loop, from a piece that only then is loaded. A command that is run earlier waits for it.
 */
export function activate(context: ExtensionContext): void {
  const store = new DisposableStore();
  context.subscriptions.push(store);
  const log = store.add(window.createOutputChannel('MCP Shepherd', { log: true }));
  let started: Promise<CommandHandlers> | undefined;
  const start = (): Promise<CommandHandlers> => {
    started ??= import('./extension.ts').then(({ startExtension }) => startExtension(context, store, log));
    return started;
  };
  for (const name of Object.values<CommandName>(commands)) {
    store.add(editor.registerCommand(name, async (argument: unknown) => (await start())[name](argument)));
  }
  const next = setImmediate(() => void start().catch((error: unknown) => log.error(`MCP Shepherd could not start: ${reasonOf(error)}`)));
  store.add({ dispose: () => clearImmediate(next) });
}
