import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'mocha';
import { findFlockHelpers } from '../../../src/lock/flockHelper.ts';
import { type KernelLock, type LockAttempt, type LockOptions, lockFile } from '../../../src/lock/kernelLock.ts';
import { lockHolders } from '../../../src/lock/lockHolders.ts';
import { openProgram, otherUser } from '../../otherUser.ts';
import { onlyOnLinux } from '../onlyOnLinux.ts';
import { ended, LockHome } from './lockHome.ts';

// Numbers are those of the protocol's list of tests. With the guard and the windows come 17 to 20, 22, 23, 24 and 30;
// with locks of other programs 31; with the actions 34. 29 needs Windows.
describe('The kernel lock', () => {
  let home: LockHome;
  let path = '';
  const locks: KernelLock[] = [];

  onlyOnLinux('written for flock(2) through a helper; macOS and Windows take the lock with an open flag, not run yet');
  beforeEach(() => {
    home = new LockHome();
    path = join(home.directory.locks, `${'a'.repeat(32)}.lock`);
  });
  afterEach(async () => {
    for (const lock of locks.splice(0)) {
      lock.release();
    }
    await home.clean();
  });

  const attempt = async (options?: LockOptions): Promise<LockAttempt> => {
    const result = await lockFile(path, options);
    if (result.status === 'locked') {
      locks.push(result.lock);
    }
    return result;
  };
  const take = async (options?: LockOptions): Promise<KernelLock> => {
    const result = await attempt(options);
    assert.equal(result.status, 'locked', JSON.stringify(result));
    return (result as { lock: KernelLock }).lock;
  };

  it('is held until released, by an empty file for this user alone that stays', async () => {
    const lock = await take();
    assert.equal((await attempt()).status, 'held');
    lock.release();
    lock.release();
    const info = statSync(path);
    assert.deepEqual([info.size, info.mode & 0o777], [0, 0o600]);
    await take();
  });

  for (const program of ['flock', 'busybox', 'perl', 'python3']) {
    it(`test 3: the helper ${program} locks what Node opened, and sees what others hold`, async function () {
      const helpers = findFlockHelpers(undefined, [program]);
      if (helpers.length === 0) {
        console.log(`      skipped: no ${program} in the system’s folders`);
        this.skip();
      }
      const lock = await take({ helpers });
      assert.equal((await attempt()).status, 'held');
      lock.release();
      const other = await home.hold(path);
      assert.equal((await attempt({ helpers })).status, 'held');
      await ended(other);
      await take({ helpers });
    });
  }

  it('is not inherited by children, and survives reading the file', async () => {
    const lock = await take();
    const child = home.start('sleep', ['60']);
    assert.equal(readFileSync(path, 'utf8'), '');
    assert.equal((await attempt()).status, 'held');
    lock.release();
    assert.equal(child.exitCode, null);
    await take();
  });

  it('is freed when its holder is killed', async () => {
    const other = await home.hold(path);
    assert.equal((await attempt({ waitMs: 100 })).status, 'held');
    await ended(other);
    await take();
  });

  it('tests 2, 16: a stopped holder keeps it however long it is stopped, and no other process breaks it', async () => {
    const other = await home.hold(path);
    other.kill('SIGSTOP');
    const start = performance.now();
    assert.equal((await attempt({ waitMs: 900 })).status, 'held');
    assert.ok(performance.now() - start >= 900);
    other.kill('SIGCONT');
    other.stdin?.end();
    await take({ waitMs: 5_000 });
  });

  it('B12: taken and let go again and again it leaves no descriptor; within one process it is held as well', async () => {
    const count = process.env.TEST_LONG === '1' ? 1_000 : 200;
    const open = (): number => readdirSync('/proc/self/fd').length;
    (await take()).release();
    const before = open();
    for (let round = 0; round < count; round += 1) {
      const lock = await take();
      if (round % 10 === 0) {
        assert.equal((await attempt()).status, 'held');
      }
      lock.release();
    }
    assert.equal(open(), before);
  });

  it('B29, test 15: no clock breaks it: the age of the file and a wall clock a year off mean nothing', async () => {
    await home.hold(path);
    utimesSync(path, 0, 0);
    const real = Date.now;
    try {
      for (const off of [-1, 1]) {
        Date.now = () => real() + off * 31_557_600_000;
        const start = performance.now();
        assert.equal((await attempt({ waitMs: 50 })).status, 'held');
        assert.ok(performance.now() - start < 5_000);
      }
    } finally {
      Date.now = real;
    }
  });

  it('test 13: a holder in another PID namespace holds it', async function () {
    try {
      execFileSync('unshare', ['-pf', 'true'], { stdio: 'ignore' });
    } catch {
      console.log('      skipped: this machine makes no PID namespaces for us');
      this.skip();
    }
    await home.hold(path, ['unshare', '-pf', '--kill-child']);
    assert.equal((await attempt()).status, 'held');
  });

  it('test 5: a lock file that is deleted or replaced is noticed by its holder', async () => {
    const lock = await take();
    assert.equal(lock.isIntact(), true);
    renameSync(path, `${path}.away`);
    assert.equal(lock.isIntact(), false);
    writeFileSync(path, '', { mode: 0o600 });
    assert.equal(lock.isIntact(), false);
    rmSync(path);
    renameSync(`${path}.away`, path);
    assert.equal(lock.isIntact(), true);
  });

  it('test 5: a process that waits for a file that is deleted does not take the nameless one for the lock', async () => {
    const hung = join(home.root, 'helper');
    // A helper that deletes the file before it locks, once.
    writeFileSync(hung, `#!/bin/sh\nif [ ! -e ${hung}.done ]; then : > ${hung}.done; rm -f ${path}; fi\nexec flock -x -n 3\n`, {
      mode: 0o755,
    });
    const lock = await take({ helpers: [{ program: hung, args: [] }, ...findFlockHelpers()] });
    assert.equal(lock.isIntact(), true);
    assert.equal((await attempt()).status, 'held');
  });

  it('B9, test 6: a link, a directory and a FIFO are refused without waiting', async () => {
    const make: Record<string, () => void> = {
      link: () => symlinkSync(join(home.root, 'elsewhere'), path),
      directory: () => mkdirSync(path),
      fifo: () => execFileSync('mkfifo', [path]),
    };
    for (const [name, plant] of Object.entries(make)) {
      plant();
      const result = await attempt();
      assert.equal(result.status, 'refused', name);
      rmSync(path, { recursive: true });
    }
  });

  it('is refused by the rules for macOS where the file has several names, is no regular file, or belongs to another user', async () => {
    writeFileSync(path, '');
    linkSync(path, `${path}.second`);
    const fifo = join(home.directory.locks, 'fifo');
    execFileSync('mkfifo', [fifo]);
    const foreign = join(home.directory.locks, 'foreign');
    writeFileSync(foreign, '');
    const isRoot = process.geteuid?.() === 0;
    if (isRoot) {
      chownSync(foreign, 54_321, 54_321);
    }
    for (const file of [path, fifo, ...(isRoot ? [foreign] : [])]) {
      assert.equal((await lockFile(file, { platform: 'darwin' })).status, 'refused', file);
    }
    // The control; without macOS there is no lock behind it. Windows knows no owner.
    const attempt = await lockFile(join(home.directory.locks, 'fresh'), { platform: 'darwin' });
    assert.equal(attempt.status, 'locked');
    locks.push(attempt.lock);
    assert.equal((await lockFile(path, { platform: 'win32' })).status, 'refused');
  });

  it('B9, tests 6, 27: a file of another user, or one that may not be written, is refused', async () => {
    writeFileSync(path, '');
    chmodSync(path, 0o400);
    const script = join(import.meta.dirname, 'lockOnce.ts');
    const asRoot = process.getuid?.() === 0;
    const [node, ...words] = asRoot ? openProgram(script) : [process.execPath, '--no-warnings', script];
    const answer = execFileSync(node, [...words, path], { ...(asRoot ? otherUser : {}), encoding: 'utf8' });
    assert.equal(JSON.parse(answer).status, 'refused', answer);
  });

  it('test 28: without any helper it is unavailable, and said; nothing else is tried', async () => {
    assert.deepEqual(await attempt({ helpers: findFlockHelpers([join(home.root, 'none')]) }), {
      status: 'unavailable',
      reason: 'none of flock, busybox, perl and python3 is in the system’s folders',
    });
    await take();
  });

  it('test 28: a helper that hangs, fails or is ended is no answer', async () => {
    const hangs = await attempt({ helpers: [{ program: '/bin/sleep', args: ['60'] }, ...findFlockHelpers()], helperLimitMs: 100 });
    assert.deepEqual(hangs, { status: 'unavailable', reason: '/bin/sleep did not answer within 100 ms' });
    const fails = await attempt({ helpers: [{ program: '/bin/sh', args: ['-c', 'exit 65'] }] });
    assert.deepEqual(fails, { status: 'unavailable', reason: '/bin/sh could not lock (exit code 65)' });
    const dies = await attempt({ helpers: [{ program: '/bin/sh', args: ['-c', 'kill -9 $$'] }] });
    assert.deepEqual(dies, { status: 'unavailable', reason: '/bin/sh was ended by SIGKILL' });
    // One that cannot be started is followed by the next.
    await take({ helpers: [{ program: join(home.root, 'none'), args: [] }, ...findFlockHelpers()] });
  });

  it('names the processes that hold it, and not the helper', async () => {
    assert.deepEqual(lockHolders(path), undefined);
    const lock = await take();
    assert.deepEqual(
      lockHolders(path)?.map((holder) => holder.pid),
      [process.pid],
    );
    lock.release();
    assert.deepEqual(lockHolders(path), []);
    const other = await home.hold(path);
    assert.deepEqual(lockHolders(path), [{ pid: other.pid, name: 'perl' }]);
  });
});
