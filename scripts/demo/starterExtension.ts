import { writeExtension } from '../editor/writeExtension.ts';

/** Names the file that the starter extension writes once the server runs. */
export const startedVariable = 'MCP_SHEPHERD_DEMO_STARTED';

const main = `
const { writeFileSync } = require('node:fs');
const vscode = require('vscode');
// VS Code reads mcp.json some time after the window has opened; until then it ignores a start.
exports.activate = async () => {
  for (let attempt = 0; attempt < 120; attempt++) {
    await vscode.commands.executeCommand('workbench.mcp.startServer', 'mcp.config.ws0.everything', { waitForLiveTools: true });
    if (vscode.lm.tools.some((tool) => /everything/.test(tool.name))) {
      writeFileSync(process.env.${startedVariable}, 'yes');
      return;
    }
    await new Promise((resolve) => setTimeout(resolve, 500));
  }
};`;

/** Installs an extension that starts the demo's server with VS Code's own MCP client as soon as a window opens. */
export function installStarter(extensionsDir: string): void {
  const manifest = { displayName: 'MCP Shepherd demo: starter', extensionKind: ['workspace'] };
  writeExtension(extensionsDir, { publisher: 'mcp-shepherd-demo', name: 'starter', main, manifest });
}
