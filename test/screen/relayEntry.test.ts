import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'mocha';
import { projectRoot } from '../../scripts/system/projectPaths.ts';
import { waitFor } from '../../scripts/system/waitFor.ts';
import { childrenOf, processesWith } from '../process/guard/guardedServer.ts';
import { copyServer } from '../process/package/npmServers.ts';
import { EditorProbe, installProbe, probeVariable } from './editorProbe.ts';
import { openWorkbench } from './openWorkbench.ts';
import type { Workbench } from './workbench.ts';

const server = 'mcp.config.ws0.notes';

describe('An entry with a relay', function () {
  this.timeout(300_000);
  let workbench: Workbench;
  let probe: EditorProbe;
  let script = '';

  before(async () => {
    workbench = await openWorkbench({
      size: { width: 1400, height: 760 },
      prepare: async ({ workspace, home, extensionsDir }) => {
        installProbe(extensionsDir);
        probe = new EditorProbe(join(home, 'probe-port'));
        process.env[probeVariable] = join(home, 'probe-port');
        script = await copyServer(workspace, '@modelcontextprotocol/server-memory', '2026.8.31');
        mkdirSync(join(workspace, '.vscode'));
        const dist = join(projectRoot, 'dist');
        const relay = [join(dist, 'relay.pl'), process.execPath, join(dist, 'guard.cjs'), '--relay', '--start', 'lazy', '--'];
        const notes = {
          ...{ type: 'stdio', command: '/usr/bin/perl', args: [...relay, process.execPath, script] },
          env: { MEMORY_FILE_PATH: join(home, 'memory.json') },
        };
        writeFileSync(join(workspace, '.vscode', 'mcp.json'), JSON.stringify({ servers: { notes } }));
      },
    });
  });
  after(async () => {
    delete process.env[probeVariable];
    await workbench?.close();
  });

  const relays = (): number[] => processesWith(`\0--start\0lazy\0--\0${process.execPath}\0${script}`);
  const servers = (): number[] => relays().flatMap(childrenOf);

  it('works with VS Code’s own client: tools are listed before the server runs, and called; the view shows the host', async () => {
    await workbench.openView('MCP Servers');
    await probe.start(server, 'read_graph');
    await waitFor('the first session to start it', () => servers().length === 1);
    await probe.command('workbench.mcp.stopServer', server);
    await waitFor('the first session to end', () => relays().length === 0);
    await probe.start(server, 'read_graph');
    await waitFor('a relay', () => relays().length === 1);
    assert.match(readFileSync(`/proc/${relays()[0]}/cmdline`, 'latin1'), /^\/usr\/bin\/perl/);
    assert.deepEqual(servers(), [], 'the tools are listed, and no server runs');
    const answer = probe.tool('read_graph', {});
    await waitFor('its server', () => servers().length === 1);
    assert.match(await answer, /entities/);
    await waitFor('the host in the view', async () =>
      (await workbench.rowLabels()).some((label) => /The host \(PID \d+.*1 server/.test(label)),
    );
    await workbench.screenshot('relay-host-dark');
  });
});
