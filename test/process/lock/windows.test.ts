// How Windows treats open files. Runs only on Windows; not run yet.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { afterEach, before, beforeEach, describe, it } from 'mocha';
import { readInstanceRecord, writeInstanceRecord } from '../../../src/lock/instanceRecord.ts';
import { lockFile } from '../../../src/lock/kernelLock.ts';
import { readProcessStarts } from '../../../src/lock/processStarts.ts';
import { assertNames } from '../../names.ts';
import { someId, someRecord } from '../../unit/lock/records.ts';
import { LockHome } from './lockHome.ts';

describe('The kernel lock on Windows', function () {
  this.timeout(60_000);
  let home: LockHome;
  let path = '';

  before(function () {
    if (process.platform !== 'win32') {
      console.log('skipped: needs Windows');
      this.skip();
    }
  });
  beforeEach(() => {
    home = new LockHome();
    path = join(home.directory.locks, `${'a'.repeat(32)}.lock`);
  });
  afterEach(() => home.clean());

  it('test 29: is held until it is released; a second one finds it held, and no process can delete it', async () => {
    const first = await lockFile(path);
    assert.ok(first.status === 'locked' && first.lock.mechanism === 'share0');
    assert.equal((await lockFile(path)).status, 'held');
    assert.throws(() => execFileSync('cmd', ['/c', `del /f "${path}" & if exist "${path}" exit 1`], { stdio: 'ignore' }));
    first.lock.release();
    const second = await lockFile(path);
    assert.ok(second.status === 'locked');
    second.lock.release();
  });

  it('test 29: a scanner that has the file open for a second delays, and does not refuse', async () => {
    const scanner = openSync(path, 'a+');
    const attempt = lockFile(path, { waitMs: 5_000 });
    // The delay is what is tested.
    await pause(1_000);
    closeSync(scanner);
    const result = await attempt;
    assert.ok(result.status === 'locked', JSON.stringify(result));
    result.lock.release();
  });

  it('test 29: a record is replaced while another process reads it', () => {
    writeInstanceRecord(home.directory, someRecord());
    const reader = openSync(join(home.directory.instances, `${someId}.json`), 'r');
    writeInstanceRecord(home.directory, someRecord({ seq: 2 }));
    closeSync(reader);
    const reading = readInstanceRecord(home.directory, someId);
    assert.equal(reading.status === 'ok' && reading.record.seq, 2);
  });

  it('test 29: is freed when its holder is ended by the Task Manager', async () => {
    const script = `import { lockFile } from ${JSON.stringify(`file:///${join(import.meta.dirname, '../../../src/lock/kernelLock.ts').replaceAll('\\', '/')}`)};
      console.log((await lockFile(process.argv[1])).status); process.stdin.resume();`;
    const holder = home.start(process.execPath, ['--no-warnings', '--input-type=module', '-e', script, path]);
    await new Promise((resolve) => holder.stdout?.once('data', resolve));
    assert.equal((await lockFile(path)).status, 'held');
    execFileSync('taskkill', ['/F', '/PID', String(holder.pid)], { stdio: 'ignore' });
    const after = await lockFile(path, { waitMs: 5_000 });
    assert.ok(after.status === 'locked');
    after.lock.release();
  });

  it('test 29: starts are known without wmic', async () => {
    assertNames(await (await readProcessStarts()).startOf(process.pid), 'win:');
  });
});
