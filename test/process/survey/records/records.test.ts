// What servers say of themselves in the folder of the lock protocol: believed where the process list agrees, shown where it helps, harmless where it lies.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readdirSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, afterEach, before, beforeEach, describe, it } from 'mocha';
import { silentLog } from '../../../../src/base/log.ts';
import { type InstanceRecord, listInstanceRecords, newInstanceId, writeInstanceRecord } from '../../../../src/lock/instanceRecord.ts';
import { type LockDirectory, openLockDirectory } from '../../../../src/lock/lockDirectory.ts';
import { type ProcessStarts, readProcessStarts } from '../../../../src/lock/processStarts.ts';
import { resourceKey } from '../../../../src/lock/resourceKey.ts';
import type { Snapshot } from '../../../../src/model/snapshot.ts';
import { startLiveSurvey } from '../../../../src/survey/liveSurvey.ts';
import { assertNames } from '../../../names.ts';
import { someRecord } from '../../../unit/lock/records.ts';
import { until } from '../../../until.ts';
import { LockHome } from '../../lock/lockHome.ts';
import { installExamples, installNotesServer } from '../../lock/notesServer.ts';
import type { RunningServer } from '../../package/observe.ts';
import { findPython, venvPath } from '../../package/pythonWheels.ts';
import { headlines, instanceOf, makeWorld, settled, type World } from '../world.ts';

