// A session of Codex that keeps one server for each thread, in the real workbench. The hour in which they do nothing is not waited for: a second extension, which starts
// before ours, moves the clocks of the extension host ahead.
import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, afterEach, before, describe, it } from 'mocha';
import { writeExtension } from '../../scripts/editor/writeExtension.ts';
import { listProcesses } from '../../scripts/system/processTree.ts';
import { waitFor } from '../../scripts/system/waitFor.ts';
import { assertNames } from '../names.ts';
import { type ClientSession, startSession } from './clientSession.ts';
import { openWorkbench } from './openWorkbench.ts';
import type { Workbench } from './workbench.ts';

/** The clocks that a scan reads: wall clock, uptime and the clock without sleep. Each call of the command is 90 minutes. */
const clocks = `
const os = require('node:os');
let ahead = 0;
const [now, uptime, awake] = [Date.now, os.uptime, process.hrtime.bigint];
Date.now = () => now() + ahead;
os.uptime = () => uptime() + ahead / 1_000;
process.hrtime.bigint = () => awake() + BigInt(ahead) * 1_000_000n;
exports.activate = (context) => context.subscriptions.push(
  require('vscode').commands.registerCommand('test.later', () => { ahead += 5_400_000; }),
);`;

/** Answers the handshake, and then nothing more is asked. It is larger than a guard. */
const server = `
globalThis.kept = Buffer.alloc(40 * 1024 ** 2, 1);
require('node:readline').createInterface({ input: process.stdin }).on('line', (line) => {
  const { id, method, params } = JSON.parse(line);
  const result = method === 'initialize'
    ? { protocolVersion: params.protocolVersion, capabilities: { tools: {} }, serverInfo: { name: 'notes', version: '1' } }
    : { tools: [] };
  if (id !== undefined) process.stdout.write(JSON.stringify({ jsonrpc: '2.0', id, result }) + '\\n');
}).on('close', () => process.exit(0));`;

const count = 12;

