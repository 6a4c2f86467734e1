import { writeExtension } from '../editor/writeExtension.ts';

/** User settings of the first start: the window shows the servers and no chat. The user may change them. */
export const firstSettings: Readonly<Record<string, unknown>> = {
  'window.autoDetectColorScheme': true,
  'workbench.startupEditor': 'none',
  'workbench.secondarySideBar.defaultVisibility': 'hidden',
};

/** The view's container is part of the manifest, so VS Code knows the command before our extension runs. */
const main = `
const vscode = require('vscode');
exports.activate = () => vscode.commands.executeCommand('workbench.view.extension.mcpShepherd');`;

/** Installs an extension that shows the view "MCP Servers" in each window that opens. @returns its folder */
export function installViewOpener(extensionsDir: string): string {
  const manifest = { displayName: 'MCP Shepherd: opens its view', capabilities: { untrustedWorkspaces: { supported: true } } };
  return writeExtension(extensionsDir, { publisher: 'mcp-shepherd-start', name: 'opener', main, manifest });
}
