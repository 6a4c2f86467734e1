import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, describe, it } from 'mocha';
import * as vscode from 'vscode';
import { installServer } from '../../../scripts/system/npmServer.ts';
import { commands } from '../../../src/extension/manifestNames.ts';
import { until } from '../../until.ts';

const id = 'mcp.config.ws0.everything';
const name = '@modelcontextprotocol/server-everything';

/** PIDs of the servers that this extension host runs, read from the system and not from the extension under test. */
function serverPids(): number[] {
  return readdirSync('/proc')
    .filter((entry) => /^\d+$/.test(entry))
    .filter((entry) => {
      try {
        const parent = /^PPid:\t(\d+)/m.exec(readFileSync(`/proc/${entry}/status`, 'utf8'))?.[1];
        return Number(parent) === process.pid && readFileSync(`/proc/${entry}/cmdline`, 'utf8').includes('server-everything');
      } catch {
        return false; // Ended while we looked.
      }
    })
    .map(Number);
}

describe('Restart All Stale in a real VS Code', function () {
  this.timeout(120_000);
  const folder = vscode.workspace.workspaceFolders?.[0]?.uri.fsPath ?? '';

  before(async function () {
    if (process.platform !== 'linux') {
      console.log('The PIDs of the servers are read from /proc: Linux only.');
      this.skip();
    }
    await until('the server', async () => {
      await vscode.commands.executeCommand('workbench.mcp.startServer', id, { waitForLiveTools: true, autoTrustChanges: true });
      return serverPids().length > 0;
    });
  });

  it('does nothing while all is current', async () => {
    const before = serverPids();
    await vscode.commands.executeCommand(commands.refresh);
    await vscode.commands.executeCommand(commands.restartAllStale);
    assert.deepEqual(serverPids(), before);
  });

  it('restarts the server whose package was replaced, by VS Code’s own commands, and once only', async () => {
    const [old] = serverPids();
    await until('its versions to be recorded', async () => {
      await vscode.commands.executeCommand(commands.refresh);
      return old !== undefined && isRecorded(old);
    });
    const version = installedVersion(folder) === '2026.8.31' ? '2026.1.26' : '2026.8.31';
    await installServer(folder, name, version);
    const fresh = await until('a new process', async () => {
      await vscode.commands.executeCommand(commands.restartAllStale);
      return serverPids().find((pid) => pid !== old);
    });
    assert.deepEqual(serverPids(), [fresh], 'one server runs, and it is the new one');
    await vscode.commands.executeCommand(commands.refresh);
    await vscode.commands.executeCommand(commands.restartAllStale);
    assert.deepEqual(serverPids(), [fresh], 'a current server is not restarted again');
  });

  it('does not restart a server by a link whose process is gone', async () => {
    const before = serverPids();
    await vscode.commands.executeCommand(commands.restartInstance, 'boot:ns:1:lx:0');
    await vscode.commands.executeCommand(commands.restartInstance, { preserveFocus: false });
    assert.deepEqual(serverPids(), before);
  });
});

/** Whether the extension has recorded which versions a process started with. */
function isRecorded(pid: number): boolean {
  const folder = join(process.env.MCP_RUN_DIR ?? '', 'shepherd', 'facts');
  return readdirSync(folder).some((file) => {
    const { identity, packages } = JSON.parse(readFileSync(join(folder, file), 'utf8'));
    return identity?.pid === pid && Array.isArray(packages);
  });
}

function installedVersion(folder: string): string {
  return JSON.parse(readFileSync(`${folder}/node_modules/${name}/package.json`, 'utf8')).version;
}
