// A hostile project that is only looked at: its window is in Restricted Mode. The same window after the user has trusted the project is the control.
import assert from 'node:assert/strict';
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync, lstatSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { after, before, describe, it } from 'mocha';
import { installStandIn, type StandIn, startStandIn } from '../../scripts/demo/standIn.ts';
import { projectRoot } from '../../scripts/system/projectPaths.ts';
import { waitFor } from '../../scripts/system/waitFor.ts';
import type { ProcessRow } from '../../src/model/process.ts';
import type { Snapshot } from '../../src/model/snapshot.ts';
import { createProcessTable } from '../../src/process/createProcessTable.ts';
import { copyServer } from '../process/package/npmServers.ts';
import { type LocalIndex, startIndex } from '../process/registry/localIndex.ts';
import { EditorProbe, installProbe, probeVariable } from './editorProbe.ts';
import { openWorkbench } from './openWorkbench.ts';
import type { Workbench } from './workbench.ts';

const memory = { name: '@modelcontextprotocol/server-memory', version: '2026.8.31', next: '2099.1.1' } as const;

const order = 'command:workbench.action.closeWindow';
const hostile = `$(flame)[x](${order})![i](https://evil.example/i)<img src=x onerror=document.title='owned'>&lt;b&gt; <${order}>\u202e`;
/** Names of servers: with everything that a part of the window interprets, and with nothing that is seen. */
const names = [hostile.padEnd(200, 'y'), '\u3164'] as const;
/** A long one, as in arguments and records. */
const long = hostile.padEnd(3_000, 'y');

/**
 * A record of the lock protocol whose texts are hostile and whose times and counts are none, about processes that run.
 * @param marks the server or the guard of it @param key of the lock that it claims
 */
function hostileRecord(runDir: string, row: ProcessRow, marks: Readonly<Record<string, unknown>>, key: string): void {
  const id = randomBytes(16).toString('hex');
  const time = '0001-01-01T00:00:00.000Z';
  const record = {
    ilp: 1,
    minReader: 1,
    id,
    seq: 1,
    state: 'running',
    host: { boot: row.identity.bootId, pidns: row.identity.pidNamespace, name: long },
    ...marks,
    serverId: long,
    client: { name: long, version: long, pid: row.pid, start: row.identity.start },
    locks: [{ key, kind: 'name', resource: long }],
    exclusion: 'flock',
    launch: { command: long, args: [long], cwd: long, envNames: [long] },
    package: { ecosystem: 'npm', name: hostile, version: hostile, root: long },
    deps: { versions: { [hostile]: hostile, constructor: '1' } },
    control: { type: 'unix', path: join(runDir, 'v1', 's', '0123456789ab.sock'), caps: ['restart', hostile, 'constructor'] },
    startedAt: '+275760-09-13T00:00:00.001Z',
    x: {
      problem: hostile,
      refused: { calls: 7e11, last: long.slice(0, 1_100), at: time },
      staleWrites: { calls: 7e11, from: time, to: time, tools: [{ name: hostile.slice(0, 64), calls: 7e11 }] },
      ends: { last: [{ at: time, code: 7e11, signal: 'SIGX' }], errors: [long.slice(0, 300)] },
      start: { state: 'asleep', why: hostile, awake: hostile, since: time, spared: 7e11, memoryBytes: 1e15 },
      unresponsive: { since: time, oldest: long.slice(0, 200), calls: 7e11 },
      takeovers: Array.from({ length: 2_000 }, () => 1e308),
      idleSince: '1e308',
    },
  };
  const folder = join(runDir, 'v1', 'instances');
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  // JSON of others has keys that an object of ours cannot be written with, and numbers that are not finite.
  const text = JSON.stringify(record).replace('"x":{', '"__proto__":{"polluted":true},"x":{"__proto__":{"polluted":true},"much":1e999,');
  writeFileSync(join(folder, `${id}.json`), text, { mode: 0o600 });
}

