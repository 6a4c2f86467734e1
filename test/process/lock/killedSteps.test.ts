// A process that is stopped, and then killed, at each step of taking, publishing and releasing a lock: while it is stopped at most one holds it, afterwards the lock is free for exactly one.
import assert from 'node:assert/strict';
import type { ChildProcess } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { build } from 'esbuild';
import { findFlockHelpers } from '../../../src/lock/flockHelper.ts';
import { listInstanceRecords } from '../../../src/lock/instanceRecord.ts';
import { openLockDirectory } from '../../../src/lock/lockDirectory.ts';
import { until } from '../../until.ts';
import { ended, LockHome } from './lockHome.ts';

const isLong = process.env.TEST_LONG === '1';
const hook = join(import.meta.dirname, '..', 'stepsOf.cjs');
const limit = 60_000;

/** How a program of the test ended, or that it holds the lock. */
type Result = 'held' | 'refused' | 'ended';

describe('a lock whose contender is killed at each step', function () {
  this.timeout(isLong ? 3_600_000 : 900_000);
  let home: LockHome;

  before(function () {
    if (process.platform !== 'linux' || findFlockHelpers().length === 0) {
      console.log('skipped: needs /proc and flock(1)');
      this.skip();
    }
  });
  beforeEach(async () => {
    home = new LockHome();
    // In one file of plain JavaScript, as it ships: hundreds are started.
    const outfile = join(home.root, 'holder.mjs');
    await build({ entryPoints: [join(import.meta.dirname, 'holder.ts')], outfile, bundle: true, platform: 'node', format: 'esm' });
  });
  afterEach(() => home.clean());

  /** Each step has a run folder of its own. */
  const run = (step: number): string => join(home.root, `run-${step}`);
  const log = (step: number): string => join(home.root, `step-${step}`);

  function start(name: string, step: number, isVictim = false): ChildProcess & { readonly pid: number } {
    const hooked = { AT_STEP: String(step), STEP_SIGNAL: 'SIGSTOP', STEP_LOG: log(step), STEP_FOLDER: run(step) };
    const env = { ...process.env, MCP_RUN_DIR: run(step), ...(isVictim ? hooked : {}) };
    const child = home.start(
      process.execPath,
      [...(isVictim ? ['--require', hook] : []), join(home.root, 'holder.mjs'), 'name', 'notes', name],
      env,
    );
    if (isVictim) {
      child.stdin?.end();
    }
    return child;
  }

  /** @returns the name of the step at which it is stopped; undefined when it ended before that step */
  async function stopped(child: ChildProcess & { readonly pid: number }, step: number): Promise<string | undefined> {
    await until('it is stopped or has ended', () => child.exitCode !== null || child.signalCode !== null || isStopped(child.pid), limit);
    return child.exitCode === null && child.signalCode === null ? readFileSync(log(step), 'utf8').replace(run(step), '') : undefined;
  }

  async function result(child: ChildProcess): Promise<Result> {
    let said = '';
    let wrong = '';
    child.stdout?.on('data', (text) => {
      said += text;
    });
    child.stderr?.on('data', (text) => {
      wrong += text;
    });
    await until(
      'it holds the lock or has ended',
      () => said.includes('held') || child.exitCode !== null || child.signalCode !== null,
      limit,
    );
    if (said.includes('held')) {
      return 'held';
    }
    assert.equal(child.exitCode, 75, wrong);
    return 'refused';
  }

  /** Lets a holder end as it does by itself. */
  async function release(child: ChildProcess): Promise<void> {
    child.stdin?.end();
    await until('the holder has ended', () => child.exitCode !== null || child.signalCode !== null, limit);
    assert.equal(child.exitCode, 0);
  }

  it('at most one process holds the lock beside a stopped one, and exactly one holds it afterwards; no record is half written', async () => {
    const names: string[] = [];
    for (let step = isLong ? 1 : 2; ; step += isLong ? 1 : 3) {
      const victim = start('victim', step, true);
      const name = await stopped(victim, step);
      if (name === undefined) {
        assert.equal(victim.exitCode, 0);
        break;
      }
      names.push(name);
      const beside = start('beside', step);
      const first = await result(beside);
      await ended(victim);
      const rivals = ['one', 'other'].map((rival) => start(rival, step));
      const results = [first, ...(await Promise.all(rivals.map(result)))];
      assert.equal(results.filter((one) => one === 'held').length, 1, `${name}: beside it ${first}, afterwards ${results}`);
      const opened = openLockDirectory(join(run(step), 'v1'));
      assert.ok('directory' in opened);
      const broken = listInstanceRecords(opened.directory).filter(({ status }) => status !== 'ok');
      assert.deepEqual(broken, [], name);
      const holder = [beside, ...rivals][results.indexOf('held')];
      assert.ok(holder);
      await release(holder);
    }
    console.log(`      ${names.length} steps`);
    for (const expected of ['before mkdirSync', 'before spawn', 'after spawn', 'half writeFileSync', 'before rmSync']) {
      assert.ok(
        names.some((name) => name.startsWith(expected)),
        `it was stopped ${expected}:\n${names.join('\n')}`,
      );
    }
  });
});

function isStopped(pid: number): boolean {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    return stat.slice(stat.lastIndexOf(')') + 2).startsWith('T');
  } catch {
    return false;
  }
}
