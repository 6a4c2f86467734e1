import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, afterEach, before, describe, it } from 'mocha';
import { installServer } from '../../scripts/system/npmServer.ts';
import { waitFor } from '../../scripts/system/waiting.ts';
import { EditorProbe, installProbe, probeVariable } from './editorProbe.ts';
import { openWorkbench } from './openWorkbench.ts';
import type { Workbench } from './workbench.ts';

const memory = { name: '@modelcontextprotocol/server-memory', version: '2026.8.31' } as const;

describe('Launch Through Guard', function () {
  this.timeout(180_000);
  let workbench: Workbench;
  let probe: EditorProbe;
  let file = '';
  let original = '';

  before(async () => {
    workbench = await openWorkbench({
      size: { width: 1400, height: 760 },
      prepare: async ({ workspace, home, extensionsDir }) => {
        installProbe(extensionsDir);
        probe = new EditorProbe(join(home, 'probe-port'));
        process.env[probeVariable] = join(home, 'probe-port');
        const script = await installServer(workspace, memory.name, memory.version);
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
  const labels = (): Promise<string[]> => workbench.rowLabels();
  /** Calls a tool that writes, and says yes where VS Code asks. */
  const remember = async (name: string): Promise<void> => {
    let answered = false;
    const call = probe.tool('create_entities', { entities: [{ name, entityType: 'thing', observations: ['there'] }] }).then((text) => {
      answered = true;
      assert.match(text, new RegExp(name));
    });
    const yes = workbench.page.locator('.monaco-dialog-box .monaco-button', { hasText: 'Yes' });
    const confirmed = waitFor('the answer of the tool', async () => {
      if (!answered && (await yes.isVisible())) {
        await yes.click();
      }
      return answered;
    });
    await Promise.all([call, confirmed]);
  };

  it('shows what it would change beside the file, and what it means', async () => {
    await workbench.openView('MCP Servers');
    await workbench.rows('notes').first().waitFor();
    await probe.start('mcp.config.ws0.notes', 'create_entities');
    await waitFor('notes to run', async () => (await labels()).some((label) => /^notes, runs 2026/.test(label)));
    await workbench.palette('View: Hide Panel').catch(() => undefined);
    await workbench.rowMenu(workbench.rows('notes').first(), 'Launch Through Guard');
    await workbench.picks('Refuse Writes').waitFor();
    assert.match((await workbench.picks('Refuse Writes').textContent()) ?? '', /without annotations: every tool/);
    await waitFor('the change', async () => /mcp-shepherd/.test((await diff().textContent()) ?? ''));
    await workbench.screenshot('guard-preview-dark');
    await workbench.theme('light');
    await workbench.screenshot('guard-preview-light');
    await workbench.theme('dark');
    await workbench.page.keyboard.press('Escape');
    await workbench.picks('Refuse Writes').waitFor({ state: 'hidden' });
    await diff().waitFor({ state: 'detached' });
    assert.equal(readFileSync(file, 'utf8'), original, 'nothing is written without a yes');
  });

  it('lets the server run under the guard, with its tools answering', async () => {
    await remember('one');
    await workbench.rowMenu(workbench.rows('notes').first(), 'Launch Through Guard');
    await workbench.picks('Only Warn').click();
    await workbench.notifications('notes runs through the guard now').waitFor({ timeout: 60_000 });
    const text = readFileSync(file, 'utf8');
    assert.match(text, /"--on-stale", "warn", "--", /);
    assert.match(text, /\/\/ a Node of its own/);
    await waitFor('the row to say so', async () => (await labels()).some((label) => /^notes: running · guarded/.test(label)));
    await remember('two');
    assert.match(readFileSync(join(workbench.places.home, 'memory.json'), 'utf8'), /"one"[\s\S]*"two"/);
    // What the guard has written down of the server that it started.
    await waitFor('its version', async () => (await labels()).some((label) => label.startsWith(`notes, runs ${memory.version}`)));
    await workbench.screenshot('guard-running-dark');
  });

  it('is undone to the byte, and the server runs on its own again', async () => {
    await workbench.rowMenu(workbench.rows('notes').first(), 'Launch Without Guard');
    await workbench.picks('Launch Without Guard').click();
    await workbench.notifications('notes runs without the guard now').waitFor({ timeout: 60_000 });
    assert.equal(readFileSync(file, 'utf8'), original);
    await waitFor('the row to say so', async () => (await labels()).some((label) => /^notes: running · project/.test(label)));
    await remember('three');
  });
});
