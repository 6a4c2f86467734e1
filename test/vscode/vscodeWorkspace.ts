import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { copyServer } from '../process/package/npmServers.ts';

/** A workspace folder with a real MCP server in it, configured for VS Code. */
export type VscodeWorkspace = { readonly folder: string; readonly remove: () => void };

/** Installs server-everything from npm into a new folder and writes its `.vscode/mcp.json`, before any window opens on it. */
export async function vscodeWorkspace(): Promise<VscodeWorkspace> {
  const folder = mkdtempSync(join(tmpdir(), 'workspace-'));
  const main = await copyServer(folder, '@modelcontextprotocol/server-everything', '2026.8.31');
  mkdirSync(join(folder, '.vscode'));
  writeFileSync(
    join(folder, '.vscode', 'mcp.json'),
    JSON.stringify({ servers: { everything: { type: 'stdio', command: process.execPath, args: [main, 'stdio'] } } }, undefined, 2),
  );
  return {
    folder,
    remove: () => {
      rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}
