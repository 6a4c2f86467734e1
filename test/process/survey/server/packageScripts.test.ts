// Servers that a client starts by a package script, with the real npm: the script is removed or starts something else.
import assert from 'node:assert/strict';
import { cpSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { startToleranceMs } from '../../../../src/diagnosis/stale/baseline.ts';
import type { Instance } from '../../../../src/model/snapshot.ts';
import { assertNames } from '../../../names.ts';
import { untilPast } from '../../../until.ts';
import { npmEnv } from '../../package/npmServers.ts';
import { nodeServer } from '../tinyServers.ts';
import { headlines, instanceOf, makeWorld, settled, type World } from '../world.ts';

describe('a server that is started by a package script', function () {
  this.timeout(120_000);
  let world: World;
  let project: string;
  beforeEach(() => {
    world = makeWorld();
    project = join(world.root, 'project');
    nodeServer(project);
  });
  afterEach(() => world.remove());

  function describePackage(scripts: Readonly<Record<string, string>>): void {
    writeFileSync(join(project, 'package.json'), JSON.stringify({ name: 'tiny-mcp', version: '1.0.0', type: 'module', scripts }));
  }

  async function start(line: string): Promise<number> {
    describePackage({ serve: line });
    await untilPast(Date.now(), startToleranceMs + 200);
    const args = ['run', '--silent', 'serve'];
    world.write('.claude.json', { mcpServers: { tiny: { command: 'npm', args, cwd: project } } });
    const { pid } = await world.start('npm', args, { cwd: project, env: await npmEnv() });
    const first = await look(pid, 'run');
    assert.deepEqual([headlines(first), first.unknown], [[], undefined]);
    await untilPast(Date.now(), startToleranceMs + 200);
    return pid;
  }

  async function look(pid: number, runDir: 'run' | 'late'): Promise<Instance> {
    const snapshot = await settled(await world.observer({ runDir: join(world.root, runDir) }));
    const found = snapshot.instances.find((one) => one.launchers.some((launcher) => launcher.pid === pid));
    return found ?? instanceOf(snapshot, pid);
  }

  it('says that the script is gone, because a restart fails', async () => {
    const pid = await start('node server.js');
    describePackage({ other: 'node server.js' });
    const seen = await look(pid, 'run');
    assert.deepEqual(headlines(seen), ['files-gone/proven'], JSON.stringify(seen));
    assertNames(seen.findings[0]?.message, 'serve');
    assert.deepEqual(headlines(await look(pid, 'late')), ['files-gone/likely']);
    describePackage({ serve: 'node server.js', other: 'true' });
    assert.deepEqual(headlines(await look(pid, 'run')), [], 'it is back');
  });

  it('is stale when the script starts another file, and unknown when it starts another package', async () => {
    const pid = await start('node server.js');
    cpSync(join(project, 'server.js'), join(project, 'other.js'));
    describePackage({ serve: 'node --no-warnings server.js', other: 'node other.js' });
    assert.deepEqual(headlines(await look(pid, 'run')), [], 'the same file');
    describePackage({ serve: 'node other.js' });
    const other = await look(pid, 'run');
    assert.deepEqual(headlines(other), ['stale/source/likely']);
    assertNames(other.findings[0]?.message, join(project, 'server.js'), join(project, 'other.js'));
    nodeServer(join(project, 'inner'));
    writeFileSync(join(project, 'inner', 'package.json'), JSON.stringify({ name: 'inner-mcp', version: '3.0.0', type: 'module' }));
    describePackage({ serve: 'node inner/server.js' });
    const inner = await look(pid, 'run');
    assert.deepEqual(headlines(inner), []);
    assertNames(inner.unknown, 'inner-mcp');
  });
});
