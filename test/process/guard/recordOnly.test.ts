import assert from 'node:assert/strict';
import { readlinkSync } from 'node:fs';
import { until } from '../../until.ts';
import { GuardHome, holderOf, isRunning, publishedGuards } from './guardedServer.ts';

describe('guard: --record-only', function () {
  this.timeout(60_000);
  let home: GuardHome;
  beforeEach(() => {
    home = new GuardHome();
  });
  afterEach(() => home.clean());

  it('the server has the client’s own pipes; lock and record are the guard’s', async () => {
    const client = await home.strict(['--record-only', '--lock', 'name:x']);
    await client.handshake();
    const pid = Number(await client.text('pid'));
    assert.equal(readlinkSync(`/proc/${pid}/fd/0`), readlinkSync(`/proc/${client.pid}/fd/0`));
    await until('it is published', () => publishedGuards(home.run)[0]?.server === pid);
    const { x } = publishedGuards(home.run)[0]?.record ?? {};
    assert.deepEqual(x, { guard: 'record-only', onStale: 'off' }, 'it promises no check');
    const second = await home.strict(['--record-only', '--on-conflict', 'wait=0', '--lock', 'name:x']);
    assert.equal(holderOf(await second.handshake()), Number(pid));
    second.child.stdin?.end();
    assert.equal((await second.ended).code, 75);
    client.child.stdin?.end();
    assert.deepEqual(await client.ended, { code: 0, signal: null });
    assert.ok(!isRunning(pid));
    assert.deepEqual(publishedGuards(home.run), []);
  });

  it('a signal is passed on to the server, and the exit code comes back', async () => {
    const client = await home.strict(['--record-only'], ['--ignore-term']);
    await client.handshake();
    const pid = Number(await client.text('pid'));
    client.child.kill('SIGUSR2');
    await until('it says that it cannot restart', () => client.stderr.includes('not restarted: it was started with --record-only'));
    assert.equal(Number(await client.text('pid')), pid);
    client.child.kill('SIGTERM');
    assert.ok(isRunning(pid));
    client.child.stdin?.end();
    assert.deepEqual(await client.ended, { code: 0, signal: null });
    assert.equal((await (await home.guard(['--record-only', '--', 'sh', '-c', 'exit 9'])).ended).code, 9);
    assert.equal((await (await home.guard(['--record-only', '--', 'no-such-program'])).ended).code, 127);
  });
});
