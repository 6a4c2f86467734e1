import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'mocha';
import { type ActOnceOptions, actOnce, readActor } from '../../../src/lock/actOnce.ts';
import { until } from '../../until.ts';
import { onlyOnLinux } from '../onlyOnLinux.ts';
import { ended, LockHome } from './lockHome.ts';

const target = 'b'.repeat(32);

describe('Exactly one acts', function () {
  this.timeout(60_000);
  let home: LockHome;
  let state = '';

  onlyOnLinux('the kernel lock was not run on this system yet');
  beforeEach(() => {
    home = new LockHome();
    state = join(home.root, 'incarnation');
    writeFileSync(state, '1');
  });
  afterEach(() => home.clean());

  const intention = (changes: Partial<ActOnceOptions> = {}): ActOnceOptions => ({
    directory: home.directory,
    target,
    expect: '1',
    actor: { by: 'the test', pid: process.pid, start: 'lx:1', verb: 'restart', since: new Date().toISOString() },
    current: async () => readFileSync(state, 'utf8'),
    waitMs: 10_000,
    ...changes,
  });

  it('test 21: asked on a stale view, does nothing', async () => {
    let acted = false;
    const result = await actOnce(intention({ expect: '0' }), async () => {
      acted = true;
    });
    assert.deepEqual(result, { status: 'already', now: '1' });
    assert.equal(acted, false);
  });

  it('acts with its name on the door, and takes it away', async () => {
    const result = await actOnce(intention(), async () => readActor(home.directory, target));
    assert.equal(result.status, 'acted');
    assert.deepEqual('result' in result && [result.result?.by, result.result?.expect], ['the test', '1']);
    assert.equal(readActor(home.directory, target), undefined);
  });

  it('acts on a full disk, too, and leaves the name of no earlier actor', async () => {
    const door = join(home.directory.intents, `${target}.json`);
    writeFileSync(door, '{}');
    const script = `import { existsSync } from 'node:fs';
import { actOnce } from ${JSON.stringify(join(import.meta.dirname, '../../../src/lock/actOnce.ts'))};
import { openLockDirectory } from ${JSON.stringify(join(import.meta.dirname, '../../../src/lock/lockDirectory.ts'))};
const { directory } = openLockDirectory(${JSON.stringify(home.directory.base)});
const actor = { by: 'the test', pid: process.pid, start: '?', verb: 'stop', since: '' };
const intention = { directory, target: '${target}', expect: '1', actor, current: async () => '1', waitMs: 0 };
console.log(JSON.stringify(await actOnce(intention, async () => existsSync(${JSON.stringify(door)}))));`;
    // No file may grow: the same errors as on a full disk (EFBIG for ENOSPC), without root.
    const limited = [
      '-c',
      'trap "" XFSZ; ulimit -f 0; exec "$@"',
      'sh',
      process.execPath,
      '--no-warnings',
      '--input-type=module',
      '-e',
      script,
    ];
    const { stdout, stderr } = spawnSync('/bin/sh', limited, { encoding: 'utf8' });
    assert.deepEqual(JSON.parse(stdout || 'null'), { status: 'acted', result: false }, stderr);
    assert.deepEqual(readdirSync(home.directory.intents), [`${target}.lock`]);
  });

  it('acts where a folder stands in the place of its name', async () => {
    mkdirSync(join(home.directory.intents, `${target}.json`));
    assert.deepEqual(await actOnce(intention(), async () => 'done'), { status: 'acted', result: 'done' });
  });

  it('releases the lock when the action fails', async () => {
    await assert.rejects(
      actOnce(intention(), () => Promise.reject(new Error('no'))),
      /no/,
    );
    assert.equal((await actOnce(intention(), async () => 1)).status, 'acted');
  });

  it('test 22: names the actor, and does not override it', async () => {
    const other = await home.hold(join(home.directory.intents, `${target}.lock`));
    const actor = { by: 'another window', pid: other.pid, start: 'lx:5', verb: 'restart', expect: '1', since: 'long ago' };
    writeFileSync(join(home.directory.intents, `${target}.json`), JSON.stringify(actor));
    let acted = false;
    const result = await actOnce(intention({ waitMs: 300 }), async () => {
      acted = true;
    });
    assert.deepEqual(result, { status: 'busy', actor });
    assert.equal(acted, false);
    // The actor dies; the name that it left stops no other.
    await ended(other);
    assert.equal((await actOnce(intention(), async () => 1)).status, 'acted');
  });

  it('B29, test 15: a wall clock that is set a year off, in either direction, changes nothing of who acts', async () => {
    const other = await home.hold(join(home.directory.intents, `${target}.lock`));
    const real = Date.now;
    try {
      for (const off of [-1, 1]) {
        Date.now = () => real() + off * 31_557_600_000;
        assert.equal((await actOnce(intention({ waitMs: 200 }), async () => 1)).status, 'busy');
      }
      await ended(other);
      assert.equal((await actOnce(intention(), async () => 1)).status, 'acted');
    } finally {
      Date.now = real;
    }
  });

  it('is finished as soon as another process has acted', async () => {
    const other = await home.hold(join(home.directory.intents, `${target}.lock`));
    const result = actOnce(intention(), async () => 1);
    writeFileSync(state, '2');
    assert.deepEqual(await result, { status: 'already', now: '2' });
    assert.equal(other.exitCode, null);
  });

  it('test 20: of eight processes that want the same, one acts, again and again, also when actors are killed on the way', async () => {
    const log = join(home.root, 'log');
    writeFileSync(log, '');
    for (const [round, killed] of [0, 1, 0, 2].entries()) {
      writeFileSync(state, String(round));
      const answers = join(home.root, `answers-${round}`);
      writeFileSync(answers, '');
      const actors = Array.from({ length: 8 }, () =>
        spawn(
          process.execPath,
          [
            '--no-warnings',
            join(import.meta.dirname, 'contention', 'actor.ts'),
            home.directory.base,
            target,
            state,
            log,
            answers,
            // The first that gets in ends itself before it has done anything, so that the next must do it.
            join(home.root, `kill-${round}`),
            String(killed),
            String(round),
          ],
          { stdio: ['ignore', 'ignore', 'inherit'] },
        ),
      );
      try {
        await until('all actors are done', () => actors.every((actor) => actor.exitCode !== null || actor.signalCode !== null), 25_000);
      } finally {
        await Promise.all(actors.map(ended));
      }
      const told = readFileSync(answers, 'utf8').trim().split('\n');
      assert.equal(told.filter((answer) => answer === 'acted').length, 1, told.join());
      assert.equal(told.filter((answer) => answer === 'already').length, 7 - killed, told.join());
      assert.equal(readFileSync(state, 'utf8'), String(round + 1));
    }
    assert.deepEqual(readFileSync(log, 'utf8').trim().split('\n'), ['0', '1', '2', '3']);
    assert.equal(existsSync(join(home.directory.intents, `${target}.json`)), false);
  });
});
