// Several windows and a terminal act on one server; orphans are stopped from the window.
import assert from 'node:assert/strict';
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { mkdirSync, renameSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import { after, afterEach, before, describe, it } from 'mocha';
import type { Page } from 'playwright-core';
import { whyNoNamespace } from '../../scripts/suites/processNamespace.ts';
import { projectRoot } from '../../scripts/system/projectPaths.ts';
import { waitFor } from '../../scripts/system/waitFor.ts';
import type { HistoryEntry } from '../../src/action/execute/actionHistory.ts';
import type { Instance, Snapshot } from '../../src/model/snapshot.ts';
import { ProcTable } from '../../src/process/linux/procTable.ts';
import { assertNames } from '../names.ts';
import { copyServer } from '../process/package/npmServers.ts';
import { EditorProbe, installProbe, probePort, probeVariable } from './editorProbe.ts';
import { openAnotherWindow, openWorkbench } from './openWorkbench.ts';
import type { Workbench } from './workbench.ts';

const server = '@modelcontextprotocol/server-memory';
const version = '2026.8.31';
/** Each window takes a small machine ten seconds of processor time; `npm run test:long` opens eight. */
const windows = Number(process.env.SCREEN_WINDOWS ?? (process.env.TEST_LONG === '1' ? 8 : 2));

describe('Actions across windows', function () {
  this.timeout(300_000 + 60_000 * (windows - 2));
  let workbench: Workbench;
  let main = '';
  const probes: EditorProbe[] = [];
  const pages: Page[] = [];
  const clients: ChildProcess[] = [];
  const left: number[] = [];

  before(async function () {
    const reason = whyNoNamespace();
    if (reason) {
      console.log(`These tests end processes. ${reason}`);
      this.skip();
    }
    workbench = await openWorkbench({
      prepare: async ({ workspace, extensionsDir, home }) => {
        installProbe(extensionsDir);
        main = await copyServer(workspace, server, version);
        mkdirSync(join(workspace, '.vscode'));
        const entry = { type: 'stdio', command: process.execPath, args: [main] };
        writeFileSync(join(workspace, '.vscode', 'mcp.json'), JSON.stringify({ servers: { memory: entry } }, undefined, 2));
        process.env[probeVariable] = join(home, 'probe-port');
      },
    });
    pages.push(workbench.page);
    probes.push(await probeOfLastWindow());
    for (let count = 1; count < windows; count += 1) {
      pages.push(await openAnotherWindow(workbench));
      probes.push(await probeOfLastWindow());
    }
    await probes[0]?.start('mcp.config.ws0.memory', 'open_nodes');
    await waitFor('the server in the snapshot', async () => (await instances()).length === 1);
  });
  after(async () => {
    delete process.env[probeVariable];
    for (const client of clients) {
      client.kill('SIGKILL');
    }
    for (const row of await new ProcTable().list()) {
      if (left.includes(row.pid) && row.commandLine.includes(main)) {
        process.kill(row.pid, 'SIGKILL');
      }
    }
    await workbench?.close();
  });
  afterEach(async function () {
    if (this.currentTest?.state === 'failed') {
      for (const [index, page] of pages.entries()) {
        await page.screenshot({ path: join(projectRoot, 'out', 'screens', `failed-actions-${index}.png`) });
      }
    }
  });

  /** The window that started last writes its port into a file; the file is renamed to make room for the next window. */
  async function probeOfLastWindow(): Promise<EditorProbe> {
    const file = join(workbench.places.home, 'probe-port');
    const port = await waitFor('the probe extension', () => probePort(file));
    renameSync(file, `${file}-${port}`);
    return new EditorProbe(`${file}-${port}`);
  }

  /** The command line, in the home and run folder of the windows. */
  async function cli<T>(...args: readonly string[]): Promise<T> {
    const { home, workspace, runDir } = workbench.places;
    const options = { cwd: workspace, env: { ...process.env, HOME: home, MCP_RUN_DIR: runDir } };
    const { stdout } = await promisify(execFile)(process.execPath, [join(projectRoot, 'dist', 'cli.cjs'), ...args, '--json'], options);
    return JSON.parse(stdout);
  }
  const instances = async (): Promise<readonly Instance[]> =>
    (await cli<Snapshot>('status')).instances.filter(({ command }) => command.includes(main));
  const history = async (): Promise<readonly HistoryEntry[]> => (await cli<{ entries: HistoryEntry[] }>('history')).entries;

  it('test 20: two windows and a terminal want the same restart (eight windows in test:long): one acts, the others say so', async () => {
    const [before] = await instances();
    assert.ok(before);
    // A toast hides after some seconds, and on a busy machine one answers long before another: the windows are watched meanwhile.
    let answer: { readonly status: string; readonly message: string } | undefined;
    const told = new Map<Page, string>();
    const watched = waitFor('each that did not act to say so', async () => {
      for (const page of pages) {
        for (const text of await page.locator('.notification-toast').allTextContents()) {
          if (/already/.test(text)) {
            told.set(page, text);
          }
        }
      }
      return answer && told.size >= windows - (answer.status === 'already' ? 1 : 0) ? answer : undefined;
    });
    await Promise.all([
      cli<{ outcome: { status: string; message: string } }>('restart', String(before.pid)).then(({ outcome }) => {
        answer = outcome;
      }),
      ...probes.map((probe) => probe.command('mcpShepherd.restartInstance', before.id)),
    ]);
    const { status, message } = await watched;
    const after = await instances();
    assert.equal(after.length, 1, 'one server runs');
    assert.notEqual(after[0]?.pid, before.pid);
    assert.equal(after[0]?.client?.pid, before.client?.pid, 'in the same window');
    const entries = await history();
    const acted = entries.filter(({ outcome }) => outcome !== 'already');
    assert.deepEqual(
      acted.map(({ verb, outcome, target }) => [verb, outcome, target.pid]),
      [['restart', 'done', before.pid]],
      'one restart was carried out',
    );
    assert.equal(acted[0]?.after?.pid, after[0]?.pid);
    assert.ok(['done', 'already'].includes(status), message);
    // Each requester that did not act names the one that did.
    const texts = [...(status === 'already' ? [message] : []), ...told.values()];
    assert.equal(texts.length, windows, JSON.stringify(texts));
    console.log(`      ${windows} windows, ${texts.length} that say who did it`);
    for (const text of texts) {
      assert.ok((text.match(/PID \d+/g) ?? []).length >= 2, `the server and who did it: ${text}`);
    }
    await workbench.screenshot('already-restarted');
  });

  it('a terminal restarts a server of a window, and the window shows the new process', async () => {
    const [before] = await instances();
    const { outcome } = await cli<{ outcome: { status: string; message: string; after?: { pid: number } } }>('restart', 'memory');
    assert.equal(outcome.status, 'done', outcome.message);
    assertNames(outcome.message, `PID ${before?.pid}`, String(outcome.after?.pid));
    await workbench.openView('MCP Servers');
    await waitFor('the new process', async () =>
      (await workbench.rowLabels()).some((label) => label.includes(`PID ${outcome.after?.pid}`)),
    );
    const last = (await history()).at(-1);
    assertNames(last?.by, 'terminal (PID');
    assertNames(last?.via, 'window (PID');
  });

  it('tells the step for a server of the Agent Host, and opens the list of servers from there', async () => {
    const runtime = join(workbench.places.home, 'copilot-runtime');
    symlinkSync(process.execPath, runtime);
    const script = `const c = require('node:child_process').spawn(${JSON.stringify(process.execPath)}, [${JSON.stringify(main)}], { stdio: ['pipe', 'ignore', 'ignore'] }); c.once('spawn', () => console.log(c.pid)); setInterval(() => {}, 1000);`;
    const client = spawn(runtime, ['-e', script], { stdio: ['ignore', 'pipe', 'ignore'] });
    clients.push(client);
    const pid = await new Promise<number>((done) => createInterface({ input: client.stdout }).once('line', (line) => done(Number(line))));
    left.push(pid);
    const one = await waitFor('it to be seen', async () => (await instances()).find((instance) => instance.pid === pid));
    assert.equal(one.client?.id, 'vscode-agent-host');
    const told = await cli<{ plan: { steps: { kind: string; text: string }[] }; outcome: null }>('restart', String(pid), '--dry-run');
    assert.equal(told.plan.steps[0]?.kind, 'manual');
    await workbench.openView('MCP Servers');
    await waitFor('its row', async () => (await workbench.rowLabels()).some((label) => label.includes(`PID ${pid}`)));
    const probe = probes[0];
    assert.ok(probe);
    await probe.command('mcpShepherd.restartInstance', one.id);
    const step = new RegExp(`PID ${pid}\\)`);
    await workbench.answerNotification(step, 'List Servers…');
    await workbench.picks('memory').first().waitFor();
    await workbench.screenshot('agent-host-servers');
    await workbench.page.keyboard.press('Escape');
    client.kill('SIGKILL');
    process.kill(pid, 'SIGKILL');
    await waitFor('it to be gone', async () => !(await instances()).some((instance) => instance.pid === pid));
  });

  it('stops orphans from the palette: the proven one is preselected, the one in use is not', async () => {
    const script = `const c = require('node:child_process').spawn(process.execPath, [${JSON.stringify(main)}], { stdio: ['pipe', 'ignore', 'ignore'], env: { ...process.env, NODE_OPTIONS: '--import data:text/javascript,setInterval(()=>{},1000)' } }); c.once('spawn', () => console.log(c.pid)); setInterval(() => {}, 1000);`;
    const client = spawn(process.execPath, ['-e', script], { stdio: ['ignore', 'pipe', 'ignore'] });
    clients.push(client);
    const pid = await new Promise<number>((done) => createInterface({ input: client.stdout }).once('line', (line) => done(Number(line))));
    left.push(pid);
    await waitFor('it to be seen with its client', async () => (await instances()).some((instance) => instance.pid === pid));
    client.kill('SIGKILL');
    await waitFor(
      'the orphan to be proven',
      async () => (await instances()).some(({ findings }) => findings.some(({ kind }) => kind === 'orphan')),
      {
        limit: 90_000,
        every: 3_000,
      },
    );
    await workbench.openView('MCP Servers');
    await waitFor('the row of the orphan', async () =>
      (await workbench.rowLabels()).some((label) => label.includes(`PID ${pid}`) && /orphan/.test(label)),
    );
    await workbench.rowMenu(workbench.rows('orphan').first(), 'How to Restart');
    const step = await workbench.notice(/PID \d+/);
    assert.deepEqual(await step.locator('a.monaco-button').allTextContents(), ['Stop…', 'Show Evidence']);
    await workbench.palette('Notifications: Clear All Notifications');
    await workbench.palette('MCP Shepherd: Stop Duplicates and Orphans');
    const row = workbench.picks(`PID ${pid}`);
    await row.waitFor();
    await waitFor('it to be selected', () => row.locator('.monaco-checkbox.checked, input:checked, [aria-checked=true]').count());
    await workbench.screenshot('stop-orphans');
    await workbench.page.keyboard.press('Enter');
    await workbench.notice(/Stopped 1 server/);
    await waitFor('it to be gone', async () => !(await instances()).some((instance) => instance.pid === pid));
    assert.equal((await instances()).length, 1, 'the living one lives');
  });
});
