// What a desktop's log of thirty hours showed (two servers on one store for 1 h 17 min; a server back 1 min and 18 min after its end), seen from processes alone.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'mocha';
import { changeLines } from '../../../src/cli/render/changes.ts';
import type { Clock } from '../../../src/survey/facts/bootClock.ts';
import { assertNames } from '../../names.ts';
import { onlyOnLinux } from '../onlyOnLinux.ts';
import { makeProject, npmEnv, servers } from '../package/npmServers.ts';
import type { RunningServer } from '../package/observe.ts';
import { headlines, instanceOf, makeWorld, settled, type World } from './world.ts';

const minuteMs = 60_000;

describe('the patterns of a desktop log', function () {
  this.timeout(120_000);
  let world: World;
  let project = '';
  let later = 0;
  /** The machine's clock plus an offset, so that the test need not wait for an hour. */
  const clock: Clock = { now: () => Date.now() + later, uptime: () => performance.now() + later };

  onlyOnLinux('needs /proc');
  beforeEach(async () => {
    later = 0;
    world = makeWorld();
    project = join(world.root, 'project');
    const { memory } = servers;
    await makeProject(project, [`${memory.name}@${memory.versions[0]}`]);
    world.write('.claude.json', {
      mcpServers: { memory: { command: process.execPath, args: [join(project, 'node_modules', '.bin', memory.bin)] } },
    });
  });
  afterEach(() => world.remove());

  const start = async (): Promise<RunningServer> => {
    const entry = join(project, 'node_modules', '.bin', servers.memory.bin);
    return world.start(process.execPath, [entry], { cwd: project, env: await npmEnv() });
  };

  it('B19: pattern A, two servers of one client for 1 h 17 min: said with both PIDs and since when, and gone with one of them', async () => {
    const first = await start();
    const observer = await world.observer({ clock });
    assert.deepEqual(headlines(instanceOf(await settled(observer), first.pid)), []);
    const second = await start();
    later = 77 * minuteMs;
    const snapshot = await settled(observer);
    const old = instanceOf(snapshot, first.pid);
    assert.deepEqual(headlines(old), ['duplicate/proven']);
    assertNames(old.findings[0]?.evidence.join('\n'), `PID ${first.pid} since`, `PID ${second.pid} since`);
    assert.equal(old.findings[0]?.since, instanceOf(snapshot, second.pid).startedAt);
    assert.deepEqual(headlines(instanceOf(snapshot, second.pid)), []);
    await first.stop();
    assert.deepEqual(headlines(instanceOf(await settled(observer), second.pid)), []);
  });

  it('B19: pattern B, a server that is back 1 min and 18 min after its end: two ends and two starts of other processes, and nothing wrong', async () => {
    const observer = await world.observer({ clock });
    let server = await start();
    let before = await settled(observer);
    for (const gap of [1, 18]) {
      const gone = server.pid;
      await server.stop();
      later += (gap * minuteMs) / 2;
      const between = await settled(observer);
      assert.deepEqual(between.instances, []);
      later += (gap * minuteMs) / 2;
      server = await start();
      const after = await settled(observer);
      const instance = instanceOf(after, server.pid);
      assert.deepEqual([headlines(instance), instance.pid === gone], [[], false]);
      const [ended = '', started = '', ...others] = [...changeLines(before, between), ...changeLines(between, after)];
      assertNames(ended, '- memory', `PID ${gone}`, 'ended');
      assertNames(started, '+ memory', `PID ${server.pid}`);
      assert.deepEqual(others, []);
      before = after;
    }
  });
});