describe('records in the survey', function () {
  this.timeout(120_000);
  let template: LockHome;
  let world: World;
  let venv = '';
  let directory: LockDirectory;
  let starts: ProcessStarts;

  before(async function () {
    if (process.platform !== 'linux' || (await findPython()) === undefined) {
      console.log('skipped: needs Linux and a Python with venv and pip');
      this.skip();
    }
    template = new LockHome();
    starts = await readProcessStarts();
    await installNotesServer(join(template.root, 'venv'));
  });
  after(() => template?.clean());
  beforeEach(async () => {
    world = makeWorld();
    const opened = openLockDirectory(join(world.runDir, 'v1'));
    assert.ok('directory' in opened);
    directory = opened.directory;
    venv = join(world.root, 'venv');
  });
  afterEach(() => world.remove());

  const start = async (folder: string, command = venvPath(venv, 'notes-mcp')): Promise<RunningServer> => {
    const env = { ...process.env, MCP_RUN_DIR: world.runDir };
    return world.start(command, [join(world.root, folder)], { cwd: world.root, env });
  };
  const shared = (): string => venvPath(join(template.root, 'venv'), 'notes-mcp');
  const recordOf = (pid: number): InstanceRecord => {
    for (const reading of listInstanceRecords(directory)) {
      if (reading.status === 'ok' && reading.record.server?.pid === pid) {
        return reading.record;
      }
    }
    throw new Error(`PID ${pid} has no record`);
  };
  const look = async (): Promise<Snapshot> => settled(await world.observer());

  it('A28: names the versions that the server wrote down, also to an observer who comes after the upgrade', async () => {
    await installNotesServer(venv);
    const server = await start('notes');
    const observer = await world.observer();
    const before = instanceOf(await settled(observer), server.pid);
    assert.deepEqual([before.package?.running, before.package?.installed, before.package?.origin], ['1.0.0', '1.0.0', 'recorded']);
    assert.deepEqual(headlines(before), []);
    assert.deepEqual(
      [before.record?.serverId, before.record?.state, before.record?.exclusion, before.record?.locks.map((lock) => lock.resource)],
      ['notes-mcp', 'running', 'flock', [join(world.root, 'notes')]],
    );
    await until('installs are later than the start by more than the tolerance', () => Date.now() - server.startedAt > 2_500, 20_000);
    await installExamples(venv, { lock: '1.1.0', server: '1.3.0' });
    assert.deepEqual(headlines(instanceOf(await settled(observer), server.pid)), ['stale/package/proven']);
    // Its first look, in a run folder without facts; the records alone are the same.
    const late = join(world.root, 'late');
    mkdirSync(late, { mode: 0o700 });
    cpSync(join(world.runDir, 'v1'), join(late, 'v1'), { recursive: true });
    for (const part of ['', 'instances', 'locks', 'intents']) {
      execFileSync('chmod', ['700', join(late, 'v1', part)]);
    }
    const after = instanceOf(await settled(await world.observer({ runDir: late })), server.pid);
    assert.deepEqual([after.package?.running, after.package?.installed], ['1.0.0', '1.3.0']);
    assert.deepEqual(headlines(after), ['stale/package/proven']);
    assert.deepEqual(
      after.changedDependencies.map(({ name, running, installed }) => [name, running, installed]),
      [['example-instance-lock', '1.0.0', '1.1.0']],
    );
    assertNames(after.findings[0]?.evidence.join('\n'), 'recorded which versions');

    // Control: without the record its version is not known.
    rmSync(join(late, 'v1'), { recursive: true });
    rmSync(join(late, 'shepherd'), { recursive: true });
    const blind = instanceOf(await settled(await world.observer({ runDir: late })), server.pid);
    assert.deepEqual([blind.package?.running, headlines(blind)], [null, ['stale/package/likely']]);
  });

  it('does not believe a version that the files of a settled installation contradict', async () => {
    const server = await start('notes', shared());
    writeInstanceRecord(directory, {
      ...recordOf(server.pid),
      seq: 2,
      package: { ecosystem: 'pypi', name: 'notes-mcp', version: '0.0.1' },
    });
    // Installed long before the start.
    const instance = instanceOf(await look(), server.pid);
    assert.deepEqual([instance.package?.running, instance.package?.origin, headlines(instance)], ['1.0.0', undefined, []]);
  });

  it('shows a conflict on both sides, with both PIDs, when one runs without exclusion, under another name, or beside a stranger', async () => {
    const one = await start('one', shared());
    const two = await start('two', shared());
    const [mine, theirs] = [recordOf(one.pid), recordOf(two.pid)];
    assert.deepEqual(headlines(instanceOf(await look(), one.pid)), []);
    const publish = (changes: Partial<InstanceRecord>): void =>
      writeInstanceRecord(directory, { ...theirs, seq: theirs.seq + 1, ...changes });

    publish({ exclusion: 'none', locks: mine.locks });
    let snapshot = await look();
    for (const [pid, other] of [
      [one.pid, two.pid],
      [two.pid, one.pid],
    ] as const) {
      const instance = instanceOf(snapshot, pid);
      assert.deepEqual(headlines(instance), ['lock-conflict/proven']);
      assertNames(instance.findings[0]?.message, `PID ${pid})`, `PID ${other})`);
      assertNames(instance.findings[0]?.evidence.join('\n'), `PID ${one.pid} (notes-mcp)`);
    }

    const alias = resourceKey('path', join(world.root, 'one'));
    publish({ locks: [{ ...alias, key: 'e'.repeat(32), resource: '/mnt/same' }] });
    snapshot = await look();
    assert.deepEqual(headlines(instanceOf(snapshot, one.pid)), ['lock-conflict/proven']);
    assertNames(instanceOf(snapshot, two.pid).findings[0]?.message, 'one directory', '/mnt/same', 'one');

    // Both say that the kernel keeps theirs: one of them is mistaken.
    publish({ locks: mine.locks });
    assert.deepEqual(headlines(instanceOf(await look(), one.pid)), ['lock-conflict/likely']);

    const key = resourceKey('name', 'another-server');
    const stranger = await template.hold(join(directory.locks, `${key.key}.lock`));
    publish({ exclusion: 'none', locks: [{ ...key }] });
    snapshot = await look();
    assert.deepEqual(headlines(instanceOf(snapshot, one.pid)), []);
    assert.deepEqual(headlines(instanceOf(snapshot, two.pid)), ['lock-conflict/proven']);
    assertNames(instanceOf(snapshot, two.pid).findings[0]?.message, `PID ${stranger.pid} (perl)`);

    // A server that is starting or stopping is no conflict.
    publish({ exclusion: 'none', locks: mine.locks, state: 'stopping' });
    assert.deepEqual(headlines(instanceOf(await look(), one.pid)), []);
    publish({});
    assert.deepEqual(headlines(instanceOf(await look(), one.pid)), []);
  });

  it('B8, tests 7, 8: hostile records are problems, without a process, and hide no server', async () => {
    const server = await start('notes', shared());
    const host = { boot: starts.boot, pidns: starts.pidns };
    const plant = (content: string): string => {
      const file = join(directory.instances, `${newInstanceId()}.json`);
      writeFileSync(file, content, { mode: 0o600 });
      return file;
    };
    const good = recordOf(server.pid);
    const huge = plant('');
    truncateSync(huge, 2 ** 30);
    const fifo = join(directory.instances, `${newInstanceId()}.json`);
    execFileSync('mkfifo', [fifo]);
    const newer = plant('{"ilp":2,"minReader":2}');
    const init = plant(JSON.stringify({ ...good, id: newInstanceId(), server: { pid: 1, start: 'lx:1' } }));
    // The test itself: alive, and no MCP server.
    const ours = someRecord({
      id: newInstanceId(),
      host,
      server: { pid: process.pid, start: (await starts.startOf(process.pid)) ?? '?' },
    });
    writeInstanceRecord(directory, ours);
    const other = template.start('sleep', ['600']);
    const stale = someRecord({ id: newInstanceId(), host, server: { pid: other.pid, start: 'lx:1' } });
    writeInstanceRecord(directory, stale);
    // Another user's process, by its true start.
    const strangers =
      process.getuid?.() === 0
        ? template.start('setpriv', ['--reuid=65534', '--regid=65534', '--clear-groups', 'sleep', '600'])
        : undefined;
    const foreign = someRecord({
      id: newInstanceId(),
      host,
      server: { pid: strangers?.pid ?? 2, start: (await starts.startOf(strangers?.pid ?? 2)) ?? '?' },
    });
    if (strangers) {
      await until('it is another user’s', () => statSync(`/proc/${strangers.pid}`).uid === 65_534);
      writeInstanceRecord(directory, foreign);
    }
    const elsewhere = someRecord({
      id: newInstanceId(),
      host: { ...host, pidns: '1' },
      server: { pid: server.pid, start: good.server?.start ?? '' },
    });
    writeInstanceRecord(directory, elsewhere);

    const snapshot = await look();
    const instance = instanceOf(snapshot, server.pid);
    assert.deepEqual([instance.record?.id, headlines(instance)], [good.id, []]);
    const told = (file: string): string | undefined =>
      snapshot.problems.find((problem) => problem.source === 'lock' && problem.file === file)?.message;
    for (const file of [huge, fifo, init]) {
      assertNames(told(file), 'is ignored');
    }
    assertNames(told(newer), 'later version');
    assert.deepEqual(
      snapshot.otherHolders?.map(({ pid, record }) => [pid, record.id]),
      [[process.pid, ours.id]],
    );
    assert.equal(told(join(directory.instances, `${stale.id}.json`)), undefined);
    if (strangers) {
      assertNames(told(join(directory.instances, `${foreign.id}.json`)), `PID ${strangers.pid}`);
    } else {
      console.log('      another user’s process: skipped, only root can start one');
    }
    assert.equal(
      snapshot.instances.some(({ pid }) => pid === process.pid || pid === other.pid),
      false,
    );
  });

  it('test 33: a thousand dead records (ten in test:long) are looked at once, stay while a command reads, and go in small steps', async () => {
    const text = JSON.stringify(
      someRecord({ host: { boot: starts.boot, pidns: starts.pidns }, server: { pid: 2 ** 22 + 5, start: 'lx:1' } }),
    );
    // Reading ten thousand is in the tests of the lock folder.
    const count = process.env.TEST_LONG === '1' ? 10_000 : 1_000;
    for (let index = 0; index < count; index += 1) {
      const id = index.toString(16).padStart(32, '0');
      writeFileSync(join(directory.instances, `${id}.json`), text.replace(/"id":"[^"]*"/, `"id":"${id}"`), { mode: 0o600 });
    }
    const server = await start('notes', shared());
    const observer = await world.observer();
    const times: number[] = [];
    for (let round = 0; round < 3; round += 1) {
      const began = performance.now();
      assert.ok(instanceOf(await observer.survey(), server.pid).record);
      times.push(Math.round(performance.now() - began));
    }
    console.log(`      surveys with ${count} dead records: ${times.join(', ')} ms`);
    const jsons = (): number => readdirSync(directory.instances).filter((name) => name.endsWith('.json')).length;
    assert.equal(jsons(), count + 1);
    await observer.tidy();
    assert.equal(jsons(), count + 1 - 50);
    assert.ok(instanceOf(await observer.survey(), server.pid).record);
  });

  it('a new record shows within a second', async () => {
    const server = await start('notes', shared());
    const record = recordOf(server.pid);
    const file = join(directory.instances, `${record.id}.json`);
    rmSync(file);
    const live = startLiveSurvey(await world.observer(), silentLog);
    try {
      const shown = (): boolean => live.snapshot?.instances.some((one) => one.pid === server.pid && one.record !== undefined) ?? false;
      await until('the server is seen', () => live.snapshot?.instances.some((one) => one.pid === server.pid) ?? false, 30_000);
      assert.equal(shown(), false);
      writeInstanceRecord(directory, record);
      const began = performance.now();
      await until('the record is seen', shown, 20_000);
      console.log(`      seen after ${Math.round(performance.now() - began)} ms`);
    } finally {
      live.dispose();
    }
  });

  it('a folder that others may write to is said, and nothing in it is read', async () => {
    const server = await start('notes', shared());
    execFileSync('chmod', ['777', directory.instances]);
    const snapshot = await look();
    assert.equal(instanceOf(snapshot, server.pid).record, undefined);
    assertNames(snapshot.problems.find(({ source }) => source === 'lock')?.message, 'chmod 700');
    assert.ok(existsSync(directory.instances));
  });
});
