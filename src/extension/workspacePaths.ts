import { type ExtensionContext, type Uri, workspace } from 'vscode';

/** The window's workspace folders in their order, as paths of the machine that the extension runs on. Virtual folders keep their place and are empty. */
export function folderPaths(): string[] {
  return (workspace.workspaceFolders ?? []).map((folder) => pathOf(folder.uri) ?? '');
}

/** The same without virtual folders. */
export function surveyedFolders(): string[] {
  return folderPaths().filter((path) => path !== '');
}

export function workspaceFiles(): string[] {
  const path = workspace.workspaceFile && pathOf(workspace.workspaceFile);
  return path === undefined ? [] : [path];
}

/** VS Code's `User` folder on this machine: two levels above the extension's own storage, whatever the editor was started with. */
export function userFolder(context: ExtensionContext): string {
  return context.globalStorageUri.with({ path: context.globalStorageUri.path.split('/').slice(0, -2).join('/') }).fsPath;
}

/** On a remote machine the extension runs there too, so remote addresses are local paths to it. */
function pathOf(uri: Uri): string | undefined {
  return uri.scheme === 'file' || uri.scheme === 'vscode-remote' ? uri.fsPath : undefined;
}
