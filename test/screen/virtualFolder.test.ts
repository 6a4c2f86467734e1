// A window whose folder is no folder of this machine (a repository that is opened without a clone), used by keyboard alone.
import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, afterEach, before, describe, it } from 'mocha';
import { installStandIn, type StandIn, startStandIn } from '../../scripts/demo/standIn.ts';
import { writeExtension } from '../../scripts/editor/writeExtension.ts';
import { waitFor } from '../../scripts/system/waitFor.ts';
import { assertNames, assertOmits } from '../names.ts';
import { openWorkbench, waitForWorkbench } from './openWorkbench.ts';
import type { Workbench } from './workbench.ts';

/** A file system in memory, with an entry that runs a program of the name that a file of this machine has, too. */
const memoryFiles = `
const { EventEmitter, FileSystemError, workspace } = require('vscode');
const files = new Map([['/.vscode/mcp.json', Buffer.from(JSON.stringify({ servers: { ghost: { type: 'stdio', command: 'node', args: ['ghost.js'] } } }))]]);
const folders = new Map([['/', [['.vscode', 2]]], ['/.vscode', [['mcp.json', 1]]]]);
const none = (uri) => { throw FileSystemError.FileNotFound(uri); };
const never = () => { throw FileSystemError.NoPermissions(); };
const provider = {
  onDidChangeFile: new EventEmitter().event,
  watch: () => ({ dispose() {} }),
  stat: (uri) => folders.has(uri.path) ? { type: 2, ctime: 0, mtime: 0, size: 0 } : files.has(uri.path) ? { type: 1, ctime: 0, mtime: 0, size: files.get(uri.path).length } : none(uri),
  readDirectory: (uri) => folders.get(uri.path) ?? none(uri),
  readFile: (uri) => files.get(uri.path) ?? none(uri),
  createDirectory: never, writeFile: never, delete: never, rename: never,
};
exports.activate = (context) => context.subscriptions.push(workspace.registerFileSystemProvider('memory', provider, { isReadonly: true }));`;

/** Answers the handshake. */
const server = `
require('node:readline').createInterface({ input: process.stdin }).on('line', (line) => {
  const { id, params } = JSON.parse(line);
  const result = { protocolVersion: params?.protocolVersion, capabilities: {}, serverInfo: { name: 'notes', version: '1' }, tools: [] };
  if (id !== undefined) process.stdout.write(JSON.stringify({ jsonrpc: '2.0', id, result }) + '\\n');
}).on('close', () => process.exit(0));`;

describe('A window on a virtual folder', function () {
  this.timeout(300_000);
  let workbench: Workbench;
  let claude: StandIn;

  before(async () => {
    workbench = await openWorkbench({
      prepare: async ({ home, workspace, extensionsDir }) => {
        const manifest = {
          activationEvents: ['onFileSystem:memory', '*'],
          capabilities: { virtualWorkspaces: true, untrustedWorkspaces: { supported: true } },
        };
        writeExtension(extensionsDir, { publisher: 'test', name: 'memory-files', main: memoryFiles, manifest });
        const tools = join(home, 'tools');
        mkdirSync(tools);
        const script = join(tools, 'notes-mcp.cjs');
        writeFileSync(script, server);
        const entry = { type: 'stdio', command: process.execPath, args: [script] };
        writeFileSync(join(home, '.claude.json'), JSON.stringify({ mcpServers: { notes: entry } }));
        claude = await startStandIn(installStandIn(tools), workspace, { ...process.env, HOME: home }, [
          { name: 'notes', copies: 1, command: process.execPath, args: [script] },
        ]);
      },
    });
    await workbench.page.goto(workbench.editor.url().replace(/\?.*/, `?folder=${encodeURIComponent('memory:/')}`));
    await waitForWorkbench(workbench.page);
  });
  after(async () => {
    await claude?.dispose();
    await workbench?.close();
  });

  afterEach(async function () {
    if (this.currentTest?.state === 'failed') {
      console.log((await workbench.rowLabels()).join('\n'));
      await workbench.screenshot(`failed-virtual-${this.currentTest.title.slice(0, 30).replace(/\W+/g, '-')}`);
    }
  });

  it('lists the servers of the machine, reads no file of the virtual folder, and reports no error', async () => {
    await workbench.openView('MCP Servers');
    await waitFor('the server of this machine', async () =>
      (await workbench.rowLabels()).some((label) => /^notes, .*Claude Code/.test(label)),
    );
    assertOmits((await workbench.rowLabels()).join('\n'), 'ghost');
    await workbench.palette('MCP Shepherd: Show Log');
    const log = workbench.page.locator('.part.panel .view-lines', { hasText: /Scanning\sfor\sMCP\sservers/ });
    await log.waitFor();
    assertOmits((await log.textContent()) ?? '', '[error]', '[warning]');
    await workbench.hidePanel();
    assert.equal(await workbench.notifications().count(), 0);
  });

  it('offers its actions by keyboard: the row by its arrows, its menu, and a list for the same in the palette', async () => {
    const focused = workbench.page.locator('.part.sidebar .monaco-list-row.focused');
    await waitFor('the row to have the focus', async () => {
      await workbench.palette('MCP Servers: Focus on MCP Servers View');
      await workbench.page.keyboard.press('End');
      for (let up = 0; up < 6 && !/^notes,/.test((await focused.first().getAttribute('aria-label')) ?? ''); up += 1) {
        await workbench.page.keyboard.press('ArrowUp');
      }
      return /^notes,/.test((await focused.first().getAttribute('aria-label')) ?? '');
    });
    const entries = workbench.page.locator('.monaco-menu a.action-menu-item');
    await workbench.page.keyboard.press('Shift+F10');
    await entries.first().waitFor();
    const names = await entries.allTextContents();
    assertNames(names.join('\n'), 'How to Restart', 'Stop', 'Show Details', 'Launch Through Guard…', 'Start Only When Called…', 'Copy PID');
    const chosen = workbench.page.locator('.monaco-menu .action-item.focused', { hasText: 'How to Restart' });
    for (let down = 0; down < names.length && (await chosen.count()) === 0; down += 1) {
      await workbench.page.keyboard.press('ArrowDown');
    }
    await workbench.page.keyboard.press('Enter');
    await workbench.told('/mcp → notes');
  });
});
