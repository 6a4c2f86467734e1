import assert from 'node:assert/strict';
import { mkdirSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { after, afterEach, before, describe, it } from 'mocha';
import { installStandIn, type StandIn, startStandIn } from '../../scripts/demo/standIn.ts';
import { waitFor } from '../../scripts/system/waitFor.ts';
import { assertNames } from '../names.ts';
import { openWorkbench, waitForWorkbench } from './openWorkbench.ts';
import type { Workbench } from './workbench.ts';

/** A server that answers and needs no package beside it, so that two versions of it cost nothing. */
const code = `import { createInterface } from 'node:readline';
createInterface({ input: process.stdin }).on('line', (line) => {
  const { id, method, params } = JSON.parse(line);
  if (id === undefined) return;
  process.stderr.write(\`asked \${method}\\n\`);
  const hello = { protocolVersion: params?.protocolVersion, capabilities: { tools: {} }, serverInfo: { name: 'notes', version: '1' } };
  const result = method === 'initialize' ? hello : method === 'tools/list' ? { tools: [] } : {};
  console.log(JSON.stringify({ jsonrpc: '2.0', id, result }));
});
`;

describe('A window with several folders', function () {
  this.timeout(300_000);
  let workbench: Workbench;
  let claude: StandIn;
  const folderOf = (name: string): string => join(workbench.places.home, name);

  before(async () => {
    let file = '';
    workbench = await openWorkbench({
      prepare: async ({ home, workspace }) => {
        const entry = (script: string) => ({ type: 'stdio', command: process.execPath, args: [script] });
        for (const name of ['first', 'second']) {
          const own = entry(install(join(home, name), '1.0.0'));
          write(join(home, name, '.vscode', 'mcp.json'), {
            servers: { notes: own, [`${name}-tools`]: { ...own, args: [...own.args, name] } },
          });
        }
        file = write(join(home, 'both.code-workspace'), { folders: [{ path: 'first' }, { path: 'second' }] });
        const others = install(join(home, 'tools'), '1.0.0');
        write(join(home, '.claude.json'), { mcpServers: { theirs: entry(others) } });
        const server = { name: 'theirs', copies: 1, command: process.execPath, args: [others] };
        claude = await startStandIn(installStandIn(join(home, 'tools')), workspace, { ...process.env, HOME: home }, [server]);
      },
    });
    await workbench.page.goto(workbench.editor.url().replace(/\?.*/, `?workspace=${encodeURIComponent(file)}`));
    await waitForWorkbench(workbench.page);
  });
  after(async () => {
    await claude?.dispose();
    await workbench?.close();
  });

  afterEach(async function () {
    if (this.currentTest?.state === 'failed') {
      console.log((await workbench.rowLabels()).join('\n'));
      await workbench.screenshot(`failed-roots-${this.currentTest.title.slice(0, 30).replace(/\W+/g, '-')}`);
    }
  });

  const labels = (): Promise<string[]> => workbench.rowLabels();
  /** The PID on the row of a server. */
  const pid = async (name: string): Promise<string | undefined> =>
    (await labels()).flatMap((label) => new RegExp(`^${name}, .*PID (\\d+)`).exec(label)?.[1] ?? [])[0];

  it('lists the entries of each folder, also where they have one name', async () => {
    await workbench.openView('MCP Servers');
    for (const entry of ['first-tools', 'second-tools', 'notes']) {
      const folders = entry === 'notes' ? ['first', 'second'] : [entry.slice(0, entry.indexOf('-'))];
      for (const folder of folders) {
        const isListed = (label: string): boolean => label.startsWith(`${entry}: `) && label.includes(`${folder}/.vscode/mcp.json`);
        await waitFor(`${entry} of ${folder}`, async () => (await labels()).some(isListed));
      }
    }
  });

  it('says of an entry that VS Code does not offer which other one has its name', async () => {
    await workbench.rowAction(workbench.rows('notes').filter({ hasText: 'first/' }).first(), 'Start');
    assertNames((await (await workbench.notice('VS Code did not start notes')).textContent()) ?? '', join('second', '.vscode', 'mcp.json'));
    await workbench.palette('Notifications: Clear All Notifications');
  });

  it('restarts the server of the folder whose row was clicked, and leaves the one of the other folder alone', async () => {
    for (const name of ['first-tools', 'second-tools']) {
      await workbench.openPicks(() => workbench.palette('MCP: List Servers'), name);
      await workbench.picks(name).first().click();
      await workbench.picks('Start Server').click();
      await waitFor(`${name} to run`, () => pid(name));
    }
    await workbench.hidePanel();
    const [first, second] = [await pid('first-tools'), await pid('second-tools')];
    // An installation within two seconds of the start cannot be ordered by times.
    await waitFor('the server to be old enough', async () => Date.now() - statSync(`/proc/${second}`).ctimeMs > 2_500);
    install(folderOf('second'), '2.0.0');
    await waitFor('the warning', async () => /stale/.test((await workbench.statusItem('servers').textContent()) ?? ''));
    await workbench.rowAction(workbench.rows('second-tools').first(), 'Restart');
    await waitFor('another process', async () => ![undefined, second].includes(await pid('second-tools')));
    assert.equal(await pid('first-tools'), first);
  });

  it('offers output only where it is kept: not for a server of another client', async () => {
    await workbench.rows('theirs').first().click();
    const buttons = workbench.details().locator('button');
    await buttons.filter({ hasText: 'Copy for a Bug Report' }).waitFor();
    assert.equal(await buttons.filter({ hasText: 'Show Output' }).count(), 0);
    await workbench.rows('theirs').first().click({ button: 'right' });
    const menu = workbench.page.locator('.monaco-menu a.action-menu-item');
    await menu.filter({ hasText: 'Copy PID' }).waitFor();
    assert.equal(await menu.filter({ hasText: 'Show Output' }).count(), 0);
    await workbench.page.keyboard.press('Escape');
  });
});

function write(path: string, value: object | string): string {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, typeof value === 'string' ? value : JSON.stringify(value, undefined, 2));
  return path;
}

/** Installs the package of the server as npm would. @returns its script */
function install(folder: string, version: string): string {
  const root = join(folder, 'node_modules', 'mcp-notes');
  write(join(root, 'package.json'), { name: 'mcp-notes', version, type: 'module' });
  return write(join(root, 'index.js'), code);
}
