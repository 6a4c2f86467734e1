// A server behind our guard, as an observer sees it: the guard's record tells what runs, who guards it, and what can be asked of it.
import assert from 'node:assert/strict';
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'mocha';
import { assertNames } from '../../../names.ts';
import { until } from '../../../until.ts';
import { guardBundle } from '../../guard/guardedServer.ts';
import { onlyOnLinux } from '../../onlyOnLinux.ts';
import { makeProject, npm, npmEnv, servers } from '../../package/npmServers.ts';
import type { RunningServer } from '../../package/observe.ts';
import { headlines, instanceOf, makeWorld, settled, type World } from '../world.ts';

describe('guarded servers in the survey', function () {
  this.timeout(120_000);
  const { memory } = servers;
  const [older, newer] = memory.versions;
  let world: World;

  onlyOnLinux('needs /proc');
  beforeEach(() => {
    world = makeWorld();
    mkdirSync(world.runDir, { mode: 0o700 });
  });
  afterEach(() => world.remove());

  it('A28: have the guard’s record, with the versions that it recorded, also for an observer who comes after the upgrade', async () => {
    const project = join(world.root, 'project');
    await makeProject(project, [`${memory.name}@${older}`]);
    const entry = join(project, 'node_modules', '.bin', memory.bin);
    const args = [await guardBundle(), '--lock', 'name:notes', '--on-stale', 'warn', '--', process.execPath, entry];
    world.write('.claude.json', { mcpServers: { memory: { command: process.execPath, args } } });
    const running = await world.start(process.execPath, args, { cwd: project, env: { ...(await npmEnv()), MCP_RUN_DIR: world.runDir } });
    const guard = running.pid;
    const observer = await world.observer();
    await until('its record', async () => (await observer.survey()).instances.some((one) => one.record?.state === 'running'), 30_000);
    const snapshot = await settled(observer);
    const [instance] = snapshot.instances;
    assert.ok(instance);
    assert.deepEqual(
      [instance.record?.guardPid, instance.record?.locks.map((lock) => lock.resource), instance.record?.control.includes('restart')],
      [guard, ['notes'], true],
    );
    assert.notEqual(instance.pid, guard);
    assert.deepEqual([instance.package?.name, instance.package?.running, instance.package?.origin], [memory.name, older, 'recorded']);
    assert.deepEqual([headlines(instance), snapshot.problems], [[], []]);

    rmSync(join(world.runDir, 'shepherd'), { recursive: true });
    await until('installs are later than the start', () => Date.now() - running.startedAt > 3_000, 20_000);
    await npm(project, 'install', `${memory.name}@${newer}`);
    const late = instanceOf(await settled(await world.observer()), instance.pid);
    assert.deepEqual([late.package?.running, late.package?.installed, headlines(late)], [older, newer, ['stale/package/proven']]);
  });

  it('that use what another one holds, because their user says so, are a conflict for both; one that only reads is none', async () => {
    const project = join(world.root, 'project');
    await makeProject(project, [`${memory.name}@${older}`]);
    const bundle = await guardBundle();
    const entry = join(project, 'node_modules', '.bin', memory.bin);
    const words = (mode: string): string[] => [bundle, '--lock', 'name:notes', '--on-conflict', mode, '--', process.execPath, entry];
    world.write('.claude.json', {
      mcpServers: {
        memory: { command: process.execPath, args: words('warn') },
        reader: { command: process.execPath, args: words('read-only') },
      },
    });
    const env = { ...(await npmEnv()), MCP_RUN_DIR: world.runDir };
    const start = (mode: string): Promise<RunningServer> => world.start(process.execPath, words(mode), { cwd: project, env });
    await start('warn');
    const observer = await world.observer();
    const published = (count: number): Promise<boolean> =>
      until(
        'the records',
        async () => (await observer.survey()).instances.filter((one) => one.record?.state === 'running').length === count,
        30_000,
      );
    await published(1);
    const reader = await start('read-only');
    try {
      await published(2);
      const snapshot = await settled(observer);
      assert.deepEqual(
        snapshot.instances
          .map(({ record, findings }) => [record?.exclusion, record?.locks.length, findings.map(({ kind }) => kind)])
          .sort(),
        [
          ['flock', 0, []],
          ['flock', 1, []],
        ],
      );
    } finally {
      await reader.stop();
    }
    const second = await start('warn');
    try {
      await published(2);
      const snapshot = await settled(observer);
      assert.deepEqual(snapshot.instances.map(({ record }) => record?.exclusion).sort(), ['flock', 'none']);
      for (const instance of snapshot.instances) {
        const other = snapshot.instances.find(({ id }) => id !== instance.id);
        const conflict = instance.findings.find(({ kind }) => kind === 'lock-conflict');
        assert.equal(conflict?.confidence, 'proven');
        assertNames(conflict?.message, `PID ${instance.pid})`, `PID ${other?.pid})`);
      }
    } finally {
      await second.stop();
    }
    await until('it clears', async () => (await settled(observer)).instances.every(({ findings }) => findings.length === 0), 20_000);
  });
});
