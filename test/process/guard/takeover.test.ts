// Which processes a takeover may end. The records are forged: any program of the user can write such files.
import assert from 'node:assert/strict';
import { linkSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, before, beforeEach, describe, it } from 'mocha';
import { newInstanceId, writeInstanceRecord } from '../../../src/lock/instanceRecord.ts';
import { openLockDirectory } from '../../../src/lock/lockDirectory.ts';
import { lockHolders } from '../../../src/lock/lockHolders.ts';
import { type ProcessStarts, readProcessStarts } from '../../../src/lock/processStarts.ts';
import { resourceKey } from '../../../src/lock/resourceKey.ts';
import { assertNames } from '../../names.ts';
import { otherUser } from '../../otherUser.ts';
import { someRecord } from '../../unit/lock/records.ts';
import { until } from '../../until.ts';
import { LockHome } from '../lock/lockHome.ts';
import { onlyOnLinux } from '../onlyOnLinux.ts';
import { Children, firstLine } from '../process/children.ts';
import { GuardHome, guardBundle, isRunning, publishedGuards, type RawClient, strictServer } from './guardedServer.ts';

const resource = 'taken:over';
const { key } = resourceKey('name', resource);

describe('guard: what a takeover may end', function () {
  this.timeout(60_000);
  onlyOnLinux('the kernel names the holder of a lock on Linux only');
  const children = new Children();
  let home: GuardHome;
  let locks: LockHome;
  let starts: ProcessStarts;

  before(async () => {
    starts = await readProcessStarts();
  });
  beforeEach(() => {
    home = new GuardHome();
    locks = new LockHome(join(home.run, 'v1'));
  });
  afterEach(async () => {
    await children.end();
    await home.clean();
    await locks.clean();
  });

  const options = (mode: string): string[] => ['--lock', `name:${resource}`, '--on-conflict', mode];

  async function accepted(client: RawClient): Promise<void> {
    const answer = await client.handshake();
    assert.ok('result' in answer, JSON.stringify(answer));
  }

  /** A record that names a process as the server of an instance with the resource, whose client is gone. */
  async function forge(pid: number, group?: number): Promise<void> {
    const opened = openLockDirectory(join(home.run, 'v1'));
    assert.ok('directory' in opened);
    const start = (await starts.startOf(pid)) ?? '?';
    writeInstanceRecord(opened.directory, {
      ...someRecord({
        id: newInstanceId(),
        host: { boot: starts.boot, pidns: starts.pidns },
        server: { pid, start, ...(group === undefined ? {} : { pgid: group }) },
        locks: [{ key, kind: 'name', resource }],
      }),
      client: { name: 'gone', pid: process.pid, start: 'lx:1' },
    });
  }

  /** The reason why the guard did not start its server; it names the process. */
  async function refused(client: RawClient, pid: number): Promise<string> {
    const { error } = await client.handshake();
    const text = typeof error === 'object' && error !== null && 'message' in error ? String(error.message) : 'no error';
    assert.ok(text.includes(`PID ${pid} `) || text.includes(`PID ${pid})`), text);
    return text;
  }

  for (const mode of ['takeover', 'takeover=force']) {
    it(`test 8, ${mode}: an unrelated process that a record names is not ended`, async () => {
      const victim = await children.start('sleep', ['600']);
      await forge(victim.pid);
      await refused(await home.strict(options(mode)), victim.pid);
      assert.ok(isRunning(victim.pid));
    });

    it(`test 8, ${mode}: nor is the group that a record names`, async () => {
      const victim = await children.start('sh', ['-c', 'sleep 600 & echo $!; wait'], {
        detached: true,
        stdio: ['ignore', 'pipe', 'ignore'],
      });
      const member = Number(await firstLine(victim));
      children.remember(member);
      await forge(victim.pid, victim.pid);
      await refused(await home.strict(options(mode)), victim.pid);
      assert.deepEqual([isRunning(victim.pid), isRunning(member)], [true, true]);
    });

    it(`test 8, ${mode}: nor is the parent of the guard`, async () => {
      const words = [process.execPath, await guardBundle(), ...options(mode), '--', 'python3', strictServer];
      // It waits for a line before it starts the guard, so that the record comes first.
      const parent = home.start('sh', ['-c', 'read -r line; "$0" "$@"; :', ...words]);
      await forge(parent.pid);
      parent.write('go\n');
      await refused(parent, parent.pid);
      assert.ok(isRunning(parent.pid));
    });

    it(`test 8, ${mode}: nor is a process of another user`, async function () {
      if (process.getuid?.() !== 0) {
        console.log('skipped: only root can start a process of another user');
        this.skip();
      }
      const victim = await children.start('sleep', ['600'], otherUser);
      await forge(victim.pid);
      await refused(await home.strict(options(mode)), victim.pid);
      assert.ok(isRunning(victim.pid));
    });
  }

  it('a record that names the parent of the guard, which does hold the lock: the guard’s own ancestors are not ended', async () => {
    const lock = join(home.run, 'v1', 'locks', `${key}.lock`);
    const words = [process.execPath, await guardBundle(), ...options('takeover=force'), '--', 'python3', strictServer];
    const parent = home.start('sh', ['-c', `exec 9<>'${lock}'; flock -n 9; read -r line; "$0" "$@" 9>&-; :`, ...words]);
    await until('it holds the lock', () => lockHolders(lock)?.some(({ pid }) => pid === parent.pid) === true);
    await forge(parent.pid);
    parent.write('go\n');
    assert.ok((await refused(parent, parent.pid)).includes('ancestor'));
    assert.ok(isRunning(parent.pid));
  });

  it('a process of another user that holds the lock is not ended', async function () {
    if (process.getuid?.() !== 0) {
      console.log('skipped: only root can start a process of another user');
      this.skip();
    }
    const lock = join(home.run, 'v1', 'locks', `${key}.lock`);
    const victim = await children.start(
      'python3',
      [
        '-c',
        `import fcntl, os, time; f = open(${JSON.stringify(lock)}, "a"); fcntl.flock(f, fcntl.LOCK_EX); os.setgid(${otherUser.gid}); os.setuid(${otherUser.uid}); print("held", flush=True); time.sleep(600)`,
      ],
      { stdio: ['ignore', 'pipe', 'inherit'] },
    );
    await firstLine(victim);
    await forge(victim.pid);
    assert.ok((await refused(await home.strict(options('takeover=force')), victim.pid)).includes('another user'));
    assert.ok(isRunning(victim.pid));
  });

  it('where another process holds the lock than the record says, both stay, and the holder is named', async () => {
    const victim = await children.start('sleep', ['600']);
    const holder = await locks.hold(join(home.run, 'v1', 'locks', `${key}.lock`));
    await forge(victim.pid);
    await refused(await home.strict(options('takeover=force')), holder.pid);
    assert.deepEqual([isRunning(victim.pid), isRunning(holder.pid)], [true, true]);
  });

  it('a server without a guard that holds the lock itself is ended, although it leads no group', async () => {
    const holder = await locks.hold(join(home.run, 'v1', 'locks', `${key}.lock`));
    await forge(holder.pid);
    // This program started it and lives.
    assertNames(await refused(await home.strict(options('takeover')), holder.pid), 'takeover=force');
    assert.ok(isRunning(holder.pid));
    const next = await home.strict(options('takeover=force'));
    await accepted(next);
    assert.ok(!isRunning(holder.pid));
  });

  it('a guard whose client lives is not ended because its record, changed by another program, names a dead client', async () => {
    const first = await home.strict(options('refuse'));
    await first.handshake();
    await until('it is published', () => publishedGuards(home.run).some(({ server, control }) => server !== undefined && control));
    const pid = Number(await first.text('pid'));
    const folder = join(home.run, 'v1', 'instances');
    const [name = ''] = readdirSync(folder).filter((file) => file.endsWith('.json'));
    const record = JSON.parse(readFileSync(join(folder, name), 'utf8'));
    const forged = { ...record, client: { ...record.client, pid: process.pid, start: 'lx:1' } };
    writeFileSync(join(folder, name), JSON.stringify(forged), { mode: 0o600 });
    assertNames(await refused(await home.strict(options('takeover')), pid), 'takeover=force');
    assert.deepEqual([isRunning(first.pid), isRunning(pid)], [true, true]);
  });

  it('a holder that its client left behind is ended without force', async () => {
    const lock = join(home.run, 'v1', 'locks', `${key}.lock`);
    const hold = `import fcntl, os, time; f = open(${JSON.stringify(lock)}, "a"); fcntl.flock(f, fcntl.LOCK_EX); print(os.getpid(), flush=True); time.sleep(600)`;
    // The shell, its parent, ends before it.
    const shell = await children.start('sh', ['-c', 'python3 -c "$0" & :', hold], { stdio: ['ignore', 'pipe', 'inherit'] });
    const pid = Number(await firstLine(shell));
    children.remember(pid);
    await forge(pid);
    const next = await home.strict(options('takeover'));
    await accepted(next);
    assert.ok(!isRunning(pid));
  });

  it('a program whose own lock file has the name of this lock too, by a hard link, is not ended', async () => {
    const foreign = home.path('foreign.lock');
    const victim = await locks.hold(foreign);
    linkSync(foreign, join(home.run, 'v1', 'locks', `${key}.lock`));
    await forge(victim.pid);
    const { error } = await (await home.strict(options('takeover=force'))).handshake();
    assertNames(JSON.stringify(error), 'several names');
    assert.ok(isRunning(victim.pid));
  });

  it('a guard that does not answer is ended with its server', async () => {
    const first = await home.strict(options('refuse'));
    await first.handshake();
    await until('it is published', () => publishedGuards(home.run).some(({ server, control }) => server !== undefined && control));
    const pid = Number(await first.text('pid'));
    process.kill(first.pid, 'SIGSTOP');
    const next = await home.strict(options('takeover=force'));
    await accepted(next);
    assert.deepEqual([isRunning(first.pid), isRunning(pid)], [false, false]);
  });

  it('a survivor that has closed the lock is named and not ended: no kernel lock shows that it uses the resource', async () => {
    const closing = 'import os, sys\nos.closerange(3, 64)\nos.execvp("python3", ["python3"] + sys.argv[1:])';
    const first = await home.guard([
      ...['--grace', '600', ...options('refuse'), '--'],
      ...['python3', '-c', closing, strictServer, '--ignore-eof'],
    ]);
    await first.handshake();
    await until('it is published', () => publishedGuards(home.run).some(({ server }) => server !== undefined));
    const pid = Number(await first.text('pid'));
    children.remember(pid);
    await first.kill();
    assert.ok((await refused(await home.strict(options('takeover=force')), pid)).includes('not signalled'));
    assert.ok(isRunning(pid));
  });
});
