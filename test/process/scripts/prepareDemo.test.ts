import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'mocha';
import { staleServer } from '../../../scripts/demo/demoServers.ts';
import { type Demo, prepareDemo } from '../../../scripts/demo/prepareDemo.ts';
import { listProcesses, stillAlive } from '../../../scripts/system/processTree.ts';
import type { Snapshot } from '../../../src/model/snapshot.ts';
import { shippedProgram } from '../shippedProgram.ts';

describe('The demo', function () {
  this.timeout(120_000);
  let folder: string;
  let demo: Demo;

  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'demo-'));
    demo = await prepareDemo(folder, () => {}, { cli: await built(), withEverything: true });
  });
  after(async () => {
    await demo?.dispose();
    rmSync(folder, { recursive: true, force: true });
  });

  /** The command line with the guard beside it, as in `dist`. */
  async function built(): Promise<string> {
    const programs = join(folder, 'programs');
    await shippedProgram('guard', programs);
    return shippedProgram('cli', programs);
  }

  it('has a server that is not started before it is called: a guard runs for it', () => {
    const [guard] = demo.claude.servers.get('files') ?? [];
    assert.ok(guard);
    assert.equal(stillAlive([guard]).length, 1);
    const cli = join(folder, 'programs', 'cli.cjs');
    const answer = execFileSync(process.execPath, [cli, 'status', '--json', '--offline'], { env: demo.env, encoding: 'utf8' });
    const { notStarted } = JSON.parse(answer) as Snapshot;
    assert.deepEqual(
      (notStarted ?? []).map(({ name, guardPid }) => [name, guardPid]),
      [['files', guard.pid]],
    );
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
