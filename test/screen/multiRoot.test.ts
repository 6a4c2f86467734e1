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
const code = `// With “slow” it ends three seconds after VS Code has closed its input.
import { createInterface } from 'node:readline';
createInterface({ input: process.stdin }).on('line', (line) => {
  const { id, method, params } = JSON.parse(line);
  if (id === undefined) return;
  process.stderr.write(\`asked \${method}\\n\`);
  const hello = { protocolVersion: params?.protocolVersion, capabilities: { tools: {} }, serverInfo: { name: 'notes', version: '1' } };
  const result = method === 'initialize' ? hello : method === 'tools/list' ? { tools: [] } : {};
  console.log(JSON.stringify({ jsonrpc: '2.0', id, result }));
}).on('close', () => setTimeout(() => process.exit(), process.argv.includes('slow') ? 3_000 : 0));
`;

const slow = ['draft', 'essay'];

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
            servers: {
              notes: own,
              [`${name}-tools`]: { ...own, args: [...own.args, name] },
              ...(name === 'first' ? Object.fromEntries(slow.map((one) => [one, { ...own, args: [...own.args, 'slow', one] }])) : {}),
            },
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

  const startServer = async (name: string): Promise<void> => {
    await workbench.openPicks(() => workbench.palette('MCP: List Servers'), name);
    await workbench.picks(name).first().click();
    await workbench.picks('Start Server').click();
    await waitFor(`${name} to run`, () => pid(name));
  };
  const pids = (): Promise<(string | undefined)[]> => Promise.all(slow.map(pid));
  /** An upgrade of the package that both run, once they are old enough that it can be ordered after their start. */
  const upgradeFirst = async (version: string): Promise<void> => {
    const running = await waitFor('both to run', async () => {
      const now = await pids();
      return now.every((one) => one !== undefined) && now;
    });
    await waitFor('them to be old enough', () => running.every((one) => Date.now() - statSync(`/proc/${one}`).ctimeMs > 2_500));
    install(folderOf('first'), version);
  };

  it('tells of several stale servers in one notification: Restart all of them, or Review', async () => {
    await workbench.palette('View: Close All Editors');
    for (const name of slow) {
      await startServer(name);
    }
    await workbench.hidePanel();
    await workbench.palette('Notifications: Clear All Notifications');
    await upgradeFirst('3.0.0');
    // first-tools runs this package, too.
    const group = await workbench.notice(/3 running servers/);
    assert.deepEqual(await group.locator('a.monaco-button').allTextContents(), ['Restart 3', 'Review…']);
    await workbench.screenshot('notification-several-dark');
    await group.locator('a.monaco-button', { hasText: 'Review…' }).click();
    await workbench.picks('Restart draft, this window').waitFor();
    await workbench.page.keyboard.press('Escape');
  });

  it('shows which of several is being restarted, and Cancel leaves those that have not begun', async () => {
    const before = await pids();
    // VS Code shows no toast while the list of notifications is open.
    await workbench.palette('Notifications: Clear All Notifications');
    await workbench.palette('MCP Shepherd: Restart All Stale');
    const work = workbench.notifications('Restarting MCP servers');
    await work.filter({ hasText: /\(\d of 3\)/ }).waitFor();
    await workbench.screenshot('notification-progress-dark');
    await work.locator('a.monaco-button', { hasText: 'Cancel' }).click();
    await work.waitFor({ state: 'detached' });
    const after = await pids();
    assert.ok(
      slow.some((_, index) => after[index] === before[index]),
      'at least one of them was left',
    );
    assert.match((await workbench.statusItem('servers').textContent()) ?? '', /stale/);
  });

  it('restarts all of them by the button of the notification', async () => {
    await upgradeFirst('4.0.0');
    const before = await pids();
    await workbench.answerNotification(/\d running servers/, 'Restart');
    await waitFor(
      'new processes',
      async () => {
        const now = await pids();
        return now.every((one, index) => one !== undefined && one !== before[index]);
      },
      { limit: 90_000 },
    );
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
