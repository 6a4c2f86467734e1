// A hostile project that is only looked at: its window is in Restricted Mode. The same project in a window that trusts it is the control.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { existsSync, lstatSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, it } from 'mocha';
import { installStandIn, type StandIn, startStandIn } from '../../scripts/demo/standIn.ts';
import { installServer } from '../../scripts/system/npmServer.ts';
import { projectRoot } from '../../scripts/system/projectPaths.ts';
import { waitFor } from '../../scripts/system/waitFor.ts';
import type { Snapshot } from '../../src/model/snapshot.ts';
import { type LocalIndex, startIndex } from '../process/registry/localIndex.ts';
import { EditorProbe, installProbe, probeVariable } from './editorProbe.ts';
import { openWorkbench } from './openWorkbench.ts';
import type { Workbench } from './workbench.ts';

const memory = { name: '@modelcontextprotocol/server-memory', version: '2026.8.31', next: '2099.1.1' } as const;

describe('A hostile project', function () {
  this.timeout(180_000);
  let index: LocalIndex;
  let workbench: Workbench | undefined;
  let client: StandIn | undefined;

  beforeEach(async () => {
    index = await startIndex();
    index.npm.set(memory.name, { tags: { latest: memory.next }, versions: { [memory.version]: {}, [memory.next]: {} } });
  });
  afterEach(async () => {
    await client?.dispose();
    await workbench?.close();
    await index.close();
  });

  /** Opens a window on the project, whose server runs under a client that the user has started there. */
  async function open(restricted: boolean): Promise<{ readonly workbench: Workbench; readonly probe: EditorProbe; readonly pid: number }> {
    const opened = await openWorkbench({
      restricted,
      env: { MCP_SHEPHERD_OFFLINE: '' },
      prepare: async ({ home, workspace, extensionsDir }) => {
        installProbe(extensionsDir);
        process.env[probeVariable] = join(home, 'probe-port');
        const args = [await installServer(workspace, memory.name, memory.version)];
        writeFileSync(join(workspace, '.npmrc'), `registry=${index.registry}\n`);
        mkdirSync(join(workspace, '.vscode'));
        const servers = {
          memory: { type: 'stdio', command: process.execPath, args },
          '[evil](command:workbench.action.closeWindow)': { type: 'stdio', command: 'touch', args: [join(home, 'ran')] },
        };
        writeFileSync(join(workspace, '.vscode', 'mcp.json'), JSON.stringify({ servers }));
        writeFileSync(join(home, '.claude.json'), JSON.stringify({ mcpServers: { memory: { command: process.execPath, args } } }));
        const tools = join(home, 'tools');
        mkdirSync(tools);
        client = await startStandIn(installStandIn(tools), workspace, { ...process.env, HOME: home }, [
          { name: 'memory', copies: 1, command: process.execPath, args },
        ]);
      },
    });
    workbench = opened;
    delete process.env[probeVariable];
    const portFile = join(opened.places.home, 'probe-port');
    await waitFor('the probe extension', () => existsSync(portFile), { limit: 60_000 });
    await opened.statusItem('servers').waitFor();
    return { workbench: opened, probe: new EditorProbe(portFile), pid: client?.servers.get('memory')?.[0]?.pid ?? 0 };
  }

  /** The command line, in the home and run folder of the window. */
  async function status({ places }: Workbench): Promise<Snapshot> {
    const env = { ...process.env, HOME: places.home, MCP_RUN_DIR: places.runDir, MCP_SHEPHERD_OFFLINE: '' };
    const args = [join(projectRoot, 'dist', 'cli.cjs'), 'status', '--json', '--folder', places.workspace];
    return JSON.parse((await promisify(execFile)(process.execPath, args, { cwd: places.workspace, env, maxBuffer: 2 ** 26 })).stdout);
  }

  it('control: in a window that trusts it, its registry is asked', async () => {
    const { workbench: opened, probe } = await open(false);
    await waitFor('the question', async () => {
      await probe.command('mcpShepherd.refresh');
      await status(opened);
      return index.asked.length > 0;
    });
  });

  it('in Restricted Mode asks no registry, restarts nothing, runs nothing, and no file of it changes', async () => {
    const { workbench: opened, probe, pid } = await open(true);
    const { workspace, home, runDir } = opened.places;
    await waitFor('the window to publish that it is in Restricted Mode', () => {
      const folder = join(runDir, 'shepherd', 'windows');
      return readdirSync(folder).some((name) => readFileSync(join(folder, name), 'utf8').includes('"restricted":true'));
    });
    assert.deepEqual(index.paths, [], 'no registry was asked before');
    // Its server has another version now, as if it had been updated while it runs.
    const manifest = join(workspace, 'node_modules', memory.name, 'package.json');
    writeFileSync(manifest, readFileSync(manifest, 'utf8').replace(memory.version, memory.next));
    const before = filesOf(workspace);
    const snapshot = await waitFor('both servers in a scan', async () => {
      await probe.command('mcpShepherd.refresh');
      const seen = await status(opened);
      return seen.instances.some((one) => one.pid === pid) && seen.definitions.length >= 3 ? seen : undefined;
    });
    assert.ok(
      snapshot.definitions.some(({ name }) => name.includes('[evil]')),
      'the project is shown',
    );
    await probe.command('mcpShepherd.restartAllStale');
    await probe.command('mcpShepherd.refresh');
    const after = await status(opened);
    assert.ok(
      after.instances.some((one) => one.pid === pid),
      'its server still runs',
    );
    assert.deepEqual(index.paths, [], 'no registry was asked');
    assert.equal(existsSync(join(home, 'ran')), false, 'its command was not run');
    assert.deepEqual(filesOf(workspace), before, 'no file was written');
    assert.equal(await opened.page.locator('a[data-href^="command:workbench.action.closeWindow"]').count(), 0);
  });
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
