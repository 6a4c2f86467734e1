import { equal } from 'node:assert/strict';
import { afterEach, beforeEach, describe, it } from 'mocha';
import { judgeRunaway } from '../../../../src/diagnosis/runaway.ts';
import { isHeadline } from '../../../../src/model/finding.ts';
import type { ProcessRow } from '../../../../src/model/process.ts';
import { unidentifiedRow } from '../../../../src/process/commandline/parseLaunch.ts';
import { FactStore } from '../../../../src/survey/facts/factStore.ts';
import { BusyTimes } from '../../../../src/survey/server/busyTimes.ts';
import { usualLoadLimits } from '../../../../src/survey/surveyor.ts';
import { TempTree } from '../../package/tree.ts';

const minute = 60_000;
const megabyte = 1024 ** 2;

describe('busyTimes', () => {
  let tree = new TempTree();
  tree.remove();
  let awake = 0;
  let slept = 0;
  let wall = 0;
  let startedAt = 0;
  beforeEach(() => {
    tree = new TempTree();
    [awake, slept, wall] = [600 * minute, 0, 100_000 * minute];
    startedAt = wall;
  });
  afterEach(() => tree.remove());

  const times = (): BusyTimes =>
    new BusyTimes(new FactStore(tree.path('run')), { now: () => wall, uptime: () => awake + slept, awake: () => awake });
  const row = (pid: number, processorMs: number, rssBytes = 60 * megabyte): ProcessRow => ({
    ...unidentifiedRow({ pid, ppid: 1, name: 'node', argv: ['node'], argvExact: true }),
    identity: { bootId: 'boot-1', pidNamespace: '1', pid, start: `lx:${pid}` },
    state: 'S',
    startedAt,
    rssBytes,
    processorMs,
  });
  const pass = (minutes: number): void => {
    awake += minutes * minute;
    wall += minutes * minute;
  };
  const look = (one: BusyTimes, rows: readonly ProcessRow[]): string => {
    const first = rows[0] as ProcessRow;
    const found = judgeRunaway(
      { pid: first.pid, name: 'notes', now: wall, ...one.observe(first.identity, rows, wall), actions: [] },
      usualLoadLimits,
    );
    return found ? (isHeadline(found) ? 'counts' : 'information') : 'none';
  };
  /** A scan in each minute, in each of which `share` of a core is used. */
  const work = (one: BusyTimes, minutes: number, share: number, from = 0): string => {
    let state = look(one, [row(1, from)]);
    for (let at = 1; at <= minutes; at++) {
      pass(1);
      state = look(one, [row(1, from + at * share * minute)]);
    }
    return state;
  };

  it('tells a core that is used for an hour, and the next program knows it from the record', () => {
    const one = times();
    equal(work(one, 59, 1), 'information');
    pass(1);
    const next = times();
    equal(look(next, [row(1, 60 * minute)]), 'counts');
    equal(look(one, [row(1, 60 * minute)]), 'counts');
  });

  it('is silent about a build of nine minutes, again and again', () => {
    const one = times();
    let used = 0;
    for (let at = 0; at < 10; at++) {
      equal(work(one, 9, 1, used), 'none');
      used += 9 * minute;
      pass(1);
      equal(look(one, [row(1, used)]), 'none');
    }
  });

  it('counts the processes that a server starts and that end', () => {
    const one = times();
    look(one, [row(1, 0)]);
    let state = '';
    for (let at = 1; at <= 60; at++) {
      pass(1);
      state = look(one, [row(1, 0), row(1 + at, minute)]);
    }
    equal(state, 'counts');
  });

  it('is silent about four fifths of a core, a debugger that stops it, and a gap of more than three minutes', () => {
    equal(work(times(), 90, 0.8), 'none');
    const one = times();
    equal(work(one, 50, 1), 'information');
    equal(work(one, 60, 0, 50 * minute), 'none');
    const gap = times();
    look(gap, [row(9, 0)]);
    pass(240);
    equal(look(gap, [row(9, 240 * minute)]), 'none');
    const seldom = times();
    look(seldom, [row(10, 0)]);
    for (let at = 4; at <= 120; at += 4) {
      pass(4);
      equal(look(seldom, [row(10, at * minute)]), 'none', 'a scan in each fourth minute');
    }
  });

  it('does not count eight hours of sleep, and a clock step is no time', () => {
    const one = times();
    equal(work(one, 9, 1), 'none');
    slept += 480 * minute;
    wall += 480 * minute;
    pass(0.5);
    equal(look(one, [row(1, 9.5 * minute)]), 'none');
    wall += 600 * minute;
    startedAt += 600 * minute;
    pass(0.2);
    equal(look(one, [row(1, 9.7 * minute)]), 'none');
    pass(1);
    equal(look(one, [row(1, 10.7 * minute)]), 'information');
  });

  it('compares memory with the tenth minute: a growth is told, a start that takes long is none, nor is a browser that it starts', () => {
    const one = times();
    look(one, [row(1, 0, 20 * megabyte)]);
    pass(5);
    equal(look(one, [row(1, 0, 600 * megabyte)]), 'none');
    pass(5);
    equal(look(one, [row(1, 0, 60 * megabyte)]), 'none');
    pass(1);
    equal(look(one, [row(1, 0, 60 * megabyte), row(2, 0, 2_000 * megabyte)]), 'none');
    equal(look(one, [row(1, 0, 700 * megabyte)]), 'counts');
    equal(look(times(), [row(1, 0, 700 * megabyte)]), 'counts');
  });

  it('does not take sleep for the first ten minutes of a server', () => {
    const one = times();
    look(one, [row(1, 0, 20 * megabyte)]);
    slept += 480 * minute;
    wall += 480 * minute;
    pass(1);
    look(one, [row(1, 0, 20 * megabyte)]);
    pass(9);
    equal(look(one, [row(1, 0, 700 * megabyte)]), 'none');
    pass(1);
    equal(look(one, [row(1, 0, 900 * megabyte)]), 'none');
  });
});
