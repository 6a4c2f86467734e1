import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

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
  const folder = join(extensionsDir, 'mcp-shepherd-demo.starter-1.0.0');
  mkdirSync(folder, { recursive: true });
  const manifest = {
    name: 'starter',
    displayName: 'MCP Shepherd demo: starter',
    publisher: 'mcp-shepherd-demo',
    version: '1.0.0',
    engines: { vscode: '^1.103.0' },
    extensionKind: ['workspace'],
    main: './main.cjs',
    activationEvents: ['onStartupFinished'],
  };
  writeFileSync(join(folder, 'package.json'), JSON.stringify(manifest));
  writeFileSync(join(folder, 'main.cjs'), main);
}
