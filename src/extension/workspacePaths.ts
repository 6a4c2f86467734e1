import { type ExtensionContext, type Uri, workspace } from 'vscode';

/** The window's workspace folders in order, as paths on the machine that the extension runs on; '' for a virtual folder. */
export function folderPaths(): string[] {
  return (workspace.workspaceFolders ?? []).map((folder) => pathOf(folder.uri) ?? '');
}

/** The workspace folders without virtual ones. */
export function surveyedFolders(): string[] {
  return folderPaths().filter((path) => path !== '');
}

/** The saved `.code-workspace` file of this window, if it has one on this machine. */
export function workspaceFiles(): string[] {
  const path = workspace.workspaceFile && pathOf(workspace.workspaceFile);
  return path === undefined ? [] : [path];
}

/** VS Code's `User` folder on this machine: two levels above the extension's storage, which also holds for `--user-data-dir`. */
export function userFolder(context: ExtensionContext): string {
  return context.globalStorageUri.with({ path: context.globalStorageUri.path.split('/').slice(0, -2).join('/') }).fsPath;
}

/** With a remote window the extension runs on the remote machine, so its addresses are local paths here. */
function pathOf(uri: Uri): string | undefined {
  return uri.scheme === 'file' || uri.scheme === 'vscode-remote' ? uri.fsPath : undefined;
}
