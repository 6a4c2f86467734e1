import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'mocha';
import { staleServer } from '../../scripts/demo/demoServers.ts';
import { stageExtension } from '../../scripts/editor/stageExtension.ts';
import { readManifestTexts } from '../../scripts/system/manifestTexts.ts';
import { installServer } from '../../scripts/system/npmServer.ts';
import { waitFor } from '../../scripts/system/waitFor.ts';
import { bundleFile } from '../../scripts/texts.ts';
import { copyServer } from '../process/package/npmServers.ts';
import { englishWords, pseudo, pseudoBundle, pseudoLanguage } from '../pseudoLanguage.ts';
import { openWorkbench } from './openWorkbench.ts';
import type { Workbench } from './workbench.ts';

/** Names of programs, packages and products, and units. */
const names = [
  'everything',
  staleServer.name,
  'npm',
  'node',
  'stdio',
  'MCP Shepherd',
  'MB',
  'GB',
  'code-server',
  'VS Code',
  'user',
  'folder',
];

describe('Another display language', function () {
  this.timeout(300_000);
  let workbench: Workbench;

  before(async () => {
    workbench = await openWorkbench({
      language: pseudoLanguage,
      prepare: async ({ workspace, extensionsDir }) => {
        const own = stageExtension(extensionsDir);
        mkdirSync(join(own, 'l10n'), { recursive: true });
        const write = (file: string, texts: Readonly<Record<string, string>>): void =>
          writeFileSync(join(own, file), JSON.stringify(pseudoBundle(texts)));
        write(`package.nls.${pseudoLanguage}.json`, readManifestTexts());
        write(`l10n/bundle.l10n.${pseudoLanguage}.json`, JSON.parse(readFileSync(bundleFile, 'utf8')));
        const args = [await copyServer(workspace, staleServer.name, staleServer.old), 'stdio'];
        mkdirSync(join(workspace, '.vscode'));
        const servers = { everything: { type: 'stdio', command: process.execPath, args } };
        writeFileSync(join(workspace, '.vscode', 'mcp.json'), `${JSON.stringify({ servers }, undefined, 2)}\n`);
      },
    });
    await workbench.openView(pseudo('MCP Servers'));
    await workbench.rows('everything').first().waitFor();
  });
  after(() => workbench?.close());

  const item = () => workbench.statusItem('servers');
  /** Fails with each text that is still English. */
  const check = (where: string, texts: readonly string[]): void => {
    assert.ok(
      texts.some((text) => text.trim() !== ''),
      `${where} shows nothing`,
    );
    const { home, workspace } = workbench.places;
    const found = texts.flatMap((text) => {
      const words = englishWords(text, [...names, home, workspace, process.execPath]);
      return words.length === 0 ? [] : [`${words.join(' ')} ← ${text}`];
    });
    assert.deepEqual(found, [], where);
  };

  it('is used by the commands of the palette', async () => {
    await workbench.page.keyboard.press('F1');
    // Below each translated title the palette shows the English one.
    const label = workbench.page.locator('.quick-input-list .quick-input-list-row:first-child .label-name');
    await waitFor('the palette to list the commands', async () => {
      await workbench.page.locator('.quick-input-widget input.input').fill('>MCP Shepherd: ');
      return (
        (await workbench.picks().count()) > 5 && (await label.allTextContents()).some((text) => text.includes(pseudo('Restart Server…')))
      );
    });
    const shown = (await label.allTextContents()).filter((text) => text.startsWith('MCP Shepherd: '));
    check('the palette', shown);
    assert.ok(shown.length > 4);
    await workbench.page.keyboard.press('Escape');
  });

  it('is used by the settings', async () => {
    await workbench.palette('Preferences: Open Settings (UI)');
    const editor = workbench.page.locator('.settings-editor');
    await editor.waitFor();
    await workbench.page.keyboard.type('@ext:mcp-shepherd.mcp-shepherd notifications');
    await editor.locator('.setting-item-description', { hasText: pseudo('Which servers may cause a notification.') }).waitFor();
    // Names of settings are made from their keys, which are the same in every language.
    const described = editor.locator('.setting-item-description-markdown, .setting-item-description .rendered-markdown');
    // The editor adds the answers of other searches for a moment.
    const shown = await waitFor('the settings of the extension alone', async () => {
      const titles = await editor.locator('.setting-item-category').allTextContents();
      return titles.length > 0 && titles.every((title) => title.startsWith('Mcp Shepherd')) && (await described.allTextContents());
    });
    check(
      'the settings',
      shown.map((text) => text.replace(/Mcp Shepherd: [\w ]+/g, '')),
    );
    check('the labels of choices', await editor.locator('select option').allTextContents());
    await workbench.palette('View: Close All Editors');
  });

  it('is used by the status bar, the rows and their cards, of a server that is current', async () => {
    check('the status bar', [(await item().getAttribute('aria-label')) ?? '']);
    check('the rows', await workbench.rowLabels());
    check('the card of the status bar', [await (await workbench.hover(item())).innerText()]);
  });

  it('is used by findings and by everything that tells of them: rows, cards, list, page', async () => {
    await workbench.palette('MCP: List Servers');
    await workbench.picks('everything').click();
    await workbench.picks('Start Server').first().click();
    await waitFor('everything to run', async () => (await workbench.rowLabels()).some((text) => text.includes(staleServer.old)));
    await workbench.hidePanel();
    await installServer(workbench.places.workspace, staleServer.name, staleServer.new);
    await waitFor('the status bar to warn', async () => ((await item().getAttribute('class')) ?? '').includes('warning-kind'));
    check('the status bar', [(await item().getAttribute('aria-label')) ?? '']);
    check('the rows', [...(await workbench.rowLabels()), ...(await workbench.rows().allInnerTexts())]);
    check('the card of the status bar', [await (await workbench.hover(item())).innerText()]);
    check('the card of a row', [await (await workbench.hover(workbench.rows('everything').first())).innerText()]);
    const row = await workbench.openPicks(() => item().click(), 'everything');
    const widget = workbench.page.locator('.quick-input-widget');
    check('the list of problems', [
      ...(await workbench.picks().allInnerTexts()),
      await widget.locator('.quick-input-title').innerText(),
      (await widget.locator('input.input').getAttribute('placeholder')) ?? '',
    ]);
    await row.waitFor();
    await workbench.page.keyboard.press('Escape');
    await workbench.rows('everything').first().click();
    const details = workbench.details();
    await details.locator('.verdict.warning').waitFor();
    const packages = await details.locator('tbody th').allInnerTexts();
    const shown = (await details.locator('main').innerText()).split('\n');
    check(
      'the page of a server',
      shown.filter((line) => !packages.some((name) => line.startsWith(name))),
    );
  });
});