describe('A hostile project', function () {
  this.timeout(300_000);
  let index: LocalIndex;
  let workbench: Workbench;
  let probe: EditorProbe;
  let client: StandIn;
  /** A program that is no server. */
  let other: ChildProcess;

  /** Opens a window on the project, whose server runs under a client that the user has started there. */
  before(async () => {
    index = await startIndex();
    index.npm.set(memory.name, { tags: { latest: memory.next }, versions: { [memory.version]: {}, [memory.next]: {} } });
    workbench = await openWorkbench({
      restricted: true,
      env: { MCP_SHEPHERD_OFFLINE: '' },
      prepare: async ({ home, workspace, extensionsDir }) => {
        installProbe(extensionsDir);
        process.env[probeVariable] = join(home, 'probe-port');
        const args = [await copyServer(workspace, memory.name, memory.version)];
        writeFileSync(join(workspace, '.npmrc'), `registry=${index.registry}\n`);
        mkdirSync(join(workspace, '.vscode'));
        const servers = {
          memory: { type: 'stdio', command: process.execPath, args },
          [`[evil](${order})`]: { type: 'stdio', command: 'touch', args: [join(home, 'ran')] },
        };
        writeFileSync(join(workspace, '.vscode', 'mcp.json'), JSON.stringify({ servers }));
        const own = names.map((name, index) => [name, { command: process.execPath, args: [...args, `--n=${index}`, long] }] as const);
        const mcpServers = { memory: { command: process.execPath, args }, ...Object.fromEntries(own) };
        writeFileSync(join(home, '.claude.json'), JSON.stringify({ mcpServers }, null, 1));
        const tools = join(home, 'tools');
        mkdirSync(tools);
        client = await startStandIn(installStandIn(tools), workspace, { ...process.env, HOME: home }, [
          { name: 'memory', copies: 1, command: process.execPath, args },
          ...own.map(([name, launch]) => ({ name, copies: 1, ...launch })),
        ]);
      },
    });
    probe = new EditorProbe(join(workbench.places.home, 'probe-port'));
    await workbench.statusItem('servers').waitFor();
  });
  after(async () => {
    delete process.env[probeVariable];
    other?.kill('SIGKILL');
    await client?.dispose();
    await workbench?.close();
    await index?.close();
  });

  /** The command line, in the home and run folder of the window. */
  async function status(): Promise<Snapshot> {
    const { places } = workbench;
    const env = { ...process.env, HOME: places.home, MCP_RUN_DIR: places.runDir, MCP_SHEPHERD_OFFLINE: '' };
    const args = [join(projectRoot, 'dist', 'cli.cjs'), 'status', '--json', '--folder', places.workspace];
    return JSON.parse((await promisify(execFile)(process.execPath, args, { cwd: places.workspace, env, maxBuffer: 2 ** 26 })).stdout);
  }

  it('in Restricted Mode asks no registry, restarts nothing, runs nothing, and no file of it changes', async () => {
    const { workspace, home, runDir } = workbench.places;
    const pid = client.servers.get('memory')?.[0]?.pid ?? 0;
    await waitFor('the window to publish that it is in Restricted Mode', () => {
      const folder = join(runDir, 'shepherd', 'windows');
      return readdirSync(folder).some((name) => readFileSync(join(folder, name), 'utf8').includes('"restricted":true'));
    });
    assert.deepEqual(index.paths, [], 'no registry was asked before');
    // Its server has another version now, as if it had been updated while it runs.
    const manifest = join(workspace, 'node_modules', memory.name, 'package.json');
    const original = readFileSync(manifest, 'utf8');
    writeFileSync(manifest, original.replace(memory.version, memory.next));
    const before = filesOf(workspace);
    const snapshot = await waitFor('both servers in a scan', async () => {
      await probe.command('mcpShepherd.refresh');
      const seen = await status();
      return seen.instances.some((one) => one.pid === pid) && seen.definitions.length >= 3 ? seen : undefined;
    });
    assert.ok(
      snapshot.definitions.some(({ name }) => name.includes('[evil]')),
      'the project is shown',
    );
    await probe.command('mcpShepherd.restartAllStale');
    await probe.command('mcpShepherd.refresh');
    const after = await status();
    assert.ok(
      after.instances.some((one) => one.pid === pid),
      'its server still runs',
    );
    assert.deepEqual(index.paths, [], 'no registry was asked');
    assert.equal(existsSync(join(home, 'ran')), false, 'its command was not run');
    assert.deepEqual(filesOf(workspace), before, 'no file was written');
    assert.equal(await workbench.page.locator('a[data-href^="command:workbench.action.closeWindow"]').count(), 0);
    writeFileSync(manifest, original);
  });

  it('control: when the user trusts it, its registry is asked', async () => {
    await probe.command('workbench.trust.manage');
    await workbench.page.locator('.workspace-trust-editor a.monaco-button', { hasText: 'Trust' }).first().click();
    await waitFor('the question', async () => {
      await probe.command('mcpShepherd.refresh');
      await status();
      return index.asked.length > 0;
    });
  });

  it('shows its names as text in rows, hovers, lists, notifications, the links of an entry and the page of a server', async () => {
    const { page } = workbench;
    const manifest = join(workbench.places.workspace, 'node_modules', memory.name, 'package.json');
    writeFileSync(manifest, readFileSync(manifest, 'utf8').replace(memory.version, memory.next));
    await probe.command('mcpShepherd.refresh');
    await workbench.statusItem('servers').filter({ hasText: '3 stale' }).waitFor();
    await workbench.openView('MCP Servers');
    const row = workbench.rows('$(flame)[x]').first();
    await workbench.rows('""').first().waitFor();
    await workbench.hover(row);
    await harmless();
    await workbench.openPicks(() => workbench.statusItem('servers').click(), '$ (flame)[x]');
    await workbench.picks('""').waitFor();
    await workbench.screenshot('hostile-list-dark');
    await harmless();
    await page.keyboard.press('Escape');
    await row.click();
    await workbench.details().locator('h1', { hasText: '$(flame)[x]' }).waitFor();
    assert.equal(await workbench.details().locator('img, a').count(), 0);
    await workbench.rowMenu(row, 'How to Restart');
    await workbench.notice('$(flame)[x] (command:');
    await workbench.rowMenu(row, 'Open Configuration Entry');
    await page.locator('.codelens-decoration', { hasText: 'stale' }).first().waitFor();
    await workbench.screenshot('hostile-entry-dark');
    await harmless();
  });

  it('shows what hostile records say as text in rows, hovers, lists, notifications and the page of a server', async () => {
    const { page, places } = workbench;
    other = spawn('sleep', ['3600'], { stdio: 'ignore' });
    const rows = await (await createProcessTable()).list();
    const row = (pid: number | undefined): ProcessRow => {
      const found = rows.find((one) => one.pid === pid);
      assert.ok(found, `${pid}`);
      return found;
    };
    const mark = ({ pid, identity }: ProcessRow): object => ({ pid, start: identity.start });
    const [server, holder] = [row(client.servers.get('memory')?.[0]?.pid), row(other.pid)];
    hostileRecord(places.runDir, server, { server: mark(server), guard: mark(holder) }, '0'.repeat(32));
    hostileRecord(places.runDir, holder, { server: mark(holder) }, '0'.repeat(32));
    hostileRecord(places.runDir, holder, { guard: mark(holder) }, '1'.repeat(32));
    const snapshot = await waitFor('the records in a scan', async () => {
      await probe.command('mcpShepherd.refresh');
      const seen = await status();
      return seen.instances.some((one) => one.record) && (seen.otherHolders?.length ?? 0) > 0 ? seen : undefined;
    });
    assert.ok((snapshot.notStarted?.length ?? 0) > 0 || snapshot.problems.length > 0, 'the guard without a server is shown');
    await workbench.openView('MCP Servers');
    const own = workbench.rows('memory').first();
    await workbench.hover(own);
    await harmless();
    await workbench.screenshot('hostile-record-row-dark');
    await own.click();
    await workbench.details().locator('h1', { hasText: 'memory' }).waitFor();
    assert.equal(await workbench.details().locator('img, a').count(), 0);
    await waitFor('the lock on the page', async () => (await workbench.details().locator('body').innerText()).includes('$(flame)[x]'));
    await workbench.screenshot('hostile-record-page-dark');
    await harmless();
    await workbench.openPicks(() => workbench.statusItem('servers').click(), '$ (flame)[x]');
    await workbench.screenshot('hostile-record-list-dark');
    await harmless();
    await page.keyboard.press('Escape');
    const labels = page.locator('.part.sidebar .monaco-list-row');
    for (let index = (await labels.count()) - 1; index >= 0; index--) {
      await workbench.hover(labels.nth(index));
      await harmless();
    }
    // Its record says that it takes requests, and nothing listens there: the window tells why.
    await workbench.rowMenu(own, 'Restart');
    await page.locator('.monaco-dialog-box, .notification-toast, .notification-list-item').filter({ hasText: 'memory' }).first().waitFor();
    await workbench.screenshot('hostile-record-restart-dark');
    await harmless();
  });

  /** Nothing that is shown is an order, an address, a picture or an icon of theirs. */
  async function harmless(): Promise<void> {
    const live =
      'a[data-href*="closeWindow"], a[href*="closeWindow"], a[data-href*="evil"], a[href*="evil"], img[src*="evil"], [onerror], .codicon-flame';
    const { page } = workbench;
    assert.deepEqual(await page.locator(live).evaluateAll((found) => found.map((one) => one.outerHTML)), []);
    assert.notEqual(await page.title(), 'owned');
    const labels = page.locator('.part.sidebar .monaco-list-row .label-name');
    assert.deepEqual(
      (await labels.allTextContents()).filter((text) => text.trim() === ''),
      [],
    );
  }
});

/** All files and folders below one, with size and time of change. */
function filesOf(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .map((name) => {
      const { size, mtimeMs } = lstatSync(join(folder, name));
      return `${name} ${size} ${mtimeMs}`;
    })
    .sort();
}
