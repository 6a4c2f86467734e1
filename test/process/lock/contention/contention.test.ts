import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { before, describe, it } from 'mocha';
import { findFlockHelpers } from '../../../../src/lock/flockHelper.ts';
import { npm } from '../../package/npmServers.ts';
import { type ContentionOptions, contend, countLog } from './contention.ts';

/** `npm run test:long` runs ten times as many. */
const times = process.env.TEST_LONG === '1' ? 10 : 1;

// Numbers are those of the protocol's list of tests, docs/instance-lock-protocol.md.
describe('Contenders for one lock', function () {
  this.timeout(90_000 * times);

  before(function () {
    if (process.platform !== 'linux' || findFlockHelpers().length === 0 || !existsSync('/usr/bin/python3')) {
      console.log('skipped: the mixed contenders need Linux with flock(1) and python3');
      this.skip();
    }
  });

  it('counts a second entry between the two lines of a holder, and no other', () => {
    assert.deepEqual(countLog('E 1.1 a\nX 1.1\nE 2.1 b\nE 1.2 a\nS 2.1\nX 1.2\n').doubles, ['2.1 and 1.2']);
    // The first was ended from outside: whether it still lived is not known.
    assert.deepEqual(countLog('E 1.1 a\nE 2.1 b\nX 2.1\n').doubles, []);
  });

  const all = async (options: ContentionOptions): Promise<void> => {
    const result = await contend(options);
    console.log(`      ${JSON.stringify({ ...result, doubles: result.doubles.length })}`);
    assert.equal(result.complaints, '');
    assert.deepEqual(result.doubles, []);
    assert.equal(result.stuck, false);
    assert.ok(result.rounds >= options.rounds);
    for (const kind of new Set(options.contenders)) {
      assert.ok((result.byKind[kind] ?? 0) > options.rounds / 50, `${kind} took part`);
    }
    assert.ok(options.killEveryMs === undefined || result.killed > 0);
    assert.ok(options.stopEveryMs === undefined || result.stopped > 0);
  };

  it('test 1: eight of Node, some ended while they hold it: never two, never stuck', () =>
    all({ contenders: Array(8).fill('node'), rounds: 400 * times, killEveryMs: 300, seed: 1 }));

  it('tests 2, 3: Node, Python and flock(1) mixed, ended and stopped at any moment: never two, never stuck', () =>
    all({
      contenders: ['node', 'node', 'node', 'python', 'python', 'python', 'sh', 'sh'],
      rounds: 1_600 * times,
      killEveryMs: 120,
      stopEveryMs: 60,
      seed: 2,
    }));

  it('test 1: control: a file with a PID, taken over when its owner is dead, lets two in, and the harness sees it', async () => {
    const result = await contend({ contenders: Array(8).fill('pidfile'), rounds: 2_000, killEveryMs: 120, seed: 3, untilDouble: true });
    console.log(`      ${result.doubles.length} double holders after ${result.rounds} rounds`);
    assert.ok(result.doubles.length > 0);
  });

  it('test 1: control: proper-lockfile lets two in as well (test:long)', async function () {
    if (process.env.TEST_LONG !== '1') {
      console.log('      skipped: takes minutes; npm run test:long');
      this.skip();
    }
    const modules = mkdtempSync(join(tmpdir(), 'proper-lockfile-'));
    try {
      await npm(modules, 'install', '--no-save', '--no-package-lock', 'proper-lockfile@4.1.2');
      const result = await contend({
        contenders: Array(8).fill('proper'),
        rounds: 20_000,
        killEveryMs: 400,
        stopEveryMs: 3_000,
        seed: 4,
        untilDouble: true,
        modules,
      });
      console.log(`      ${result.doubles.length} double holders after ${result.rounds} rounds`);
      assert.ok(result.doubles.length > 0);
    } finally {
      rmSync(modules, { recursive: true, force: true });
    }
  });
});
