import assert from 'node:assert/strict';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { readHistory } from '../../../../src/action/execute/actionHistory.ts';
import { assertNames } from '../../../names.ts';
import { findPython } from '../../package/pythonWheels.ts';
import { freePort, type RunningHttp, startImitation, startListening } from '../../survey/ports/httpServer.ts';
import { makeWorld, type World } from '../../survey/world.ts';
import { clearPort, ensure, listenersOf } from './ensureWorld.ts';

const long = process.env.TEST_LONG === '1';

describe('ensure', function () {
  this.timeout(180_000);
  let world: World;
  let port = 0;
  const running: RunningHttp[] = [];

  before(async function () {
    if (process.platform !== 'linux' || !(await findPython())) {
      console.log('skipped: ensure is tried with /proc and python3');
      this.skip();
    }
  });
  beforeEach(async () => {
    world = makeWorld();
    port = await freePort();
  });
  afterEach(async () => {
    for (const one of running.splice(0)) {
      await one.stop();
    }
    await clearPort(port);
    await world.remove();
  });

  async function occupied(...args: readonly string[]): Promise<RunningHttp> {
    const one = await startImitation(args, port);
    running.push(one);
    return one;
  }

  it('C2, C13: starts what does not run, with its port; the same version is reused and nothing is started', async () => {
    const first = await ensure(world, { port, version: '1.0.0' });
    assert.equal(first.server_status, 'started', first.message);
    assert.equal(first.version, '1.0.0');
    assert.deepEqual(await listenersOf(port), [first.pid]);
    const again = await ensure(world, { port, version: '1.0.0', command: 'no-such-program' });
    assert.deepEqual([again.server_status, again.pid, again.version], ['reused', first.pid, '1.0.0']);
  });

  it('C3, C4: an older one is asked to end by /shutdown, waited for, replaced, and the new version is checked after its start', async () => {
    const old = await occupied('--version', '1.0.0', '--shutdown', '--log', join(world.root, 'log'));
    const result = await ensure(world, { port, version: '2.0.0', shutdown: { path: '/shutdown' } });
    assert.equal(result.server_status, 'replaced', result.message);
    assert.deepEqual([result.previous, result.version], [{ pid: old.pid, version: '1.0.0' }, '2.0.0']);
    assert.notEqual(result.pid, old.pid);
    assert.equal(old.child.exitCode, 0, 'it ended by itself');
    assertNames(readFileSync(join(world.root, 'log'), 'utf8'), 'POST /shutdown');
    assertNames(result.message, '1.0.0', 'version 2.0.0', 'PID', 'on port');
    const [entry, ...others] = readHistory(world.runDir);
    assert.deepEqual([entry?.verb, entry?.target.pid, entry?.outcome, others], ['stop', old.pid, 'done', []]);
  });

  it('C4: one that answers /shutdown and stays is ended after a bound; one that declares none is asked no /shutdown', async () => {
    const stubborn = await occupied('--version', '1.0.0', '--shutdown', '--ignore-shutdown');
    const first = await ensure(world, {
      port,
      version: '2.0.0',
      shutdown: { path: '/shutdown' },
      args: ['--log', join(world.root, 'log')],
      leaveMs: 2_000,
    });
    assert.equal(first.server_status, 'replaced', first.message);
    assert.notEqual(stubborn.child.exitCode ?? stubborn.child.signalCode, null);
    const second = await ensure(world, { port, version: '3.0.0' });
    assert.equal(second.server_status, 'replaced', second.message);
    assert.ok(!readFileSync(join(world.root, 'log'), 'utf8').includes('POST'), 'never probed');
  });

  for (const health of long ? ['html', 'error', 'hang', 'close', 'none'] : ['html', 'hang']) {
    it(`C6, C8: a program whose /health is ${health} is left alone, named with port and PID`, async () => {
      const other = await occupied('--health', health);
      const result = await ensure(world, { port, version: '2.0.0' });
      assert.equal(result.server_status, 'unknown', result.message);
      assertNames(result.message, `PID ${other.pid}`, `port ${port}`);
      assert.deepEqual(await listenersOf(port), [other.pid]);
    });
  }

  it('C7: a program that speaks for another PID is foreign and left alone', async () => {
    const other = await occupied('--health', 'other');
    const result = await ensure(world, { port, version: '2.0.0' });
    assert.deepEqual([result.server_status, result.pid], ['foreign', other.pid]);
    assert.deepEqual(await listenersOf(port), [other.pid]);
  });

  it('C6: a web server is foreign and left alone', async () => {
    const python = (await findPython()) ?? '';
    const web = await startListening(python, ['-m', 'http.server', String(port), '--bind', '127.0.0.1'], port, { cwd: world.root });
    running.push(web);
    const result = await ensure(world, { port, version: '2.0.0' });
    assert.equal(result.server_status, 'foreign');
    assertNames(result.message, `port ${port}`, `PID ${web.pid}`, 'http.server');
    assert.equal(web.child.exitCode, null);
  });

  it('C8: a version that cannot be compared is never replaced', async () => {
    const other = await occupied('--version', '1.0.0-what?');
    const result = await ensure(world, { port, version: '2.0.0' });
    assert.equal(result.server_status, 'unknown', result.message);
    assert.deepEqual(await listenersOf(port), [other.pid]);
  });

  it('C9, C11: a newer one is left alone with a mismatch that programs can read; who only connects again replaces nothing', async () => {
    const newer = await occupied('--version', '3.0.0');
    const result = await ensure(world, { port, version: '2.0.0' });
    assert.deepEqual([result.server_status, result.pid, result.version, result.wanted], ['newer', newer.pid, '3.0.0', '2.0.0']);
    const passive = await ensure(world, { port, version: '4.0.0', passive: true });
    assert.deepEqual([passive.server_status, passive.version, passive.wanted], ['older', '3.0.0', '4.0.0']);
    assert.deepEqual(await listenersOf(port), [newer.pid]);
  });

  it('C10: clients of two versions that go on asking cause one restart at most', async () => {
    const asks = long ? 30 : 2;
    const pids = new Set<number | null>();
    const until = Date.now() + (long ? 60_000 : 0);
    const log: string[] = [];
    for (let round = 0; round < asks || Date.now() < until; round++) {
      for (const version of ['1.0.0', '2.0.0']) {
        const { pid, server_status: status } = await ensure(world, { port, version });
        pids.add(pid);
        log.push(status);
      }
    }
    assert.equal(pids.size, 2, log.join(' '));
    assert.deepEqual(
      [...log].sort().filter((status) => status !== 'reused' && status !== 'newer'),
      ['replaced', 'started'],
    );
  });

  it('C12: many at once start once, and replace once', async () => {
    const callers = long ? 12 : 4;
    const all = (version: string) => Promise.all(Array.from({ length: callers }, () => ensure(world, { port, version })));
    for (const [version, act] of [
      ['1.0.0', 'started'],
      ['2.0.0', 'replaced'],
    ] as const) {
      const results = await all(version);
      const statuses = results.map(({ server_status: status }) => status).sort();
      assert.deepEqual(statuses, [...Array.from({ length: callers - 1 }, () => 'reused'), act].sort(), JSON.stringify(results));
      assert.equal(new Set(results.map(({ pid }) => pid)).size, 1);
    }
  });

  it('C14: the version of another package is compared with nothing', async () => {
    const result = await ensure(world, { port, version: '1.0.0' });
    const other = await ensure(world, { port, version: '1.0.0', package: 'other' });
    // This server's package is not known, so the name proves nothing against it.
    assert.deepEqual([result.server_status, other.server_status], ['started', 'reused']);
  });

  it('C15: a start that fails ends in time, with the end of its log and nothing left behind', async () => {
    const missing = await ensure(world, { port, version: '1.0.0', command: join(world.root, 'no-such-program') });
    assertNames(missing.message, 'ENOENT');
    const script = join(world.root, 'fails.sh');
    writeFileSync(script, '#!/bin/sh\necho one; echo "TOKEN=abcdefgh1 was refused"; exit 3\n', { mode: 0o755 });
    const failing = await ensure(world, { port, version: '1.0.0', command: script });
    assert.deepEqual([failing.server_status, failing.log_tail?.[0]], ['failed', 'one']);
    assertNames(failing.message, 'code 3');
    assert.ok(!JSON.stringify(failing).includes('abcdefgh1'));
    const slow = await ensure(world, { port, version: '1.0.0', args: ['--start-delay', '600'], limitMs: 1_500 });
    assertNames(slow.message, 'port', 'within 1.5 s');
    assert.deepEqual(await listenersOf(port), []);
    const wrong = await ensure(world, { port, version: '2.0.0', starts: '1.5.0' });
    assertNames(wrong.message, '1.5.0', '2.0.0');
  });

  it('C19: restarts leave no descriptor and no process behind', async () => {
    const rounds = long ? 100 : 2;
    await ensure(world, { port, version: '1.0.0' });
    const before = readdirSync('/proc/self/fd').length;
    for (let round = 2; round < rounds + 2; round++) {
      const result = await ensure(world, { port, version: `${round}.0.0` });
      assert.equal(result.server_status, 'replaced', result.message);
    }
    assert.ok(readdirSync('/proc/self/fd').length <= before + 2);
    assert.equal((await listenersOf(port)).length, 1);
  });
});
