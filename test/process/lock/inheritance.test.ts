// A lock that a child inherits is held while either process runs, and no longer: shown with real processes.
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'mocha';
import { clearDeadRecords } from '../../../src/lock/clearDeadRecords.ts';
import { holdResources } from '../../../src/lock/holdResources.ts';
import { newInstanceId, writeInstanceRecord } from '../../../src/lock/instanceRecord.ts';
import { type KernelLock, lockFile } from '../../../src/lock/kernelLock.ts';
import { livenessOf } from '../../../src/lock/liveness.ts';
import { lockHolders } from '../../../src/lock/lockHolders.ts';
import { readProcessStarts } from '../../../src/lock/processStarts.ts';
import { resourceKey } from '../../../src/lock/resourceKey.ts';
import { someRecord } from '../../unit/lock/records.ts';
import { until } from '../../until.ts';
import { onlyOnLinux } from '../onlyOnLinux.ts';
import { ended, LockHome } from './lockHome.ts';

describe('A lock that a child inherits', function () {
  this.timeout(60_000);
  let home: LockHome;
  let path = '';

  onlyOnLinux('written for flock(2); on Windows the child ends with its guard');
  beforeEach(() => {
    home = new LockHome();
    path = join(home.directory.locks, `${'a'.repeat(32)}.lock`);
  });
  afterEach(() => home.clean());

  const take = async (): Promise<KernelLock> => {
    const attempt = await lockFile(path, { waitMs: 5_000 });
    assert.ok(attempt.status === 'locked', JSON.stringify(attempt));
    return attempt.lock;
  };
  const isHeld = async (): Promise<boolean> => {
    const attempt = await lockFile(path);
    if (attempt.status === 'locked') {
      attempt.lock.release();
    }
    return attempt.status === 'held';
  };
  const withLock = async (script: string, fd: number, detached = false): Promise<{ child: ChildProcess; first: string }> => {
    const child = spawn('/bin/sh', ['-c', script], { stdio: ['pipe', 'pipe', 'inherit', fd], detached });
    home.adopt(child);
    const first = await new Promise<string>((resolve) => child.stdout?.once('data', (chunk) => resolve(String(chunk).trim())));
    return { child, first };
  };

  it('test 17: stays held while the server lives, and is free after it', async () => {
    const lock = await take();
    const { child } = await withLock('echo up; read -r line', lock.fd);
    lock.release();
    assert.equal(await isHeld(), true);
    assert.deepEqual(
      lockHolders(path)?.map((holder) => holder.pid),
      [child.pid],
    );
    await ended(child);
    assert.equal(await isHeld(), false);
  });

  it('test 19: closing leaves it with a stray descendant, unlocking does not', async () => {
    for (const unlock of [false, true]) {
      const lock = await take();
      const { child, first } = await withLock('sleep 600 >/dev/null & echo $!', lock.fd);
      try {
        await until('the server is gone', () => child.exitCode !== null);
        if (unlock) {
          assert.equal(await lock.unlock(), true);
        } else {
          lock.release();
        }
        assert.equal(await isHeld(), !unlock);
      } finally {
        process.kill(Number(first), 'SIGKILL');
      }
      await until('it is free', async () => !(await isHeld()));
    }
  });

  it('test 19: an instance that unlocks and closes leaves nothing, not even to a stray descendant', async () => {
    const starts = await readProcessStarts();
    const resource = resourceKey('path', home.root);
    const server = { pid: process.pid, start: (await starts.startOf(process.pid)) ?? '?' };
    const request = { directory: home.directory, starts, resources: [resource], facts: { serverId: 'memory', server } };
    const first = await holdResources(request);
    assert.ok(first.status === 'held-by-us', JSON.stringify(first));
    const stray = await withLock('sleep 600 >/dev/null & echo $!', first.instance.locks[0]?.fd ?? -1);
    try {
      await first.instance.unlockAndClose();
      first.instance.close();
      const second = await holdResources(request);
      assert.ok(second.status === 'held-by-us', JSON.stringify(second));
      second.instance.close();
    } finally {
      process.kill(Number(stray.first), 'SIGKILL');
    }
  });

  it('test 18: guard and launcher killed, the server below is found by its group: no second one starts, nothing is removed', async () => {
    const starts = await readProcessStarts();
    const resource = resourceKey('path', home.root);
    // A launcher like npx: in a group of its own, with the server below it.
    const { child: launcher, first } = await withLock('sleep 600 >/dev/null & echo $!; wait', 1, true);
    const server = Number(first);
    try {
      const mark = { pid: launcher.pid ?? 0, start: (await starts.startOf(launcher.pid ?? 0)) ?? '?' };
      const record = someRecord({
        id: newInstanceId(),
        host: { boot: starts.boot, pidns: starts.pidns },
        guard: { pid: 2 ** 22 + 5, start: 'lx:1' },
        server: { ...mark, pgid: mark.pid },
        locks: [{ ...resource }],
      });
      writeInstanceRecord(home.directory, record);
      assert.equal((await livenessOf(record, starts)).life, 'alive');
      launcher.kill('SIGKILL');
      await until('the launcher is gone', () => launcher.signalCode !== null);
      assert.equal((await livenessOf(record, await readProcessStarts())).life, 'unknown');
      const request = { directory: home.directory, resources: [resource], facts: { serverId: 'memory' } };
      const refused = await holdResources({ ...request, starts: await readProcessStarts() });
      assert.ok(refused.status === 'orphan', JSON.stringify(refused));
      assert.equal(refused.certain, false);
      assert.deepEqual(await clearDeadRecords(home.directory, await readProcessStarts()), []);
      process.kill(server, 'SIGKILL');
      await until('the group is gone', async () => (await livenessOf(record, await readProcessStarts())).life === 'dead');
      assert.deepEqual(await clearDeadRecords(home.directory, await readProcessStarts()), [record.id]);
    } finally {
      try {
        process.kill(server, 'SIGKILL');
      } catch {
        // Gone, as it should be.
      }
    }
  });
});
