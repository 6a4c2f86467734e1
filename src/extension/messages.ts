import { commands as editor, type Progress, ProgressLocation, window } from 'vscode';
import { t } from '../base/language/translate.ts';
import { clientById } from '../clients/clientTable.ts';
import type { Instance } from '../model/snapshot.ts';
import { withoutIcons, withoutLinks } from './display/plainText.ts';
import { type CommandName, commands, editorCommands } from './manifestNames.ts';

/** The buttons of a message: label and handler, in display order. */
export type Buttons = Readonly<Record<string, () => unknown>>;

const show = {
  info: window.showInformationMessage,
  warning: window.showWarningMessage,
  error: window.showErrorMessage,
} as const;

/**
 * Shows a message without waiting for the user to close it, so that a command ends when its work is done.
 * Links in the text are disabled, because it contains names from other programs' files. An error offers the log, too.
 */
export function tell(severity: keyof typeof show, text: string, buttons: Buttons = {}): void {
  const all = severity === 'error' ? { ...buttons, [t('Show Log')]: () => editor.executeCommand(commands.showLog) } : buttons;
  show[severity](withoutLinks(text, 900), ...Object.keys(all)).then(
    (choice) => choice !== undefined && all[choice]?.(),
    () => undefined, // The window is closing, or VS Code refuses dialogs in tests.
  );
}

/** Shows a question with links until it is decided: a notification stays while it shows progress. Links in the text are disabled. @param links commands by label */
export async function askBeside(text: string, links: Readonly<Record<string, CommandName>>, decided: Promise<unknown>): Promise<void> {
  const labels = Object.entries(links).map(([label, command]) => `[${label}](command:${command})`);
  // In front, because VS Code shows one line of a notification without buttons.
  const title = `${labels.join(' | ')} · ${withoutLinks(text, 600)}`;
  await window.withProgress({ location: ProgressLocation.Notification, title }, () => decided);
}

/** Names work in the status bar until it is done. Icons in the title are disabled, because it contains names from other programs' files. */
export function showWork<T>(title: string, work: (progress: Progress<{ readonly message?: string }>) => PromiseLike<T>): PromiseLike<T> {
  return window.withProgress({ location: ProgressLocation.Window, title: withoutIcons(title, 120) }, work);
}

/**
 * Works through several items, one after the other, under a notification that names the item in progress. Its button Cancel leaves those that have not begun. Of one
 * item nothing is shown. @returns whether the user cancelled it
 */
export async function showEach<T>(
  title: string,
  items: readonly T[],
  nameOf: (item: T) => string,
  work: (item: T) => Promise<void>,
): Promise<boolean> {
  if (items.length < 2) {
    await Promise.all(items.map(work));
    return false;
  }
  return window.withProgress({ location: ProgressLocation.Notification, title, cancellable: true }, async (progress, token) => {
    for (const [index, item] of items.entries()) {
      if (token.isCancellationRequested) {
        return true;
      }
      progress.report({ message: t('{0} ({1} of {2})', withoutLinks(nameOf(item), 60), index + 1, items.length) });
      await work(item);
    }
    return false;
  });
}

/**
 * For a server of VS Code's Agent Host: a button that opens the list of servers, which is the first half of the manual step. The commands that stop and
 * start such a server need its session, and extensions cannot read the sessions. No button in an editor without that command.
 */
export async function manualButtons(instance: Instance): Promise<Buttons> {
  const hasList =
    instance.client &&
    clientById(instance.client.id)?.listsServersInEditor &&
    (await editor.getCommands(true)).includes(editorCommands.listServer);
  return hasList ? { [t('List Servers…')]: () => editor.executeCommand(editorCommands.listServer) } : {};
}
