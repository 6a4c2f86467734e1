// A server that speaks the lock protocol itself, without a guard: the screen shows the versions that it has published.
import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, afterEach, before, describe, it } from 'mocha';
import { waitFor } from '../../scripts/system/waitFor.ts';
import { assertNames } from '../names.ts';
import { installExamples, installNotesServer } from '../process/lock/notesServer.ts';
import { findPython } from '../process/package/pythonWheels.ts';
import { EditorProbe, installProbe, probeVariable } from './editorProbe.ts';
import { openWorkbench } from './openWorkbench.ts';
import type { Workbench } from './workbench.ts';

describe('The Python example in VS Code', function () {
  this.timeout(300_000);
  let workbench: Workbench | undefined;
  let probe: EditorProbe;
  let venv = '';

  before(async function () {
    if (process.platform !== 'linux' || (await findPython()) === undefined) {
      console.log('skipped: needs Linux and a Python with venv and pip');
      this.skip();
    }
    workbench = await openWorkbench({
      prepare: async ({ workspace, extensionsDir, home, runDir }) => {
        installProbe(extensionsDir);
        venv = join(home, 'venv');
        const command = await installNotesServer(venv);
        mkdirSync(join(workspace, '.vscode'));
        const entry = { type: 'stdio', command, args: [join(home, 'notes')], env: { MCP_RUN_DIR: runDir } };
        writeFileSync(join(workspace, '.vscode', 'mcp.json'), JSON.stringify({ servers: { notes: entry } }, undefined, 2));
        probe = new EditorProbe(join(home, 'probe-port'));
        process.env[probeVariable] = join(home, 'probe-port');
      },
    });
    await workbench.openView('MCP Servers');
    await probe.start('mcp.config.ws0.notes', 'read_note');
  });
  after(async () => {
    delete process.env[probeVariable];
    await workbench?.close();
  });
  afterEach(async function () {
    if (this.currentTest?.state === 'failed') {
      await workbench?.screenshot(`failed-${this.currentTest.title.slice(0, 40).replace(/\W+/g, '-')}`);
    }
  });

  const window = (): Workbench => {
    assert.ok(workbench);
    return workbench;
  };
  const row = async (text: string): Promise<string | undefined> => (await window().rowLabels()).find((label) => label.includes(text));

  it('is shown with the version that it published, and with the resource that it holds', async () => {
    const label = await waitFor('its recorded version', () => row('runs 1.0.0'));
    assertNames(label, 'notes, runs 1.0.0', 'recorded');
    const line = window().rows('notes').first();
    await line.waitFor();
    // The card disappears when its row is drawn again, and begins with "Loading...": hover until it has its text.
    const text = await waitFor('the words of the tooltip', async () => {
      const card = await window().hover(line);
      return card
        .filter({ hasText: 'PID' })
        .textContent({ timeout: 3_000 })
        .catch(() => undefined);
    });
    assertNames(text, 'Holds ~/notes.');
    assertNames(text, 'the server itself');
    await window().screenshot('view-recorded-versions');
  });

  it('shows what it still runs when its package and a dependency are replaced', async () => {
    await installExamples(venv, { lock: '1.4.0', server: '1.5.0' });
    const label = await waitFor('the replaced version', () => row('installed 1.5.0, stale'));
    assertNames(label, '1.0.0', '1.5.0', 'stale');
    await window().screenshot('view-recorded-stale');
  });
});
