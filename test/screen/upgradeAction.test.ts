// "Upgrade and Restart" as a user meets it: a newer version in the registry, the exact command in a question, npm in a terminal, another process after it.
import assert from 'node:assert/strict';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, before, describe, it } from 'mocha';
import { findOnPath } from '../../scripts/editor/findBrowser.ts';
import { waitFor } from '../../scripts/system/waitFor.ts';
import { assertNames, assertOmits } from '../names.ts';
import { notes, offer, serveUpgrades } from '../process/cli/upgradeIndex.ts';
import { run } from '../process/package/command.ts';
import { copyServer } from '../process/package/npmServers.ts';
import { type LocalIndex, startIndex } from '../process/registry/localIndex.ts';
import { EditorProbe, installProbe, probeVariable } from './editorProbe.ts';
import { openWorkbench } from './openWorkbench.ts';
import type { Workbench } from './workbench.ts';

const server = '@modelcontextprotocol/server-memory';
const [older, newer] = ['2026.1.26', '2026.8.31'];
const id = 'mcp.config.usrremote.memory';

describe('Upgrade and Restart', function () {
  this.timeout(300_000);
  let workbench: Workbench;
  let probe: EditorProbe;
  let index: LocalIndex;
  /** Offers a version that does not exist. */
  let boaster: LocalIndex;
  /** Its newest version of a server does not start. */
  let broken: LocalIndex;
  const served = mkdtempSync(join(tmpdir(), 'upgrade-action-'));

  before(async () => {
    index = await startIndex();
    index.npm.set(server, { tags: { latest: newer }, versions: { [older]: {}, [newer]: {} } });
    boaster = await startIndex();
    boaster.npm.set(server, { tags: { latest: '9999.0.0' }, versions: { '9999.0.0': {} } });
    broken = await serveUpgrades(served);
    offer(broken, 2, readdirSync(join(served, 'wheels')));
    workbench = await openWorkbench({
      env: { MCP_SHEPHERD_OFFLINE: '' },
      prepare: async ({ workspace, extensionsDir, home, dataDir }) => {
        installProbe(extensionsDir);
        const main = await copyServer(workspace, server, older);
        mkdirSync(join(dataDir, 'data', 'User'), { recursive: true });
        // In the user's own list: the variables of a workspace's entry lead no look-up. Only the look-up of versions uses the local registry; the command uses the registry that npm is configured for.
        const env = { MEMORY_FILE_PATH: join(home, 'memory.jsonl'), npm_config_registry: index.registry };
        const entry = { type: 'stdio', command: process.execPath, args: [main], env };
        const copyIn = (folder: string): object => {
          for (const name of ['node_modules', 'package.json']) {
            cpSync(join(workspace, name), join(workspace, folder, name), { recursive: true, verbatimSymlinks: true });
          }
          const args = [main.replace(workspace, join(workspace, folder))];
          return { ...entry, args, env: { ...env, npm_config_registry: boaster.registry } };
        };
        const fourth = join(workspace, 'fourth');
        mkdirSync(fourth);
        writeFileSync(join(fourth, '.npmrc'), `registry=${broken.registry}\n`);
        writeFileSync(join(fourth, 'package.json'), '{ "private": true }\n');
        await run('npm', ['install', `${notes.npm}@${notes.versions[1]}`, `${notes.lib}@${notes.versions[1]}`], {
          cwd: fourth,
          env: process.env,
        });
        const notesEntry = { type: 'stdio', command: process.execPath, args: [join(fourth, 'node_modules', notes.npm, 'server.js')] };
        const servers = { memory: entry, other: copyIn('second'), pnpm: copyIn('third'), notes: notesEntry };
        writeFileSync(join(workspace, 'third', 'pnpm-lock.yaml'), '');
        writeFileSync(join(dataDir, 'data', 'User', 'mcp.json'), JSON.stringify({ servers }, undefined, 2));
        probe = new EditorProbe(join(home, 'probe-port'));
        process.env[probeVariable] = join(home, 'probe-port');
      },
    });
    await workbench.openView('MCP Servers');
    await probe.start(id, 'open_nodes');
  });
  after(async () => {
    delete process.env[probeVariable];
    await workbench?.close();
    await index?.close();
    await boaster?.close();
    await broken?.close();
    rmSync(served, { recursive: true, force: true });
  });

  afterEach(async function () {
    if (this.currentTest?.state === 'failed') {
      console.log((await workbench.rowLabels()).join('\n'));
      await workbench.screenshot(`failed-${this.currentTest.title.slice(0, 40).replace(/\W+/g, '-')}`);
    }
  });

  const label = async () => (await workbench.rowLabels()).find((text) => text.startsWith('memory,')) ?? '';
  const pid = async () => /PID (\d+)/.exec(await label())?.[1];
  const installed = (): string =>
    JSON.parse(readFileSync(join(workbench.places.workspace, 'node_modules', server, 'package.json'), 'utf8')).version;
  const dialog = () => workbench.page.locator('.monaco-dialog-box');
  const command = () => `npm install --prefix ${workbench.places.workspace} ${server}@${newer}`;

  it('is offered on the row, quietly: no badge, no warning', async () => {
    await waitFor('the newer version', async () => (await label()).includes(`runs ${older}, ${newer} available`));
    assertNames(await label(), 'update available');
    const classes = (await workbench.statusItem('servers').getAttribute('class')) ?? '';
    assertOmits(classes, 'warning-kind');
    assert.equal(await workbench.notifications().count(), 0);
  });

  it('shows the exact command, and does nothing when it is cancelled', async () => {
    const before = await pid();
    await workbench.rowMenu(workbench.rows('memory').first(), 'Upgrade and Restart');
    await dialog().waitFor();
    const text = ((await dialog().textContent()) ?? '').replaceAll('\u00a0', ' ');
    assert.ok(text.includes(command()), text);
    assert.ok(text.includes(`from ${older} to ${newer}`), text);
    assert.ok(text.includes(`PID ${before}`), text);
    await workbench.screenshot('upgrade-question');
    await dialog().locator('.monaco-button', { hasText: 'Cancel' }).click();
    await dialog().waitFor({ state: 'detached' });
    assert.equal(installed(), older);
    assert.equal(await pid(), before);
  });

  it('runs the command in a terminal and restarts the server when it has worked', async () => {
    const before = await pid();
    await workbench.palette('MCP Shepherd: Upgrade and Restart…');
    await workbench.picks('memory').first().click();
    await dialog().locator('.monaco-button', { hasText: 'Upgrade and Restart' }).click();
    await workbench.page.locator('.part.panel .terminal-wrapper, .part.panel .xterm').first().waitFor();
    await waitFor('another process', async () => {
      const now = await pid();
      return now !== undefined && now !== before;
    });
    assert.equal(installed(), newer);
    await waitFor('its version', async () => (await label()).includes(`runs ${newer},`));
    assertOmits(await label(), 'available', 'stale');
    await workbench.screenshot('upgrade-done');
    assert.equal(await workbench.notifications(/still runs/).count(), 0, 'a server that is being replaced is no news');
  });

  /** Lets the upgrade of a server fail. */
  async function failingUpgrade(name: string, folder: string, reason: RegExp): Promise<void> {
    const entry = join(workbench.places.workspace, folder, 'node_modules', server, 'package.json');
    const row = async () => (await workbench.rowLabels()).find((text) => text.startsWith(`${name},`)) ?? '';
    const process = async () => /PID (\d+)/.exec(await row())?.[1];
    await waitFor('the server', async () => {
      await probe.command('workbench.mcp.startServer', `mcp.config.usrremote.${name}`, { waitForLiveTools: true });
      return (await process()) !== undefined;
    });
    await waitFor('the newer version', async () => (await row()).includes('9999.0.0 available'));
    const before = await process();
    await workbench.rowMenu(workbench.rows(name).first(), 'Upgrade and Restart');
    await dialog().locator('.monaco-button', { hasText: 'Upgrade and Restart' }).click();
    const notice = await workbench.notice(reason);
    assert.deepEqual(await notice.locator('a.monaco-button').allTextContents(), ['Show Log']);
    assert.equal(await process(), before);
    assert.equal(JSON.parse(readFileSync(entry, 'utf8')).version, older);
  }

  it('leaves the server alone when the command fails, and says so', async () => {
    await failingUpgrade('other', 'second', /failed: exit code \d+\. Nothing was changed/);
    await workbench.screenshot('upgrade-failed');
  });

  it('goes back when the new version does not answer: packages, lock file and server are as before', async () => {
    const folder = join(workbench.places.workspace, 'fourth');
    const files = ['package.json', 'package-lock.json', join('node_modules', notes.npm, 'package.json')];
    const read = (): string[] => files.map((name) => readFileSync(join(folder, name), 'utf8'));
    const row = async () => (await workbench.rowLabels()).find((text) => text.startsWith('notes,')) ?? '';
    await waitFor('the server', async () => {
      await probe.command('workbench.mcp.startServer', 'mcp.config.usrremote.notes', { waitForLiveTools: true });
      return (await row()).includes('PID');
    });
    await waitFor('the newer version', async () => (await row()).includes(`${notes.versions[2]} available`));
    const before = read();
    await workbench.rowMenu(workbench.rows('notes').first(), 'Upgrade and Restart');
    await dialog().waitFor();
    assertNames(((await dialog().textContent()) ?? '').replaceAll('\u00a0', ' '), 'every package becomes what it was');
    await dialog().locator('.monaco-button', { hasText: 'Upgrade and Restart' }).click();
    await workbench.notice(/notes-mcp 1\.1\.0 is installed again, and every package is as before/);
    await workbench.screenshot('upgrade-rolled-back');
    assert.deepEqual(read(), before);
    await waitFor('the old version runs again', async () => /runs 1\.1\.0.*PID/.test(await row()));
  });

  it('leaves the server alone when the program is missing, and says so', async function () {
    if (findOnPath(['pnpm'])) {
      console.log('This machine has pnpm.');
      this.skip();
    }
    await failingUpgrade('pnpm', 'third', /failed: pnpm is not on the PATH/);
  });
});
