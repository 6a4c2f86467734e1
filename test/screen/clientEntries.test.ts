import assert from 'node:assert/strict';
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, afterEach, before, describe, it } from 'mocha';
import { waitFor } from '../../scripts/system/waitFor.ts';
import { assertNames, assertOmits } from '../names.ts';
import { openWorkbench } from './openWorkbench.ts';
import type { Workbench } from './workbench.ts';

const secret = 'Zx9qL2mV7tR4';

describe('Entries of other clients on the screen', function () {
  this.timeout(300_000);
  let workbench: Workbench;
  let cursor = '';
  let goose = '';
  let missing = '';
  let uvx = '';

  before(async () => {
    workbench = await openWorkbench({
      prepare: ({ home }) => {
        cursor = join(home, '.cursor', 'mcp.json');
        goose = join(home, '.config', 'goose', 'config.yaml');
        uvx = join(home, '.local', 'bin', 'uvx');
        missing = join(home, 'installs', 'uv', '0.8.1', 'uvx');
        for (const file of [cursor, goose, uvx]) {
          mkdirSync(join(file, '..'), { recursive: true });
        }
        writeFileSync(uvx, '');
        chmodSync(uvx, 0o755);
        const notes = { command: process.execPath, args: ['notes.js'], env: { NOTES_TOKEN: secret } };
        const mcpServers = { notes, fetch: { command: missing, args: ['mcp-server-fetch==1.0.0'] } };
        writeFileSync(cursor, `${JSON.stringify({ mcpServers }, undefined, 2)}\n`);
        writeFileSync(goose, '# mine\nextensions: {}\nGOOSE_MODEL: small\n');
      },
    });
    await workbench.openView('MCP Servers');
    // The view folds clients whose servers do not run.
    await workbench.rows('Cursor').first().waitFor();
    await workbench.screenshot('entries-folded-dark');
    await waitFor('the entries of Cursor', async () => {
      if ((await workbench.rows('notes').count()) > 0) {
        return true;
      }
      for (const row of await workbench.page.locator('.part.sidebar .monaco-list-row[aria-expanded="false"]').all()) {
        await row.click({ timeout: 2_000 }).catch(() => undefined);
      }
      return false;
    });
  });
  after(() => workbench?.close());

  afterEach(async function () {
    if (this.currentTest?.state === 'failed') {
      console.log((await workbench.notifications().allTextContents()).join('\n'));
      await workbench.screenshot(`failed-${this.currentTest.title.slice(0, 40).replace(/\W+/g, '-')}`);
    }
  });

  const diff = () => workbench.page.locator('.monaco-diff-editor');
  /** The links of the question. */
  const answer = (link: string) => workbench.answerLink('Nothing is written yet', link);
  const cursorAt = (line: number) => workbench.page.locator('[id="status.editor.selection"]', { hasText: `Ln ${line},` });

  it('open at their line by a click on the row of a server that does not run', async () => {
    await workbench.rows('notes').first().click();
    await workbench.page.locator('.tab.active', { hasText: 'mcp.json' }).waitFor();
    await cursorAt(3).waitFor();
    await workbench.screenshot('entry-clicked-dark');
    await workbench.palette('View: Close All Editors');
  });

  it('are copied to another client after a preview without values, and not by a no', async () => {
    const before = readFileSync(goose, 'utf8');
    const toGoose = async () => {
      await workbench.rowMenu(workbench.rows('notes').first(), 'Copy Entry To…');
      await workbench.picks('Goose').waitFor();
      await workbench.screenshot('copy-clients-dark');
      await workbench.picks('Goose').click();
      await diff().waitFor();
      await waitFor('the new entry in the preview', async () => /notes\.js/.test((await diff().textContent()) ?? ''));
    };
    await toGoose();
    assertNames(await diff().textContent(), 'NOTES_TOKEN');
    assertOmits(await diff().textContent(), secret);
    await workbench.screenshot('copy-preview-dark');
    await answer('Discard');
    await diff().waitFor({ state: 'detached' });
    assert.equal(readFileSync(goose, 'utf8'), before);
    await toGoose();
    await answer('Write Change');
    await waitFor('the entry to be written', () => readFileSync(goose, 'utf8') !== before);
    await diff().waitFor({ state: 'detached' });
    const written = readFileSync(goose, 'utf8');
    assert.ok(written.startsWith('# mine\nextensions:\n  notes:\n') && written.endsWith('\nGOOSE_MODEL: small\n'), written);
    assertNames(written, secret);
    await workbench.rows('Goose').first().waitFor();
    await workbench.screenshot('copy-done-dark');
  });

  it('whose program is missing are corrected by a quick fix at their line, after a preview', async () => {
    const before = readFileSync(cursor, 'utf8');
    const line = before.split('\n').findIndex((text) => text.includes('"fetch"')) + 1;
    await workbench.palette('Problems: Focus on Problems View');
    await workbench.page.locator('.markers-panel .monaco-list-row', { hasText: 'cannot start fetch' }).dblclick();
    await cursorAt(line).waitFor();
    const correction = workbench.page.locator('.action-widget .monaco-list-row', { hasText: 'Correct the command of fetch' });
    await waitFor('the quick fix', async () => {
      await workbench.page.keyboard.press('Control+.');
      return correction.waitFor({ timeout: 5_000 }).then(
        () => true,
        () => false,
      );
    });
    await workbench.screenshot('entry-quick-fix-dark');
    await correction.click();
    await waitFor('the correction in the preview', async () => (await diff().textContent())?.includes(uvx));
    await workbench.screenshot('entry-correction-dark');
    assert.equal(readFileSync(cursor, 'utf8'), before, 'nothing is written without a yes');
    await answer('Write Change');
    await waitFor('the correction', () => readFileSync(cursor, 'utf8') === before.replace(missing, uvx));
    assert.ok(existsSync(uvx));
    await workbench.page.locator('.markers-panel .monaco-list-row', { hasText: 'cannot start fetch' }).waitFor({ state: 'detached' });
  });
});
