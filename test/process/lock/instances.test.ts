import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, before, beforeEach, describe, it } from 'mocha';
import { clearDeadRecords } from '../../../src/lock/clearDeadRecords.ts';
import { holdResources, publishedHolders } from '../../../src/lock/holdResources.ts';
import {
  type InstanceRecord,
  listInstanceRecords,
  maxRecordBytes,
  newInstanceId,
  writeInstanceRecord,
} from '../../../src/lock/instanceRecord.ts';
import { livenessOf } from '../../../src/lock/liveness.ts';
import { findLockDirectory, openLockDirectory, protocolBase } from '../../../src/lock/lockDirectory.ts';
import { type ProcessStarts, readProcessStarts } from '../../../src/lock/processStarts.ts';
import { resourceKey } from '../../../src/lock/resourceKey.ts';
import { assertNames } from '../../names.ts';
import { openProgram, otherUser } from '../../otherUser.ts';
import { someRecord } from '../../unit/lock/records.ts';
import { until } from '../../until.ts';
import { onlyOnLinux } from '../onlyOnLinux.ts';
import { InstanceHome, markOf } from './instanceHome.ts';
import { ended } from './lockHome.ts';

describe('Instances and their records', function () {
  this.timeout(60_000);
  let home: InstanceHome;
  let starts: ProcessStarts;

  onlyOnLinux('the kernel lock was not run on this system yet');
  before(async () => {
    starts = await readProcessStarts();
  });
  beforeEach(() => {
    home = new InstanceHome(starts);
  });
  afterEach(() => home.clean());

  const here = (): InstanceRecord['host'] => ({ boot: starts.boot, pidns: starts.pidns });
  const mark = (pid: number) => markOf(starts, pid);
  const published = (): string[] => readdirSync(home.directory.instances).sort();

  it('hold their locks, are published with their process, and leave nothing', async () => {
    const result = await home.take(home.root);
    assert.ok(result.status === 'held-by-us', JSON.stringify(result));
    const { instance } = result;
    assert.deepEqual(published(), [`${instance.record.id}.json`, `${instance.record.id}.lock`]);
    instance.publish({ state: 'running', package: { name: 'memory', version: '1.0.0' } });
    const [reading] = listInstanceRecords(home.directory);
    assert.ok(reading?.status === 'ok');
    assert.deepEqual([reading.record.seq, reading.record.state, reading.record.package?.version], [2, 'running', '1.0.0']);
    assert.equal((await livenessOf(reading.record, starts)).life, 'alive');
    const second = await home.take(home.root);
    assert.ok(second.status === 'held');
    assert.deepEqual(
      second.by.map((record) => record.id),
      [instance.record.id],
    );
    instance.close();
    assert.deepEqual(published(), []);
    assert.equal((await home.take(home.root)).status, 'held-by-us');
  });

  it('test 5: refreshes its files so that old-file cleaners keep them, and notices when one was removed', async () => {
    const result = await home.take(home.root);
    assert.ok(result.status === 'held-by-us', JSON.stringify(result));
    const { instance } = result;
    const files = [...instance.locks.map((lock) => lock.path), join(home.directory.instances, `${instance.record.id}.json`)];
    for (const file of files) {
      utimesSync(file, 0, 0);
    }
    instance.refreshFileTimes();
    for (const file of files) {
      assert.ok(Date.now() - statSync(file).mtimeMs < 60_000, file);
    }
    assert.equal(instance.isIntact(), true);
    rmSync(files[0] ?? '');
    instance.refreshFileTimes();
    assert.equal(instance.isIntact(), false);
    assert.equal(existsSync(files[0] ?? ''), false);
  });

  it('test 4: a lock whose holder has no record is held, by an unknown process', async () => {
    const key = resourceKey('path', home.root);
    await home.hold(join(home.directory.locks, `${key.key}.lock`));
    const result = await home.take(home.root);
    assert.ok(result.status === 'held');
    assert.deepEqual(result.by, []);
  });

  it('tests 4, 17: a server that outlives its guard keeps others away although the lock is free', async () => {
    const server = home.start('sleep', ['60']);
    const dead = home.start('true', []);
    const guard = await mark(dead.pid);
    await until('the guard is gone', () => dead.exitCode !== null);
    const resource = resourceKey('path', home.root);
    const record = someRecord({
      id: newInstanceId(),
      host: here(),
      guard: { pid: guard.pid, start: 'lx:1' },
      server: await mark(server.pid),
      locks: [{ ...resource }],
    });
    writeInstanceRecord(home.directory, record);
    const result = await home.take(home.root);
    assert.ok(result.status === 'orphan', JSON.stringify(result));
    assert.deepEqual([result.certain, result.record.server?.pid], [true, server.pid]);
    assert.equal(published().length, 1);
    await ended(server);
    assert.equal((await home.take(home.root)).status, 'held-by-us');
  });

  it('test 25: the same directory under another name is a conflict for one of two, whichever it is', async () => {
    const resource = resourceKey('path', home.root);
    const other = await mark(process.pid);
    // The smallest id stays.
    const record = someRecord({ id: '0'.repeat(32), host: here(), server: other, locks: [{ ...resource, key: 'e'.repeat(32) }] });
    writeInstanceRecord(home.directory, record);
    assert.equal((await home.take(home.root)).status, 'conflict');
    assert.deepEqual(published(), [`${record.id}.json`]);
    rmSync(join(home.directory.instances, `${record.id}.json`));
    writeInstanceRecord(home.directory, { ...record, id: 'f'.repeat(32) });
    assert.equal((await home.take(home.root)).status, 'held-by-us');
  });

  it('tests 10, 11: a thread is no process, and a zombie does not live', async () => {
    const thread = readdirSync('/proc/self/task')
      .map(Number)
      .find((id) => id !== process.pid);
    assert.ok(thread !== undefined);
    assert.ok(existsSync(`/proc/${thread}/stat`));
    assert.equal(await starts.startOf(thread), undefined);

    const parent = home.start('perl', ['-e', '$| = 1; my $pid = fork(); exit 0 unless $pid; print "$pid\n"; sleep 60']);
    const zombie = await new Promise<number>((resolve) => parent.stdout?.once('data', (chunk) => resolve(Number(chunk))));
    await until('it is a zombie', () => execFileSync('cat', [`/proc/${zombie}/stat`], { encoding: 'utf8' }).includes(') Z '));
    assert.equal(process.kill(zombie, 0), true);
    assert.equal(await starts.startOf(zombie), undefined);
  });

  it('test 14: a time namespace shifts what is read, and not what a start is', async function () {
    const script = `import { readProcessStarts } from '${join(import.meta.dirname, '../../../src/lock/processStarts.ts')}'; console.log(await (await readProcessStarts()).startOf(${process.pid}));`;
    let inside = '';
    try {
      inside = execFileSync(
        'unshare',
        ['-T', '--boottime', '100000', process.execPath, '--no-warnings', '--input-type=module', '-e', script],
        {
          encoding: 'utf8',
          stdio: ['ignore', 'pipe', 'ignore'],
        },
      );
    } catch {
      console.log('      skipped: this machine makes no time namespaces for us');
      this.skip();
    }
    assert.equal(inside.trim(), await starts.startOf(process.pid));
  });

  it('B9, tests 7, 8: hostile records are listed and named, and the others with them; nothing waits, nothing is deleted', async () => {
    const good = someRecord({ id: newInstanceId(), host: here(), server: await mark(process.pid) });
    writeInstanceRecord(home.directory, good);
    const plant = (make: (path: string) => void): string => {
      const id = newInstanceId();
      make(join(home.directory.instances, `${id}.json`));
      return id;
    };
    const text = (content: string | Buffer) => (path: string) => writeFileSync(path, content, { mode: 0o600 });
    const hostile: Record<string, string> = {
      empty: plant(text('')),
      cut: plant(text(JSON.stringify(good).slice(0, 100))),
      nul: plant(text('\0'.repeat(100))),
      'invalid UTF-8': plant(text(Buffer.concat([Buffer.from('{"ilp":"'), Buffer.from([0xff, 0xfe]), Buffer.from('"}')]))),
      'too large': plant(text(' '.repeat(maxRecordBytes + 1))),
      'one gigabyte': plant((path) => {
        writeFileSync(path, '');
        truncateSync(path, 2 ** 30);
      }),
      fifo: plant((path) => execFileSync('mkfifo', [path])),
      link: plant((path) => symlinkSync(join(home.directory.instances, `${good.id}.json`), path)),
      directory: plant((path) => mkdirSync(path)),
      'the name of another': plant(text(JSON.stringify(good))),
      'PID of init': plant(text(JSON.stringify({ ...good, server: { pid: 1, start: 'lx:0' } }))),
    };
    const later = plant(text('{"ilp":9,"minReader":9}'));
    // The PID of an unrelated process with another start: dead.
    const other = home.start('sleep', ['600']);
    const wrong = someRecord({ id: newInstanceId(), host: here(), server: { pid: other.pid, start: 'lx:1' } });
    writeInstanceRecord(home.directory, wrong);

    const readings = new Map(listInstanceRecords(home.directory).map((reading) => [reading.id, reading]));
    for (const [name, id] of Object.entries(hostile)) {
      assert.equal(readings.get(id)?.status, 'unreadable', name);
    }
    assert.equal(readings.get(later)?.status, 'newer');
    assert.equal(readings.get(good.id)?.status, 'ok');
    assert.equal((await livenessOf(wrong, starts)).life, 'dead');
    assert.deepEqual(
      (await publishedHolders(home.directory, 'f'.repeat(32), starts)).map((record) => record.id),
      [good.id],
    );

    assert.deepEqual(await clearDeadRecords(home.directory, starts), [wrong.id]);
    assert.deepEqual(published(), [...Object.values(hostile), later, good.id].map((id) => `${id}.json`).sort());
  });

  it('B27, test 33: only proven dead records are removed; the living stay, and so does one whose lock is held', async () => {
    const dead = newInstanceId();
    const other = { pid: 2 ** 22 + 5, start: 'lx:1' };
    writeInstanceRecord(home.directory, someRecord({ id: dead, host: here(), server: other }));
    for (const rest of [`${dead}.secret`, `${dead}.json.abc.tmp`, `${dead}.lock`]) {
      writeFileSync(join(home.directory.instances, rest), '', { mode: 0o600 });
    }
    const elsewhere = someRecord({ id: newInstanceId(), host: { ...here(), pidns: '1' }, server: other });
    const lively = someRecord({ id: newInstanceId(), host: here(), server: other });
    const alive = someRecord({ id: newInstanceId(), host: here(), server: await mark(process.pid) });
    for (const record of [elsewhere, lively, alive]) {
      writeInstanceRecord(home.directory, record);
    }
    await home.hold(join(home.directory.instances, `${lively.id}.lock`));
    assert.deepEqual(await clearDeadRecords(home.directory, starts), [dead]);
    assert.deepEqual(published(), [`${elsewhere.id}.json`, `${lively.id}.json`, `${lively.id}.lock`, `${alive.id}.json`].sort());
    // Without locks nothing is removed.
    writeInstanceRecord(home.directory, someRecord({ id: dead, host: here(), server: other }));
    assert.deepEqual(await clearDeadRecords(home.directory, starts, 50, { helpers: [] }), []);
  });

  it('test 33: ten thousand dead records hide no living one, and are read once each', async () => {
    const text = JSON.stringify(someRecord({ host: here(), server: { pid: 2 ** 22 + 5, start: 'lx:1' } }));
    for (let index = 0; index < 10_000; index += 1) {
      const id = index.toString(16).padStart(32, '0');
      writeFileSync(join(home.directory.instances, `${id}.json`), text.replace(/"id":"[^"]*"/, `"id":"${id}"`), { mode: 0o600 });
    }
    const alive = someRecord({ id: newInstanceId(), host: here(), server: await mark(process.pid) });
    writeInstanceRecord(home.directory, alive);
    let looks = 0;
    const counting: ProcessStarts = {
      ...starts,
      startOf(pid) {
        looks += 1;
        return starts.startOf(pid);
      },
    };
    const start = performance.now();
    const living = await publishedHolders(home.directory, 'f'.repeat(32), counting);
    console.log(`      10,001 records in ${Math.round(performance.now() - start)} ms`);
    assert.deepEqual(
      living.map((record) => record.id),
      [alive.id],
    );
    assert.equal(looks, 10_001);
    assert.equal((await clearDeadRecords(home.directory, starts, 5)).length, 5);
    assert.equal(published().length, 10_001 - 5);
  });

  it('test 4: a writer that is killed while it rewrites leaves the record whole', async () => {
    const id = newInstanceId();
    const script = `
      import { writeInstanceRecord } from '${join(import.meta.dirname, '../../../src/lock/instanceRecord.ts')}';
      const record = JSON.parse(process.argv[1]); const directory = JSON.parse(process.argv[2]);
      for (let seq = 1; ; seq += 1) { writeInstanceRecord(directory, { ...record, seq }); if (seq === 1) console.log('writing'); }`;
    for (let round = 0; round < 5; round += 1) {
      const writer = home.start(process.execPath, [
        '--no-warnings',
        '--input-type=module',
        '-e',
        script,
        JSON.stringify(someRecord({ id })),
        JSON.stringify(home.directory),
      ]);
      await new Promise((resolve) => writer.stdout?.once('data', resolve));
      let last = 0;
      for (let reads = 0; reads < 2_000; reads += 1) {
        const [reading] = listInstanceRecords(home.directory);
        assert.equal(reading?.status, 'ok');
        last = reading?.status === 'ok' ? reading.record.seq : 0;
      }
      assert.ok(last > 0);
      await ended(writer);
      assert.equal(listInstanceRecords(home.directory)[0]?.status, 'ok');
    }
  });

  it('tests 27, 28: without locks, or where nothing can be written, there is no instance, and nothing is left', async () => {
    const request = { directory: home.directory, starts, resources: [resourceKey('name', 'a')], facts: { serverId: 'a' } };
    assert.equal((await holdResources({ ...request, lock: { helpers: [] } })).status, 'unavailable');
    assert.deepEqual(published(), []);
    await assert.rejects(holdResources({ ...request, facts: { serverId: 'a\0' } }));
    assert.deepEqual(published(), []);
    assert.equal((await holdResources({ ...request, directory: { ...home.directory, locks: join(home.root, 'none') } })).status, 'refused');
    // A failed attempt holds nothing.
    const result = await holdResources(request);
    assert.ok(result.status === 'held-by-us');
    home.keep(result);
  });
});

describe('The folder of the protocol', () => {
  let root = '';
  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), 'lock-folder-'));
  });
  afterEach(() => rmSync(root, { recursive: true, force: true }));

  const refusal = (base: string): string => {
    const opened = openLockDirectory(base);
    return 'refused' in opened ? opened.refused : '';
  };

  it('is made for this user alone; readers make none', () => {
    const base = join(root, 'run', 'v1');
    assert.equal(findLockDirectory(base), undefined);
    assert.equal(existsSync(join(root, 'run')), false);
    assert.equal(refusal(base), '');
    assert.ok(findLockDirectory(base));
    rmSync(join(base, 'locks'), { recursive: true });
    assert.ok(findLockDirectory(base));
    assert.equal(existsSync(join(base, 'locks')), false);
  });

  it('test 27: open to others, a link or a file: refused, with the path and the cure', function () {
    if (process.platform === 'win32') {
      console.log('      skipped: Windows has other rights');
      this.skip();
    }
    const base = join(root, 'run', 'v1');
    mkdirSync(base, { recursive: true, mode: 0o700 });
    chmodSync(base, 0o777);
    assertNames(refusal(base), 'mode 777', 'chmod 700');
    rmSync(base, { recursive: true });
    symlinkSync(root, base);
    assertNames(refusal(base), 'v1', 'remove');
    rmSync(base);
    writeFileSync(base, '');
    assertNames(refusal(base), 'v1', 'remove');
  });

  it('test 27: owned by root after sudo, or not to be written: refused, in a child with another user', function () {
    if (process.getuid?.() !== 0) {
      console.log('      skipped: only root can start a child as another user');
      this.skip();
    }
    chmodSync(root, 0o755);
    const [node, ...words] = openProgram(join(import.meta.dirname, 'lockOnce.ts'));
    const ask = (base: string): string =>
      JSON.parse(execFileSync(node, [...words, '--directory', base], { ...otherUser, encoding: 'utf8' })).refused;
    assertNames(ask(join(root, 'new', 'v1')), 'EACCES');
    mkdirSync(join(root, 'run', 'v1'), { recursive: true, mode: 0o700 });
    assertNames(ask(join(root, 'run', 'v1')), 'user 0', 'user 65534');
  });

  it('B24, test 26: a network home moves it to the machine, for everybody the same; an override is taken as it is', () => {
    const look = (isRemote: boolean) => ({ uid: () => 1000, isRemote: () => isRemote });
    assert.equal(protocolBase('/home/u/.mcp-run', false, look(false)), '/home/u/.mcp-run/v1');
    assert.equal(protocolBase('/home/u/.mcp-run', false, look(true)), '/var/tmp/.mcp-run-1000/v1');
    assert.equal(protocolBase('/elsewhere', true, look(true)), '/elsewhere/v1');
  });
});
