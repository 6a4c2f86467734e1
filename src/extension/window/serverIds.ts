import type { Definition } from '../../model/definition.ts';

/**
 * VS Code's own ids of the server that a definition makes in a window, likeliest first. VS Code ignores ids that it does not know,
 * so a second guess is harmless as long as only one of them is ever started.
 * Source of the forms: VS Code's `mcpWorkbenchManagementService.ts` and `workspaceDotMcpDiscovery.ts`.
 *
 * @param folders the window's workspace folders in their order, as paths
 */
export function editorServerIds(definition: Definition, folders: readonly string[]): string[] {
  const { name, vscodeCollection } = definition;
  switch (vscodeCollection) {
    case 'user':
      // The user's file is "local" on a desktop and "remote" where the extension host runs on a server.
      return [`mcp.config.usrlocal.${name}`, `mcp.config.usrremote.${name}`];
    case 'workspace-file':
      return [`mcp.config.workspace.${name}`];
    case 'folder':
      return inFolder(definition, folders, (index) => `mcp.config.ws${index}.${name}`);
    case 'folder-dot-mcp':
      return inFolder(definition, folders, (index) => `workspace-dot-mcp.${index}.${name}`);
    default:
      return [];
  }
}

function inFolder(definition: Definition, folders: readonly string[], id: (index: number) => string): string[] {
  const wanted = definition.folder;
  const index = wanted === undefined ? -1 : folders.findIndex((folder) => withoutEnd(folder) === withoutEnd(wanted));
  return index === -1 ? [] : [id(index)];
}

function withoutEnd(folder: string): string {
  return folder.length > 1 ? folder.replace(/[\\/]+$/, '') : folder;
}
