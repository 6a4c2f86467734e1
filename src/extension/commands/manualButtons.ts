import { commands as editor } from 'vscode';
import { clientById } from '../../clients/clientTable.ts';
import type { Instance } from '../../model/snapshot.ts';
import { editorCommands } from '../manifestNames.ts';
import type { Buttons } from '../messages.ts';

/**
 * For a server of VS Code's Agent Host: a button that opens the list of servers, which is the first half of the manual step. The commands that stop and
 * start such a server need its session, and extensions cannot read the sessions. No button in an editor without that command.
 */
export async function manualButtons(instance: Instance): Promise<Buttons> {
  const hasList =
    instance.client &&
    clientById(instance.client.id)?.listsServersInEditor &&
    (await editor.getCommands(true)).includes(editorCommands.listServer);
  return hasList ? { 'List Servers…': () => editor.executeCommand(editorCommands.listServer) } : {};
}
