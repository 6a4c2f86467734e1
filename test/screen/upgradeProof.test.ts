// The main feature, proven by the answers of a tool: the older server-memory drops relations to nodes that were not requested; the newer one returns them.
// One window runs a server of each installer, one after the other, and at last a server that speaks the lock protocol itself, without a guard.
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, afterEach, before, describe, it } from 'mocha';
import { installServer } from '../../scripts/system/npmServer.ts';
import { waitFor } from '../../scripts/system/waitFor.ts';
import { assertNames } from '../names.ts';
import { installExamples, installNotesServer } from '../process/lock/notesServer.ts';
import { run } from '../process/package/command.ts';
import { copyServer, pnpmProgram } from '../process/package/npmServers.ts';
import { findPython } from '../process/package/pythonWheels.ts';
import { EditorProbe, installProbe, probeVariable } from './editorProbe.ts';
import { openWorkbench } from './openWorkbench.ts';
import type { Workbench } from './workbench.ts';

const server = '@modelcontextprotocol/server-memory';
const [older, newer] = ['2026.1.26', '2026.8.31'];
const graph = [
  { type: 'entity', name: 'Ada', entityType: 'person', observations: [] },
  { type: 'entity', name: 'Babbage', entityType: 'person', observations: [] },
  { type: 'relation', from: 'Ada', to: 'Babbage', relationType: 'knows' },
];

/**
 * The badge comes and goes within this time, ms. A quiet machine needs half a second, which is printed; without watching it would be the minute between two scans.
 */
const badgeMs = 10_000;

/** How a version gets into a folder, and what a client starts there. */
interface Installer {
  /** Also of its entry and of its folder in the workspace. */
  readonly name: string;
  /** VS Code names tools by the name that the server gives itself: both are called memory-server. */
  readonly tool: string;
  /** @returns the command of the entry */
  put(folder: string, version: string): Promise<readonly string[]>;
}

const installers: readonly Installer[] = [
  {
    name: 'npm',
    tool: 'memory-server_open_nodes',
    put: async (folder, version) => [
      process.execPath,
      await (existsSync(join(folder, 'package.json')) ? installServer : copyServer)(folder, server, version),
    ],
  },
  {
    // The new version comes beside the old one, and the shim in `.bin` leads to it.
    name: 'pnpm',
    tool: 'memory-serve2_open_nodes',
    async put(folder, version) {
      if (!existsSync(join(folder, 'package.json'))) {
        writeFileSync(join(folder, 'package.json'), '{ "private": true }\n');
      }
      const env = { ...process.env, CI: '', npm_config_store_dir: join(folder, '..', 'pnpm-store') };
      await run(process.execPath, [await pnpmProgram(), 'add', `${server}@${version}`], { cwd: folder, env });
      return [join(folder, 'node_modules', '.bin', 'mcp-server-memory')];
    },
  },
];

