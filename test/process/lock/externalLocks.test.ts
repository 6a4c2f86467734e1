// Locks of other programs, and other versions of the protocol: read, never touched.
import assert from 'node:assert/strict';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, before, beforeEach, describe, it } from 'mocha';
import { clearDeadRecords } from '../../../src/lock/clearDeadRecords.ts';
import { newInstanceId } from '../../../src/lock/instanceRecord.ts';
import { lockFile } from '../../../src/lock/kernelLock.ts';
import { lockHolders } from '../../../src/lock/lockHolders.ts';
import { type ProcessStarts, readProcessStarts } from '../../../src/lock/processStarts.ts';
import { resourceKey } from '../../../src/lock/resourceKey.ts';
import { until } from '../../until.ts';
import { onlyOnLinux } from '../onlyOnLinux.ts';
import { InstanceHome } from './instanceHome.ts';
import { ended } from './lockHome.ts';

/** Locks as mempalace does for its writer: single attempts without waiting, repeatedly. Writes to a file how often it failed. */
const miner = `
import fcntl, os, sys
path, log = sys.argv[1:]
tries = failed = 0
while True:
    fd = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        failed += 1
    os.close(fd)
    tries += 1
    if tries % 50 == 0:
        with open(log + ".tmp", "w") as file:
            file.write("%d %d" % (tries, failed))
        os.rename(log + ".tmp", log)
`;

describe('Locks of others', function () {
  this.timeout(60_000);
  let home: InstanceHome;
  let starts: ProcessStarts;

  onlyOnLinux('written for flock(2) and /proc');
  before(async () => {
    starts = await readProcessStarts();
  });
  beforeEach(() => {
    home = new InstanceHome(starts);
  });
  afterEach(() => home.clean());

  it('test 31: a holder beside a program with a lock of its own never disturbs it; control: trying the lock does', async () => {
    const theirs = join(home.root, 'mine_palace.lock');
    const log = join(home.root, 'tries');
    writeFileSync(log, '0 0');
    // The same directory under our own key is another file, so that neither waits for the other.
    assert.equal((await home.take(home.root)).status, 'held-by-us');
    home.start('/usr/bin/python3', ['-I', '-S', '-c', miner, theirs, log]);
    const counts = (): number[] => readFileSync(log, 'utf8').split(' ').map(Number);
    await until('it has tried often', () => (counts()[0] ?? 0) > 10_000);
    assert.equal(counts()[1], 0);
    // The control: a lock that is only tried out makes it fail.
    const attempt = await lockFile(theirs, { waitMs: 10_000 });
    assert.ok(attempt.status === 'locked', JSON.stringify(attempt));
    await until('the trial lock was in its way', () => (counts()[1] ?? 0) > 0);
    attempt.lock.release();
  });

  it('test 31: who holds such a lock is known without touching it, also where the open file was inherited', async () => {
    const theirs = join(home.root, 'LOCK');
    const holder = await home.hold(theirs);
    assert.deepEqual(lockHolders(theirs), [{ pid: holder.pid, name: 'perl' }]);
    assert.equal((await lockFile(theirs)).status, 'held');
    await ended(holder);
    assert.deepEqual(lockHolders(theirs), []);
  });

  it('test 32: a later version that holds the lock excludes this one, whatever its record; without the lock its record stops no other, and stays', async () => {
    const { key } = resourceKey('path', home.root);
    const id = newInstanceId();
    const later = { ilp: 2, minReader: 2, id, locks: [{ key, kind: 'path' }], server: { pid: process.pid, start: 'x' } };
    writeFileSync(join(home.directory.instances, `${id}.json`), JSON.stringify(later), { mode: 0o600 });
    const holder = await home.hold(join(home.directory.locks, `${key}.lock`));
    const refused = await home.take(home.root);
    assert.ok(refused.status === 'held');
    assert.deepEqual(refused.by, []);
    await ended(holder);
    assert.equal((await home.take(home.root)).status, 'held-by-us');
    assert.deepEqual(await clearDeadRecords(home.directory, starts), []);
    assert.ok(readdirSync(home.directory.instances).includes(`${id}.json`));
  });
});
