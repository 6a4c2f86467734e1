import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, afterEach, before, describe, it } from 'mocha';
import type { Locator } from 'playwright-core';
import { installServer } from '../../scripts/system/npmServer.ts';
import { waitFor } from '../../scripts/system/waitFor.ts';
import { assertNames } from '../names.ts';
import { copyServer } from '../process/package/npmServers.ts';
import { EditorProbe, installProbe, probeVariable } from './editorProbe.ts';
import { openWorkbench } from './openWorkbench.ts';
import type { Workbench } from './workbench.ts';

/** The older version drops relations to nodes that were not requested; the newer one returns them. */
const memory = { name: '@modelcontextprotocol/server-memory', older: '2026.1.26', newer: '2026.8.31' } as const;

describe('Launch Through Guard', function () {
  this.timeout(300_000);
  let workbench: Workbench;
  let probe: EditorProbe;
  let file = '';
  let original = '';

  before(async () => {
    workbench = await openWorkbench({
      size: { width: 1400, height: 760 },
      // These tests start notes more often than a user does.
      settings: { 'mcpShepherd.respawnStorm.starts': 100 },
      prepare: async ({ workspace, home, extensionsDir }) => {
        installProbe(extensionsDir);
        probe = new EditorProbe(join(home, 'probe-port'));
        process.env[probeVariable] = join(home, 'probe-port');
        const script = await copyServer(workspace, memory.name, memory.older);
        mkdirSync(join(workspace, '.vscode'));
        file = join(workspace, '.vscode', 'mcp.json');
        const env = { MEMORY_FILE_PATH: join(home, 'memory.json') };
        original = `{
	// What this project remembers.
	"servers": {
		"notes": {
			"type": "stdio",
			"command": ${JSON.stringify(process.execPath)}, // a Node of its own
			"args": [${JSON.stringify(script)}],
			"env": ${JSON.stringify(env)},
		},
	},
}
`;
        writeFileSync(file, original);
      },
    });
  });
  after(async () => {
    delete process.env[probeVariable];
    await workbench?.close();
  });

  afterEach(async function () {
    if (this.currentTest?.state === 'failed') {
      console.log((await workbench.notifications().allTextContents()).join('\n'));
      console.log((await workbench.rowLabels()).join('\n'));
      await workbench.screenshot(`failed-guard-${this.currentTest.title.slice(0, 30).replace(/\W+/g, '-')}`);
    }
  });

  const diff = () => workbench.page.locator('.monaco-diff-editor');
  const titleAction = (title: string) => workbench.page.locator(`.editor-actions a.action-label[aria-label^="${title}"]`);
  const labels = (): Promise<string[]> => workbench.rowLabels();
  /** Calls a tool that writes, and says yes where VS Code asks. */
  const remember = async (name: string): Promise<void> => {
    assert.match(await call('create_entities', { entities: [{ name, entityType: 'thing', observations: ['there'] }] }), new RegExp(name));
  };
  /** Calls a tool through VS Code's own client, and says yes where it asks. */
  const call = async (tool: string, input: object): Promise<string> => {
    let answer: string | undefined;
    const called = probe.tool(tool, input).then((text) => {
      answer = text;
      return text;
    });
    const yes = workbench.page.locator('.monaco-dialog-box .monaco-button', { hasText: 'Yes' });
    const confirmed = waitFor('the answer of the tool', async () => {
      if (answer === undefined && (await yes.isVisible())) {
        await yes.click();
      }
      return answer !== undefined;
    });
    const [text] = await Promise.all([called, confirmed]);
    return text;
  };
  const openModes = (mode: string): Promise<Locator> =>
    workbench.openPicks(() => workbench.rowMenu(workbench.rows('notes').first(), 'Launch Through Guard'), mode);
  const modes = (): Locator => workbench.page.locator('.quick-input-widget');
  const pid = async (): Promise<number> =>
    waitFor('the PID of notes', async () =>
      Number((await labels()).flatMap((label) => /^notes, .*PID (\d+)/.exec(label)?.[1] ?? [])[0] ?? 0),
    );
  const parentOf = (child: number): number => {
    const stat = readFileSync(`/proc/${child}/stat`, 'latin1');
    return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]);
  };

  it('asks for the mode, then shows the change beside the file with its own buttons, and covers none of it', async () => {
    await workbench.openView('MCP Servers');
    await workbench.rows('notes').first().waitFor();
    await probe.start('mcp.config.ws0.notes', 'create_entities');
    await waitFor('notes to run', async () => (await labels()).some((label) => /^notes, runs 2026/.test(label)));
    await workbench.hidePanel();
    await openModes('Block writing tools until restart');
    assert.equal(await workbench.picks('Restart where nothing is lost').count(), 1);
    assertNames(await workbench.picks('Block writing tools until restart').textContent(), 'not marked read-only');
    assert.equal(await diff().count(), 0, 'the list covers no change');
    await workbench.screenshot('guard-modes-dark');
    await workbench.screenshot('walkthrough-guard-dark', modes());
    await workbench.picks('Block writing tools until restart').click();
    await waitFor('the change, with the mode', async () => /refuse-writes/.test((await diff().textContent()) ?? ''));
    const notice = workbench.notifications('Nothing is written yet');
    await notice.locator('a', { hasText: 'Write Change' }).waitFor();
    await workbench.screenshot('guard-preview-dark');
    await workbench.theme('light');
    await workbench.screenshot('guard-preview-light');
    await titleAction('Discard Change').click();
    await diff().waitFor({ state: 'detached' });
    await notice.waitFor({ state: 'detached' });
    assert.equal(readFileSync(file, 'utf8'), original, 'nothing is written without a yes');
  });

  it('takes a closed diff for a no', async () => {
    await openModes('Warn only');
    await workbench.screenshot('walkthrough-guard-light', modes());
    await workbench.picks('Warn only').click();
    await titleAction('Write Change').waitFor();
    await workbench.theme('dark');
    await workbench.palette('View: Close Editor');
    await workbench.notifications('Nothing is written yet').waitFor({ state: 'detached' });
    assert.equal(readFileSync(file, 'utf8'), original);
  });

  it('lets the server run under the guard, with its tools answering', async () => {
    await remember('one');
    await (await openModes('Warn only')).click();
    await workbench.answerLink('Nothing is written yet', 'Write Change');
    await workbench.told('notes now runs through the guard');
    const text = readFileSync(file, 'utf8');
    assertNames(text, '"--on-stale", "warn", "--",');
    assertNames(text, '// a Node of its own');
    await waitFor('the row to say so', async () => (await labels()).some((label) => /^notes, .*, guarded$/.test(label)));
    await remember('two');
    assertNames(readFileSync(join(workbench.places.home, 'memory.json'), 'utf8'), '"one"', '"two"');
    // From the record that the guard has published.
    await waitFor('its version', async () => (await labels()).some((label) => label.startsWith(`notes, runs ${memory.older}`)));
    await workbench.screenshot('guard-running-dark');
  });

  it('has its output where VS Code keeps it, from its row and from its page, because the guard passes it on', async () => {
    const log = workbench.page.locator('.part.panel .view-lines', { hasText: /\[server\sstderr\]/ });
    await workbench.rowMenu(workbench.rows('notes').first(), 'Show Output');
    await log.waitFor();
    await workbench.hidePanel();
    await workbench.rows('notes').first().click();
    await workbench.details().locator('button', { hasText: 'Show Output' }).click();
    await log.waitFor();
    await workbench.hidePanel();
    await workbench.palette('View: Close All Editors');
  });

  it('is restarted by a click after an upgrade: the same guard, a new server, and VS Code notices nothing', async () => {
    await call('create_relations', { relations: [{ from: 'one', to: 'two', relationType: 'comes before' }] });
    const told = async (): Promise<boolean> => /comes before/.test(await call('open_nodes', { names: ['one'] }));
    assert.equal(await told(), false, 'the older code drops the relation');
    const old = await pid();
    const guard = parentOf(old);
    assertNames(readFileSync(`/proc/${guard}/cmdline`, 'latin1'), 'guard.cjs');
    // An installation within two seconds of the start cannot be ordered by times: then the row says "probably stale", which is right but not the subject here.
    await waitFor('the server to be old enough', async () => Date.now() - statSync(`/proc/${old}`).ctimeMs > 2_500);

    await installServer(workbench.places.workspace, memory.name, memory.newer);
    const stale = new RegExp(`^notes, runs ${memory.older}, installed ${memory.newer}, stale`.replaceAll('.', '\\.'));
    await waitFor('the row to warn', async () => (await labels()).some((label) => stale.test(label)));
    assert.equal(await told(), false, 'control: until the restart the older code answers');
    assert.equal(await pid(), old);
    await workbench.screenshot('guard-stale-dark');

    await workbench.rowAction(workbench.rows('notes').first(), 'Restart');
    await waitFor('another process', async () => (await pid()) !== old);
    const now = await pid();
    assert.equal(parentOf(now), guard, 'under the guard that VS Code has started');
    assert.equal(await told(), true, 'the newer code answers the next call of the same session');
    assert.ok(!existsSync(`/proc/${old}`), 'the old server is gone');
    await waitFor('the row to be well', async () => (await labels()).some((label) => label.startsWith(`notes, runs ${memory.newer},`)));
    // In the log of VS Code's client the server never stopped.
    await probe.command('workbench.mcp.showOutput', 'mcp.config.ws0.notes');
    const log = workbench.page.locator('.part.panel .view-lines');
    await waitFor('the log of the client', async () => /Discovered \d+ tools/.test(plain(await log.textContent())));
    const text = plain(await log.textContent());
    assert.doesNotMatch(text, /exited|Error Process|Stopped/i);
    await workbench.screenshot('guard-restarted-dark');
    await workbench.hidePanel();
  });

  it('is undone to the byte, and the server runs on its own again', async () => {
    await workbench.rowMenu(workbench.rows('notes').first(), 'Launch Without Guard');
    await titleAction('Write Change').click();
    const runsAlone = async (): Promise<boolean> => (await labels()).some((label) => /^notes, runs/.test(label) && !/guarded/.test(label));
    await waitFor('the row to say so', runsAlone);
    assert.equal(readFileSync(file, 'utf8'), original);
    await workbench.told('notes now runs without the guard');
    await remember('three');
  });

  it('starts only when it is called, by its menu: not with the next session, and with the first call', async () => {
    await workbench.rowMenu(workbench.rows('notes').first(), 'Start Only When Called');
    await waitFor('the change', async () => /--start",\s*"lazy/.test(plain(await diff().textContent())));
    assertNames(
      await (await workbench.notice('Nothing is written yet')).textContent(),
      'Start notes only when it is called',
      'Launch Without Guard',
    );
    await workbench.screenshot('guard-lazy-preview-dark');
    await workbench.answerLink('Nothing is written yet', 'Write Change');
    await workbench.told('notes starts when it is called');
    assertNames(readFileSync(file, 'utf8'), '"--start", "lazy", "--"');
    await waitFor('the row to run', async () => (await labels()).some((label) => /^notes, runs .*, guarded$/.test(label)));
    // A session in which its guard learns what it answers: VS Code calls a tool only after it has the list of them.
    await call('read_graph', {});
    await probe.command('workbench.mcp.stopServer', 'mcp.config.ws0.notes');
    await waitFor('the end of that session', async () => !(await labels()).some((label) => /^notes, runs/.test(label)));
    // By the row's own button: nothing but the guard runs, and no message says that it did not start.
    await workbench.rowAction(workbench.rows('notes').first(), 'Start');
    await waitFor('the guard alone', async () => (await labels()).some((label) => /^notes: not started: never called/.test(label)));
    await workbench.screenshot('guard-lazy-resting-dark');
    assert.equal(await workbench.notifications('did not start').count(), 0);
    await remember('four');
    await waitFor('the server', async () => (await labels()).some((label) => /^notes, runs .*, guarded$/.test(label)));
  });

  it('starts with each session again, and without the guard, by the same menu', async () => {
    await workbench.rowMenu(workbench.rows('notes').first(), 'Start With Each Session');
    await workbench.answerLink('Nothing is written yet', 'Write Change');
    await workbench.told('notes starts with each session');
    assert.doesNotMatch(readFileSync(file, 'utf8'), /--start/);
    await waitFor('the row to run', async () => (await labels()).some((label) => /^notes, runs .*, guarded$/.test(label)));
    await workbench.rowMenu(workbench.rows('notes').first(), 'Launch Without Guard');
    await titleAction('Write Change').click();
    await waitFor('the undo', () => readFileSync(file, 'utf8') === original);
    await waitFor('the row to say so', async () => (await labels()).some((label) => /^notes, runs/.test(label) && !/guarded/.test(label)));
    await workbench.told('notes now runs without the guard');
  });

  it('is refused where others get the file too, with what to do instead', async () => {
    assert.equal(spawnSync('git', ['init', '-q', workbench.places.workspace]).status, 0);
    await workbench.rowMenu(workbench.rows('notes').first(), 'Launch Through Guard');
    const refusal = await workbench.notice(/git work tree/);
    assertNames(plain(await refusal.textContent()), 'yourself');
    assert.doesNotMatch(plain(await refusal.textContent()), /portable/i);
    assert.equal(await diff().count(), 0, 'nothing is shown that will not be written');
    await workbench.screenshot('guard-shared-dark');
    assert.equal(readFileSync(file, 'utf8'), original);
  });

  it('writes nothing when the window is closed before the answer, and the next window shows no change without a question', async () => {
    rmSync(join(workbench.places.workspace, '.git'), { recursive: true });
    await (await openModes('Warn only')).click();
    await titleAction('Write Change').waitFor();
    await workbench.reload();
    await workbench.statusItem('servers').waitFor();
    await workbench.page.locator('.tab', { hasText: '(preview)' }).waitFor({ state: 'detached' });
    assert.equal(readFileSync(file, 'utf8'), original);
  });
});

/** The editor draws spaces as no-break spaces. */
function plain(text: string | null): string {
  return (text ?? '').replaceAll('\u00a0', ' ');
}
