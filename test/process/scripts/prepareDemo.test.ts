import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'mocha';
import { staleServer } from '../../../scripts/demo/demoServers.ts';
import { type Demo, prepareDemo } from '../../../scripts/demo/prepareDemo.ts';
import { listProcesses, stillAlive } from '../../../scripts/system/processTree.ts';

describe('The demo', function () {
  this.timeout(120_000);
  let folder: string;
  let demo: Demo;

  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'demo-'));
    demo = await prepareDemo(folder, () => {}, { withEverything: true });
  });
  after(async () => {
    await demo?.dispose();
    rmSync(folder, { recursive: true, force: true });
  });

  it('has a server that one client runs twice', () => {
    assert.equal(stillAlive(demo.duplicates).length, 2);
    assert.deepEqual(
      demo.duplicates.map((entry) => entry.ppid),
      [demo.claude.pid, demo.claude.pid],
    );
  });

  it('B20: has a server whose client is gone', () => {
    const now = listProcesses().get(demo.orphan.pid);
    assert.ok(now, 'the orphan is not alive');
    assert.notEqual(now.ppid, demo.orphan.ppid);
    assert.equal(listProcesses().has(demo.orphan.ppid), false);
  });

  it('has a server that is replaced on disk while it runs', async () => {
    const installed = (): string =>
      JSON.parse(readFileSync(join(demo.workspace, 'node_modules', staleServer.name, 'package.json'), 'utf8')).version;
    const running = demo.claude.servers.get('everything') ?? [];
    assert.equal(installed(), staleServer.old);
    await demo.upgrade();
    assert.equal(installed(), staleServer.new);
    assert.equal(stillAlive(running).length, 1);
  });

  it('ends everything that it started', async () => {
    const everything = [...demo.claude.servers.values()].flat().concat(demo.orphan);
    assert.equal(stillAlive(everything).length, 5);
    await demo.dispose();
    assert.deepEqual(stillAlive(everything), []);
  });
});