describe('An upgrade under a server that VS Code runs', function () {
  this.timeout(300_000);
  let workbench: Workbench;
  let probe: EditorProbe;
  /** Whether the machine can run the Python example. */
  let python: boolean;

  before(async () => {
    python = process.platform === 'linux' && (await findPython()) !== undefined;
    workbench = await openWorkbench({
      prepare: async ({ workspace, extensionsDir, home, runDir }) => {
        installProbe(extensionsDir);
        const servers: Record<string, object> = {};
        for (const { name, put } of installers) {
          const folder = join(workspace, name);
          mkdirSync(folder);
          const [command, ...args] = await put(folder, older);
          const data = join(home, `${name}.jsonl`);
          writeFileSync(data, graph.map((line) => JSON.stringify(line)).join('\n'));
          servers[name] = { type: 'stdio', command, args, env: { MEMORY_FILE_PATH: data } };
        }
        if (python) {
          const command = await installNotesServer(join(home, 'venv'));
          servers.notes = { type: 'stdio', command, args: [join(home, 'notes')], env: { MCP_RUN_DIR: runDir } };
        }
        mkdirSync(join(workspace, '.vscode'));
        writeFileSync(join(workspace, '.vscode', 'mcp.json'), JSON.stringify({ servers }, undefined, 2));
        probe = new EditorProbe(join(home, 'probe-port'));
        process.env[probeVariable] = join(home, 'probe-port');
      },
    });
    await workbench.openView('MCP Servers');
  });
  after(async () => {
    delete process.env[probeVariable];
    await workbench?.close();
  });

  afterEach(async function () {
    if (this.currentTest?.state === 'failed') {
      await workbench.screenshot(`failed-${this.currentTest.title.slice(0, 40).replace(/\W+/g, '-')}`);
    }
  });

  for (const installer of installers) {
    describe(`by ${installer.name}`, () => {
      before(async () => {
        await probe.start(`mcp.config.ws0.${installer.name}`, installer.tool);
        await waitFor('the first version', async () =>
          (await labels()).some((label) => label.startsWith(`${installer.name}, runs ${older}`)),
        );
      });

      const labels = () => workbench.rowLabels();
      const pid = async () => (await labels()).flatMap((label) => new RegExp(`^${installer.name}, .*PID (\\d+)`).exec(label)?.[1] ?? [])[0];
      const warns = async () => ((await workbench.statusItem('servers').getAttribute('class')) ?? '').includes('warning-kind');
      /** Calls the tool, and says yes where VS Code asks (the older server's tools carry no annotations). */
      const knows = async () => {
        let answer: string | undefined;
        const call = probe.tool(installer.tool, { names: ['Ada'] }).then((text) => {
          answer = text;
        });
        const yes = workbench.page.locator('.monaco-dialog-box .monaco-button', { hasText: 'Yes' });
        await Promise.race([
          call,
          waitFor('the answer of the tool', async () => {
            if (answer === undefined && (await yes.isVisible())) {
              await yes.click();
            }
            return answer;
          }),
        ]);
        await call;
        return /knows/.test(answer ?? '');
      };
      const upgrade = async (version: string) => {
        const folder = join(workbench.places.workspace, installer.name);
        const [command = ''] = await installer.put(folder, version);
        const end = Date.now();
        await waitFor('the status bar to warn', warns);
        const took = Date.now() - end;
        assert.ok(took < badgeMs, `the badge came ${took} ms after ${installer.name} had ended`);
        const changed = Math.round(
          Date.now() - statSync(installer.name === 'pnpm' ? command : join(folder, 'node_modules', server)).ctimeMs,
        );
        console.log(`the badge came ${took} ms after ${installer.name} had ended, ${changed} ms after the last change on the way`);
      };
      /** A restart has worked: another process, no badge, and its version is known. */
      const settledOn = async (old: string | undefined, version: string) => {
        const fresh = await waitFor('a new process', async () => {
          const now = await pid();
          return now !== undefined && now !== old ? now : undefined;
        });
        const seen = performance.now();
        await waitFor('the badge to go', async () => !(await warns()));
        const took = performance.now() - seen;
        assert.ok(took < badgeMs, `the badge went ${Math.round(took)} ms after the new process was seen`);
        await waitFor('its version', async () => (await labels()).some((label) => label.startsWith(`${installer.name}, runs ${version},`)));
        return fresh;
      };

      it('control: without a restart the old code answers', async () => {
        assert.equal(await knows(), false, 'the older version drops the relation');
        const old = await pid();
        await upgrade(newer);
        assert.equal(await pid(), old);
        assert.equal(await knows(), false, 'the newer version is installed, and still the relation is dropped');
        await waitFor('its row', async () =>
          (await labels()).some((label) => label.startsWith(`${installer.name}, runs ${older}, installed ${newer}`)),
        );
        await workbench.notice(new RegExp(`${installer.name}.*${older}.*${newer}`));
      });

      it('is fixed by a click on Restart in the tooltip of the badge: new process, badge gone, new code answers', async () => {
        const old = await pid();
        const card = await workbench.hover(workbench.statusItem('servers'));
        await workbench.screenshot(`upgrade-by-${installer.name}`);
        await card.locator('a[data-href^="command:mcpShepherd.restartInstance"]').first().click();
        await settledOn(old, newer);
        assert.equal(await knows(), true);
      });

      if (installer.name !== 'npm') {
        // The palette runs the same command, whichever installer put the version there.
        return;
      }

      it('is fixed from the command palette', async () => {
        const old = await pid();
        // Back to the older version: a downgrade is stale as well.
        await upgrade(older);
        assert.equal(await knows(), true, 'control: the newer code still answers');
        await workbench.palette('MCP Shepherd: Restart All Stale');
        await settledOn(old, older);
        assert.equal(await knows(), false, 'the older code answers');
        const second = await pid();
        await upgrade(newer);
        await workbench.palette('MCP Shepherd: Restart Server');
        await workbench.picks(installer.name).first().click();
        await settledOn(second, newer);
        assert.equal(await knows(), true);
      });
    });
  }

  describe('of the Python example', () => {
    before(async function () {
      if (!python) {
        console.log('skipped: needs Linux and a Python with venv and pip');
        this.skip();
      }
      await probe.start('mcp.config.ws0.notes', 'read_note');
    });

    const row = async (text: string): Promise<string | undefined> =>
      (await workbench.rowLabels()).find((label) => label.startsWith('notes,') && label.includes(text));

    it('is shown with the version that it published, and with the resource that it holds', async () => {
      const label = await waitFor('its recorded version', () => row('runs 1.0.0'));
      assertNames(label, 'notes, runs 1.0.0', 'recorded');
      const line = workbench.rows('notes').first();
      await line.waitFor();
      // The card disappears when its row is drawn again, and begins with "Loading...": hover until it has its text.
      const text = await waitFor('the words of the tooltip', async () => {
        const card = await workbench.hover(line);
        return card
          .filter({ hasText: 'PID' })
          .textContent({ timeout: 3_000 })
          .catch(() => undefined);
      });
      assertNames(text, 'Holds ~/notes.');
      assertNames(text, 'the server itself');
      await workbench.screenshot('view-recorded-versions');
    });

    it('shows what it still runs when its package and a dependency are replaced', async () => {
      await installExamples(join(workbench.places.home, 'venv'), { lock: '1.4.0', server: '1.5.0' });
      const label = await waitFor('the replaced version', () => row('installed 1.5.0, stale'));
      assertNames(label, '1.0.0', '1.5.0', 'stale');
      await workbench.screenshot('view-recorded-stale');
    });
  });
});
