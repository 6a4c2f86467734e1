import type { ClientId } from '../model/definition.ts';
import { clientById, clientsVscodeLast } from './clientTable.ts';

/** Editors that are recognised by the path of their program, in the order in which they are tried. */
export const editorPaths: readonly { readonly id: ClientId; readonly path: RegExp }[] = clientsVscodeLast.flatMap(({ id, editor }) =>
  editor?.path ? [{ id, path: editor.path }] : [],
);

/** Whether a client is VS Code in one of its builds (not a fork like Cursor): they read the same project files and restart servers by the same commands. */
export function isVscode(id: ClientId): boolean {
  const row = clientById(id);
  return row?.editor !== undefined && row.product === 'vscode';
}

/** Whether a client is VS Code or an editor made from it; of the known clients, only these run as a VS Code utility process. */
export function isVscodeEditor(id: ClientId): boolean {
  return clientById(id)?.editor !== undefined;
}

/** The editor whose program, data or server lies at this path; `vscode` when the path names no other. */
export function familyAt(path: string): ClientId {
  const text = path.replaceAll('\\', '/').toLowerCase();
  return editorPaths.find((editor) => editor.path.test(text))?.id ?? 'vscode';
}