describe('Idle copies of a living client on the screen', function () {
  this.timeout(300_000);
  let workbench: Workbench;
  let codex: ClientSession | undefined;

  before(async () => {
    workbench = await openWorkbench({
      prepare: async ({ home, workspace, extensionsDir }) => {
        const manifest = {
          activationEvents: ['*'],
          capabilities: { untrustedWorkspaces: { supported: true } },
          contributes: { commands: [{ command: 'test.later', title: 'Ninety Minutes Later', category: 'Test' }] },
        };
        writeExtension(extensionsDir, { publisher: 'test', name: 'clocks', main: clocks, manifest });
        const script = join(home, 'notes-mcp.cjs');
        writeFileSync(script, server);
        mkdirSync(join(home, '.codex'));
        const [command, args] = [process.execPath, [script]];
        const entry = `command = ${JSON.stringify(command)}\nargs = ${JSON.stringify(args)}\n`;
        writeFileSync(join(home, '.codex', 'config.toml'), `[mcp_servers.notes]\n${entry}`);
        codex = await startSession('codex', { folder: join(home, 'tools'), cwd: workspace, env: { ...process.env, HOME: home } }, [
          { name: 'notes', command, args, copies: count },
        ]);
      },
    });
    await workbench.openView('MCP Servers');
    await workbench.rows('Codex').first().waitFor();
  });
  after(async () => {
    await codex?.dispose();
    await workbench?.close();
  });

  afterEach(async function () {
    if (this.currentTest?.state === 'failed') {
      console.log((await workbench.notifications().allTextContents()).join('\n'));
      console.log((await workbench.rowLabels()).join('\n'));
      await workbench.screenshot(`failed-${this.currentTest.title.slice(0, 40).replace(/\W+/g, '-')}`);
    }
  });

  const item = () => workbench.statusItem('servers');
  const spoken = async (): Promise<string> => (await item().getAttribute('aria-label')) ?? '';
  /** What runs of the copies, oldest first. */
  const running = (): number[] => {
    const table = listProcesses();
    return (codex?.servers ?? [])
      .map(({ pid }) => pid)
      .filter((pid) => table.has(pid))
      .sort((a, b) => a - b);
  };

  const copyRows = async (): Promise<number> =>
    (await workbench.rowLabels()).filter((label) => /^notes, .*, idle copy, PID/.test(label)).length;

  /** Waits for a condition over hours. Where a copy used processor time, as after its start, its hour begins once more. */
  const later = (what: string, condition: () => Promise<boolean>): Promise<boolean> =>
    waitFor(
      what,
      async () => {
        await workbench.palette('Test: Ninety Minutes Later');
        await workbench.palette('MCP Shepherd: Refresh');
        return waitFor(what, condition, { limit: 8_000 }).catch(() => false);
      },
      { limit: 120_000 },
    );

  it('are no finding before they were seen to do nothing for an hour', async () => {
    await waitFor('all copies in the view', async () => (await workbench.rowLabels()).some((label) => /^Codex: 12 running/.test(label)));
    assert.match(await spoken(), /^MCP servers: 12 servers running/);
    assert.equal(running().length, count);
  });

  it('are one line of the view, of the status bar and of the list of fixes, with their number and memory', async () => {
    await later('the finding', async () => /^MCP servers: 11 idle copies, 12 running/.test(await spoken()));
    await item().filter({ hasText: '11 idle copies' }).waitFor();
    assert.doesNotMatch((await item().getAttribute('class')) ?? '', /warning-kind/, 'copies do not colour it');
    // The rows are drawn one after the other.
    for (const shape of [
      /^notes: 11 idle copies · \d+ MB · Codex/,
      /^Codex: 11 idle copies · 12 running/,
      /^12 servers, 11 of them copies, .* idle for an hour or longer/,
    ]) {
      await waitFor(`a row ${shape}`, async () => (await workbench.rowLabels()).some((label) => shape.test(label)));
    }
    await waitFor('a row for each copy', async () => (await copyRows()) === count - 1);
    await workbench.palette('Notifications: Clear All Notifications');
    await workbench.page.mouse.move(700, 300);
    await workbench.screenshot('copies-view-narrow-dark');
    await workbench.widenSideBar();
    for (const scheme of ['light', 'dark'] as const) {
      await workbench.theme(scheme);
      const card = await workbench.hover(item());
      assertNames(await card.textContent(), '11 idle copies', 'Codex', 'Stop…', '1 healthy');
      await workbench.screenshot(`copies-view-${scheme}`);
      await workbench.page.mouse.move(700, 300);
      await card.waitFor({ state: 'hidden' });
    }
    const card = await workbench.hover(workbench.rows('In all'));
    assertNames(await card.textContent(), '11 of them copies', 'idle for an hour or longer');
    await workbench.page.mouse.move(700, 300);
    await workbench.openPicks(() => item().click(), 'Stop idle copies of notes');
    assertNames(await workbench.picks().first().textContent(), 'Codex', 'runs notes 12 times; 11 have done nothing for', 'MB');
    await workbench.screenshot('copies-fixes-dark');
    await workbench.page.keyboard.press('Escape');
  });

  const picker = () => workbench.page.locator('.quick-input-widget');
  const dialog = () => workbench.page.locator('.monaco-dialog-box');

  it('are offered in a list without the newest, none preselected, by the button of their row', async () => {
    const all = running();
    await workbench.rowAction(workbench.rows('11 idle copies').first(), 'Stop Idle Copies…');
    await workbench.picks(`PID ${all[0]}`).waitFor();
    await picker().getByText('Stop Idle Copies: 0 selected').waitFor();
    assert.equal(
      await workbench.page.locator('.quick-input-list .quick-input-list-checkbox.checked, .quick-input-list input:checked').count(),
      0,
    );
    assertNames(
      await workbench.picks(`PID ${all[0]},`).textContent(),
      'notes',
      'Codex',
      'started',
      's of processor time, none since',
      'MB',
    );
    assert.equal(await workbench.picks(`PID ${all.at(-1)},`).count(), 0, 'the newest stays');
    await workbench.screenshot('copies-picker-dark');
    await workbench.theme('light');
    await workbench.screenshot('copies-picker-light');
    await workbench.theme('dark');
  });

  it('are stopped after a question that names what open threads lose and what Codex then does; the others go on', async () => {
    const all = running();
    const [first = 0, second = 0, ...others] = all;
    await workbench.picks(`PID ${first},`).click();
    await workbench.picks(`PID ${second},`).click();
    await picker().getByText('Stop Idle Copies: 2 selected').waitFor();
    await picker().locator('a.monaco-button', { hasText: 'OK' }).click();
    await dialog().waitFor();
    assertNames(
      await dialog().textContent(),
      'Stop 2 idle copies of notes?',
      'Threads or sessions that are open in Codex',
      'calls there fail',
    );
    await workbench.screenshot('copies-question-dark');
    assert.deepEqual(running(), all, 'nothing is stopped before the answer');
    await dialog().locator('a.monaco-button', { hasText: 'Stop Anyway' }).click();
    await workbench.notice('Stopped 2 servers');
    assert.deepEqual(running(), others);
    await item()
      .filter({ hasText: '9 idle copies' })
      .or(item().filter({ hasNotText: 'idle' }))
      .first()
      .waitFor();
    await workbench.screenshot('copies-stopped-dark');
  });

  it('are cured for the next thread by the button of the row beside them: its guard starts a server when it is called', async () => {
    await workbench.rowAction(workbench.rows(/PID/).filter({ hasText: 'idle copy' }).first(), 'Start Only When Called…');
    const notice = await workbench.notice('Nothing is written yet');
    assertNames(await notice.textContent(), 'Start notes only when it is called');
    await workbench.screenshot('copies-lazy-dark');
    await workbench.answerLink('Nothing is written yet', 'Discard');
  });

  it('of which fewer than ten are left are information: no badge, and the row of each still says it', async () => {
    await waitFor('no badge', async () => (await workbench.activity('MCP Servers').locator('.badge-content:visible').count()) === 0);
    await waitFor('the status bar to be calm', async () => /^MCP servers: 10 servers running/.test(await spoken()));
    await later('a row for each copy that is left', async () => (await copyRows()) === 9);
  });
});
