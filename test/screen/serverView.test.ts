import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { after, afterEach, before, describe, it } from 'mocha';
import { staleServer } from '../../scripts/demo/demoServers.ts';
import { installStandIn, type StandIn, startStandIn } from '../../scripts/demo/standIn.ts';
import { installServer } from '../../scripts/system/npmServer.ts';
import { waitFor } from '../../scripts/system/waitFor.ts';
import { assertNames } from '../names.ts';
import { copyServer } from '../process/package/npmServers.ts';
import { openAnotherWindow, openWorkbench } from './openWorkbench.ts';
import { glideTo, record, stay } from './recording.ts';
import { Workbench } from './workbench.ts';

const title = 'MCP Servers';
const memory = { name: '@modelcontextprotocol/server-memory', version: '2026.8.31' } as const;
/** From the end of the installation to the screen. A quiet machine needs half a second, which is printed; without watching it would be the minute between two scans. */
const noticeMs = 10_000;

describe('MCP servers on the screen', function () {
  this.timeout(300_000);
  let workbench: Workbench;
  let claude: StandIn;

  before(async () => {
    workbench = await openWorkbench({
      prepare: async ({ home, workspace }) => {
        const everything = await copyServer(workspace, staleServer.name, staleServer.old);
        const tools = join(home, 'tools');
        mkdirSync(tools);
        const args = [await copyServer(tools, memory.name, memory.version)];
        const entry = (words: readonly string[]) => ({ type: 'stdio', command: process.execPath, args: words });
        mkdirSync(join(workspace, '.vscode'));
        const servers = { everything: entry([everything, 'stdio']) };
        writeFileSync(join(workspace, '.vscode', 'mcp.json'), `${JSON.stringify({ servers }, undefined, 2)}\n`);
        writeFileSync(join(home, '.claude.json'), `${JSON.stringify({ mcpServers: { memory: entry(args) } }, undefined, 2)}\n`);
        const env = { ...process.env, HOME: home };
        claude = await startStandIn(installStandIn(tools), workspace, env, [
          { name: 'memory', copies: 1, command: process.execPath, args },
        ]);
      },
    });
  });
  after(async () => {
    await claude?.dispose();
    await workbench?.close();
  });

  afterEach(async function () {
    if (this.currentTest?.state === 'failed') {
      console.log((await workbench.notifications().allTextContents()).join('\n'));
      await workbench.screenshot(`failed-${this.currentTest.title.slice(0, 40).replace(/\W+/g, '-')}`);
    }
  });

  const item = () => workbench.statusItem('servers');
  const everythingRow = () => workbench.rows('everything').first();
  /** The PID on the row of `everything`. */
  const pid = async (): Promise<string | undefined> => {
    const labels = await workbench.rowLabels();
    return labels.flatMap((label) => /^everything, .*PID (\d+)/.exec(label)?.[1] ?? []).at(0);
  };
  const warns = async (): Promise<boolean> => ((await item().getAttribute('class')) ?? '').includes('warning-kind');
  const install = async (version: string): Promise<void> => {
    await installServer(workbench.places.workspace, staleServer.name, version);
  };
  /** Replaces the package on disk and waits for the status bar to say so. */
  const makeStale = async (version: string): Promise<number> => {
    await install(version);
    const installed = performance.now();
    await waitFor('the status bar to warn', warns);
    return performance.now() - installed;
  };

  it('are shown by the first click on the status bar in a fresh window, without an error', async () => {
    await item().waitFor();
    await item().click();
    await workbench.rows('memory').waitFor();
    // The delay is the subject: VS Code reports a failed command within a moment.
    await new Promise((resolve) => setTimeout(resolve, 1_500));
    assert.deepEqual(await workbench.notifications(/TreeError|not found/).allTextContents(), []);
  });

  it('are listed by client, those that do not run too', async () => {
    await workbench.openView(title);
    await workbench.widenSideBar();
    await workbench.rows('everything').waitFor();
    await workbench.rows('memory').waitFor();
    const labels = await workbench.rowLabels();
    assert.ok(
      labels.some((label) => /^everything: not running · project\/\.vscode\/mcp\.json/.test(label)),
      labels.join('\n'),
    );
    assert.ok(
      labels.some((label) => /^Claude Code: 1 running/.test(label)),
      labels.join('\n'),
    );
    assert.ok(
      labels.some((label) => /^memory, runs 2026\.8\.31, PID \d+ .* Claude Code/.test(label)),
      labels.join('\n'),
    );
  });

  it('are quiet while all is well', async () => {
    await workbench.palette('MCP: List Servers');
    await workbench.picks('everything').click();
    await workbench.picks('Start Server').click();
    await waitFor('everything to run', pid);
    await waitFor('its version', async () => (await workbench.rowLabels()).some((label) => label.includes(`runs ${staleServer.old}`)));
    assert.equal(await warns(), false);
    // The row is drawn a moment before the status bar.
    const calm = /^MCP servers: 2 servers running, all current/;
    await waitFor('the status bar to say so', async () => calm.test((await item().getAttribute('aria-label')) ?? ''));
    assert.equal(await warns(), false);
    // The badge may show progress for a moment.
    await waitFor('no badge', async () => (await workbench.activity(title).locator('.badge-content:visible').count()) === 0);
    await workbench.hidePanel();
    await workbench.screenshot('view-current-dark');
  });

  it('are shown as stale when npm has replaced the package: status bar, badge, row and notification', async () => {
    const took = await makeStale(staleServer.new);
    console.log(`noticed ${Math.round(took)} ms after npm had ended`);
    assert.ok(took < noticeMs, `noticed after ${took} ms`);
    // The colour is drawn a moment before the words.
    await item().filter({ hasText: '1 stale' }).waitFor();
    await workbench.activity(`${title} - 1 stale`).waitFor();
    const row = await waitFor('the row to say so', async () =>
      (await workbench.rowLabels()).find((label) => /stale/.test(label) && /^everything,/.test(label)),
    );
    assert.ok(row.includes(`runs ${staleServer.old}, installed ${staleServer.new}`), row);
    const toast = await workbench.notice(`everything still runs ${staleServer.old}, but ${staleServer.new} is installed`);
    assert.deepEqual(await toast.locator('a.monaco-button').allTextContents(), ['Restart', 'Details', 'Mute This Server']);
    await workbench.screenshot('notification-dark');
    await workbench.theme('light');
    await workbench.screenshot('notification-light');
    await toast.locator('a.monaco-button', { hasText: 'Mute This Server' }).click();
    await workbench.notice('No more notifications about everything');
    await workbench.palette('Notifications: Clear All Notifications');
  });

  it('are photographed: tree, status bar and tooltip, in both themes', async () => {
    for (const scheme of ['light', 'dark'] as const) {
      await workbench.theme(scheme);
      await workbench.page.mouse.move(700, 300);
      await workbench.screenshot(`view-stale-${scheme}`);
      const card = await workbench.hover(item());
      await card.locator('a', { hasText: 'Restart' }).first().waitFor();
      await workbench.screenshot(`status-tooltip-${scheme}`);
      await workbench.screenshot(`walkthrough-problem-${scheme}`, card);
      await workbench.page.mouse.move(700, 300);
      await card.waitFor({ state: 'hidden' });
    }
  });

  it('are ignored until the user takes that back: no warning, no badge', async () => {
    await item().click();
    const line = workbench.picks('Restart everything, this window');
    await line.hover();
    await line.locator('a.action-label[aria-label="Ignore"], .codicon-eye-closed').first().click();
    await waitFor('the warning to go', async () => !(await warns()));
    await waitFor('no badge', async () => (await workbench.activity(title).locator('.badge-content:visible').count()) === 0);
    await workbench.page.keyboard.press('Escape');
    await workbench.answerNotification('everything no longer counts', 'Undo');
    await waitFor('the warning to come back', warns);
  });

  it('have a page with the verdict, its button and the folded evidence, and a read-only document for copying', async () => {
    await everythingRow().click();
    const details = workbench.details();
    await details.locator('.verdict.warning', { hasText: `${staleServer.old}, but ${staleServer.new} is installed` }).waitFor();
    const focused = (): Promise<string> =>
      workbench.page.evaluate<string>('document.activeElement?.tagName + " " + document.activeElement?.className');
    const inTree = async (): Promise<boolean> => (await focused()).includes('monaco-list');
    assert.ok(await inTree(), `a click leaves the focus in the view, and it is at ${await focused()}`);
    await workbench.page.keyboard.press('Enter');
    await waitFor('Enter on the same row to move it to the page', async () => !(await inTree()));
    assert.ok((await details.locator('section', { hasText: 'PID' }).filter({ hasText: / MB/ }).count()) > 0, 'with memory');
    assert.equal(await details.locator('button').first().textContent(), 'Restart');
    assert.equal(await details.getByText('how known:').isVisible(), false, 'folded');
    // By keyboard alone.
    await details.locator('summary').first().focus();
    await workbench.page.keyboard.press('Enter');
    await details.getByText('how known:').first().waitFor();
    await workbench.palette('Notifications: Clear All Notifications');
    await details.locator('button').first().focus(); // scrolls to the top
    for (const scheme of ['light', 'dark'] as const) {
      await workbench.theme(scheme);
      await workbench.screenshot(`details-${scheme}`);
    }
    await details.locator('button', { hasText: 'Copy for a Bug Report' }).click();
    await workbench.page.locator('.part.statusbar', { hasText: 'Copied the report about everything' }).waitFor();
    await details.locator('button', { hasText: 'Show Output' }).click();
    await workbench.page.locator('.part.panel .view-lines', { hasText: /Discovered\s\d+\stools/ }).waitFor();
    await workbench.hidePanel();
    await workbench.rowMenu(everythingRow(), 'Show Evidence');
    await workbench.page.locator('.editor-instance .view-lines').getByText('Stale (proven)').waitFor();
    await workbench.palette('View: Close All Editors');
  });

  it('lead to their entry at its line', async () => {
    await workbench.rowMenu(workbench.rows('everything').first(), 'Open Configuration Entry');
    await workbench.page.locator('.tab.active', { hasText: 'mcp.json' }).waitFor();
    await workbench.page.locator('[id="status.editor.selection"]', { hasText: 'Ln 3' }).waitFor();
    const lens = workbench.page.locator('.codelens-decoration', { hasText: `stale: ${staleServer.old} → ${staleServer.new}` });
    await lens.waitFor();
    assertNames(await lens.textContent(), 'Restart', 'Guard…');
    await workbench.screenshot('entry-links-dark');
    await workbench.palette('View: Close All Editors');
  });

  it('are restarted by the link in the tooltip: a new process, and the warning is gone', async () => {
    const old = await pid();
    const { page } = workbench;
    let fresh: string | undefined;
    await page.mouse.move(700, 300);
    await record(page, 'restart', async () => {
      await stay();
      await glideTo(page, item());
      const card = await workbench.hover(item());
      await stay();
      const link = card.locator('a[data-href^="command:mcpShepherd.restartInstance"]').first();
      await glideTo(page, link);
      await stay(600);
      await link.click();
      fresh = await waitFor('a new process', async () => {
        const now = await pid();
        return now !== old && now;
      });
      const started = performance.now();
      await waitFor('the warning to go', async () => !(await warns()));
      const took = performance.now() - started;
      assert.ok(took < noticeMs, `the warning was there for ${took} ms more`);
      await page.mouse.move(700, 300, { steps: 8 });
      await stay();
    });
    assert.notEqual(fresh, old);
    await waitFor('the new version', async () =>
      (await workbench.rowLabels()).some((label) => label.startsWith(`everything, runs ${staleServer.new}, PID`)),
    );
  });

  it('are restarted from the palette, stale ones first', async () => {
    await makeStale(staleServer.old);
    // Muted by the test above: there is no notification until the user takes that back.
    assert.equal(await workbench.notifications('everything still runs').count(), 0);
    await workbench.rowMenu(workbench.rows('everything').first(), 'Unmute Notifications');
    await workbench.answerNotification('everything still runs', 'Details');
    await workbench.details().locator('.verdict.warning').waitFor();
    const old = await pid();
    await workbench.openPicks(() => workbench.palette('MCP Shepherd: Restart Server…'), 'everything');
    assertNames(await workbench.picks().first().getAttribute('aria-label'), 'everything', ' → ', 'restart needed');
    await workbench.screenshot('restart-pick-dark');
    await workbench.page.keyboard.press('Enter');
    await waitFor('a new process', async () => {
      const now = await pid();
      return now !== undefined && now !== old;
    });
    await waitFor('the warning to go', async () => !(await warns()));
    // The page goes on with the new process.
    await workbench.details().locator('.verdict.good').waitFor();
    await workbench
      .details()
      .getByText(`Started (PID ${await pid()})`)
      .waitFor();
    await workbench.palette('View: Close All Editors');
  });

  it('are fixed from the list that a click on the status bar opens', async () => {
    await makeStale(staleServer.new);
    const old = await pid();
    const line = await workbench.openPicks(() => item().click(), 'Restart everything, this window');
    assert.match(
      (await line.getAttribute('aria-label')) ?? '',
      new RegExp(`${staleServer.old} → ${staleServer.new}`.replaceAll('.', '\\.')),
    );
    await workbench.picks('Open View').waitFor();
    await workbench.screenshot('fix-list-dark');
    await line.click();
    await waitFor('a new process', async () => {
      const now = await pid();
      return now !== undefined && now !== old;
    });
    await waitFor('the warning to go', async () => !(await warns()));
  });

  it('keep their row, and its selection, while they are restarted', async () => {
    const row = workbench.rows('everything').first();
    const old = await pid();
    await workbench.page.evaluate(watchRows);
    await workbench.rowAction(row, 'Restart');
    await waitFor('a new process', async () => {
      const now = await pid();
      return now !== undefined && now !== old;
    });
    const rows: string[] = await workbench.page.evaluate('window.seenRows');
    assert.ok(
      rows.some((row) => /restarting…/.test(row)),
      rows.join('\n'),
    );
    assert.deepEqual(
      rows.filter((row) => row.includes('|') || /not running/.test(row)),
      [],
      'at every moment one row, of a running server',
    );
  });

  it('stay in their place when they are stopped, and are started from there', async () => {
    await workbench.rowMenu(workbench.rows('everything').first(), 'Stop');
    await waitFor('the row to say so', async () => (await workbench.rowLabels()).some((label) => /^everything: not running/.test(label)));
    await workbench.screenshot('view-stopped-dark');
    await workbench.rowAction(workbench.rows('everything').first(), 'Start');
    await waitFor('it to run', pid);
  });

  it('lead to the line of a broken file, from a row under its client and from the panel “Problems”', async () => {
    const folder = join(workbench.places.home, '.cursor');
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, 'mcp.json'), '{\n  "mcpServers": {\n    "a": { "command" }\n  }\n}\n');
    await workbench.rows(/mcp\.json.*line 3/).waitFor();
    await workbench.screenshot('view-broken-dark');
    await workbench.rows(/mcp\.json.*line 3/).click();
    await workbench.page.locator('.tab.active', { hasText: 'mcp.json' }).waitFor();
    await workbench.page.locator('[id="status.editor.selection"]', { hasText: 'Ln 3' }).waitFor();
    await workbench.page.locator('[id="status.problems"]:not([aria-label="No Problems"])').waitFor();
    await workbench.palette('View: Close All Editors');
    await workbench.palette('MCP Shepherd: Show Log');
    await workbench.page.locator('.part.panel .view-lines', { hasText: /mcp\.json,\sline\s3/ }).waitFor();
    await workbench.hidePanel();
    const gone = { command: '/nowhere/at/all/server' };
    const open = { command: process.execPath, args: [fileURLToPath(import.meta.url)], env: { NOTES_TOKEN: 'Zx9qL2mV7tR4' } };
    writeFileSync(join(folder, 'mcp.json'), JSON.stringify({ mcpServers: { gone, open } }, undefined, 2));
    await workbench.palette('Problems: Focus on Problems View');
    const marker = (text: string) => workbench.page.locator('.markers-panel .monaco-list-row', { hasText: text });
    await marker('Cursor cannot start gone: /nowhere/at/all/server does not exist').waitFor();
    assert.equal(await marker('NOTES_TOKEN').count(), 0, 'the file is not open');
    await marker('Cursor cannot start gone').click();
    await marker('NOTES_TOKEN').waitFor();
    assert.equal(await marker('Zx9qL2mV7tR4').count(), 0);
    await workbench.screenshot('entry-remarks-dark');
    await workbench.palette('View: Close All Editors');
    await workbench.hidePanel();
    writeFileSync(join(folder, 'mcp.json'), '{ "mcpServers": {} }\n');
    await workbench.rows(/mcp\.json.*line 3/).waitFor({ state: 'detached' });
  });

  it('are only those that need attention behind the filter', async () => {
    await workbench.palette('MCP Shepherd: Show Only Problems');
    await workbench.page.locator('.part.sidebar').getByText('No server needs attention').waitFor();
    await makeStale(staleServer.old);
    // In one step: the view is drawn again while it is read.
    await waitFor('one row', async () => {
      const labels = (await workbench.rowLabels()).map((label) => label.split(/[:,]/)[0]);
      return labels.join() === 'Needs attention,everything';
    });
    await workbench.page.locator('.part.sidebar').getByText('No server needs attention').waitFor({ state: 'hidden' });
    await workbench.screenshot('view-filtered-dark');
    await workbench.palette('MCP Shepherd: Restart All Stale');
    await waitFor('the warning to go', async () => !(await warns()));
    await workbench.palette('MCP Shepherd: Show All Servers');
    await workbench.rows('Claude Code').waitFor();
  });

  it('of another window are restarted there', async () => {
    const other = await openAnotherWindow(workbench);
    try {
      // The editor may show the view already, where the first window has left it.
      await new Workbench({ ...workbench, page: other }).openView(title);
      const row = other.locator('.part.sidebar .monaco-list-row', { hasText: 'another window' });
      await row.waitFor();
      const old = await pid();
      // A click there asks the window that runs it.
      await row.hover();
      await row.locator('a.action-label[aria-label="Restart"]').click();
      await waitFor('a new process', async () => {
        const now = await pid();
        return now !== undefined && now !== old;
      });
    } finally {
      await other.close();
    }
  });

  it('say how to restart what another client runs', async () => {
    await workbench.rowMenu(workbench.rows('memory').first(), 'How to Restart');
    // Toasts of the tests above may leave no room for another one.
    await workbench.told('/mcp → memory');
  });
});

/** Runs in the page: remembers the rows of `everything` after each change. */
const watchRows = `
  window.seenRows = [];
  new MutationObserver(() => {
    const labels = [...document.querySelectorAll('.part.sidebar .monaco-list-row')].map((row) => row.textContent);
    window.seenRows.push(labels.filter((label) => label.startsWith('everything')).join(' | '));
  }).observe(document.body, { subtree: true, childList: true, attributes: true, attributeFilter: ['aria-label'], characterData: true });`;
