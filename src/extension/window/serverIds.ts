import type { Definition } from '../../model/definition.ts';

/**
 * The ids that VS Code may use for the server of a definition, the likeliest first. VS Code ignores unknown ids, so trying several is harmless as long as
 * only one of them is started.
 * Source of the forms: VS Code's `mcpWorkbenchManagementService.ts` and `workspaceDotMcpDiscovery.ts`.
 *
 * @param folders paths of the window's workspace folders, in order
 */
export function editorServerIds(definition: Definition, folders: readonly string[]): string[] {
  const { name, vscodeCollection } = definition;
  switch (vscodeCollection) {
    case 'user':
      // "local" on a desktop, "remote" where the extension host runs on a server.
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
