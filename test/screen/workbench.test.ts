import assert from 'node:assert/strict';
import { existsSync, mkdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'mocha';
import { current } from '../../scripts/editor/editorVersion.ts';
import { readManifest } from '../../scripts/editor/stageExtension.ts';
import { processTree, stillAlive } from '../../scripts/system/processTree.ts';
import { assertNames } from '../names.ts';
import { installPackage } from './installPackage.ts';
import { openWorkbench } from './openWorkbench.ts';
import type { Workbench } from './workbench.ts';

/** Shows a toast and a status bar item when asked (VS Code hides the toast after some seconds), to prove that the harness sees such things. */
const messenger = `
const vscode = require('vscode');
exports.activate = () => {
  vscode.commands.registerCommand('test.greet', () => {
    const item = vscode.window.createStatusBarItem('hello', vscode.StatusBarAlignment.Left);
    item.text = 'Hello there';
    item.tooltip = 'A friendly tooltip';
    item.show();
    vscode.window.showInformationMessage('Good morning', 'Answer').then((answer) => { item.text = 'They said ' + answer; });
  });
};`;

function installExtension(extensionsDir: string, name: string, code: string, more: Readonly<Record<string, unknown>>): void {
  const folder = join(extensionsDir, `test.${name}-1.0.0`);
  mkdirSync(folder);
  const manifest = {
    name,
    displayName: name,
    publisher: 'test',
    version: '1.0.0',
    engines: { vscode: '^1.103.0' },
    main: './main.cjs',
    ...more,
  };
  writeFileSync(join(folder, 'package.json'), JSON.stringify(manifest));
  writeFileSync(join(folder, 'main.cjs'), code);
}

describe('The workbench on the screen', function () {
  this.timeout(300_000);
  let workbench: Workbench;

  before(async () => {
    workbench = await openWorkbench({
      bare: true,
      prepare: async (places) => {
        // In this order: VS Code's installer lists what it finds, and a window loads what is listed.
        const greet = { commands: [{ command: 'test.greet', title: 'Say Good Morning' }] };
        installExtension(places.extensionsDir, 'messenger', messenger, { contributes: greet });
        installExtension(places.extensionsDir, 'nothing', 'exports.activate = () => {};', { activationEvents: ['onStartupFinished'] });
        await installPackage(current, places);
      },
    });
  });
  after(async () => {
    const { editor, places } = workbench;
    const tree = processTree(editor.pid);
    await workbench.close();
    // A zombie is not counted as alive.
    assert.deepEqual(stillAlive(tree), [], 'the editor left processes behind');
    assert.ok(!existsSync(places.home), 'the editor left files behind');
  });

  it(`shows the status bar item of the package that VS Code ${current.vscode} has installed`, () =>
    workbench.statusItem('servers').waitFor());

  it('welcomes the user of a machine without MCP servers, in both themes', async () => {
    await workbench.openView('MCP Servers');
    const welcome = workbench.page.locator('.part.sidebar .welcome-view-content');
    await welcome.getByText('No MCP servers yet.').waitFor();
    await workbench.screenshot('welcome-dark');
    await workbench.theme('light');
    await workbench.screenshot('welcome-light');
    await workbench.theme('dark');
  });

  it('shows our extension as running', async () => {
    const line = await workbench.activation(readManifest().displayName ?? '');
    assertNames(line, 'ms');
    // The floor: VS Code counts from the request to the end, with what other extensions do in between.
    const floor = await workbench.activation('nothing');
    console.log(`${line}; an extension that does nothing: ${floor}`);
  });

  it('shows notifications, and their buttons work', async () => {
    await workbench.palette('Say Good Morning');
    await workbench.answerNotification('Good morning', 'Answer');
    await workbench.page.locator('[id="test.messenger.hello"]', { hasText: 'They said Answer' }).waitFor();
  });

  it('shows hover cards', async () => {
    const card = await workbench.hover(workbench.page.locator('[id="test.messenger.hello"]'));
    assertNames(await card.textContent(), 'A friendly tooltip');
  });

  it('is photographed in both themes', async () => {
    await workbench.theme('light');
    const light = await workbench.screenshot('workbench-light');
    await workbench.theme('dark');
    const dark = await workbench.screenshot('workbench-dark');
    for (const path of [light, dark]) {
      assert.ok(statSync(path).size > 10_000, `${path} is an empty picture`);
    }
  });
});
