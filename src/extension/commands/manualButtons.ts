import { commands as editor } from 'vscode';
import type { Instance } from '../../model/snapshot.ts';
import { editorCommands } from '../manifestNames.ts';
import type { Buttons } from '../messages.ts';

/**
 * For a server of VS Code's Agent Host: a button for the first half of its step. No extension is told which sessions there are, and the commands that stop
 * and start a server want the session, so the list is as far as we come. None where this editor has no such list.
 */
export async function manualButtons(instance: Instance): Promise<Buttons> {
  const helps = instance.client?.id === 'vscode-agent-host' && (await editor.getCommands(true)).includes(editorCommands.listServer);
  return helps ? { 'List Servers…': () => editor.executeCommand(editorCommands.listServer) } : {};
}
