import { deepEqual, equal } from 'node:assert/strict';
import { afterEach, beforeEach, describe, it } from 'mocha';
import { identityKey, type ProcessRow } from '../../../../src/model/process.ts';
import { unidentifiedRow } from '../../../../src/process/commandline/parseLaunch.ts';
import type { Clock } from '../../../../src/survey/facts/bootClock.ts';
import { FactStore } from '../../../../src/survey/facts/factStore.ts';
import { ProcessorTimes } from '../../../../src/survey/facts/processorTimes.ts';
import { TempTree } from '../../package/tree.ts';

const minute = 60_000;

function row(pid: number, processorMs: number | undefined, state = 'S'): ProcessRow {
  const identity = { bootId: 'boot-1', pidNamespace: '1', pid, start: `lx:${pid}` };
  const known = processorMs === undefined ? {} : { processorMs };
  return { ...unidentifiedRow({ pid, ppid: 1, name: 'node', argv: ['node'], argvExact: true }), identity, state, ...known };
}

describe('processorTimes', () => {
  let tree = new TempTree();
  let awake = 0;
  let wall = 0;
  tree.remove();
  beforeEach(() => {
    tree = new TempTree();
    [awake, wall] = [10 * minute, 1_000 * minute];
  });
  afterEach(() => tree.remove());

  const sleepless = (): Clock => ({ now: () => wall, uptime: () => awake, awake: () => awake });
  const times = (clock = sleepless()): ProcessorTimes => new ProcessorTimes(new FactStore(tree.path('run')), clock);
  const pass = (minutes: number): void => {
    awake += minutes * minute;
    wall += minutes * minute;
  };
  /** A scan in each minute. */
  const watch = (one: ProcessorTimes, minutes: number, rows: readonly ProcessRow[]): string => {
    let state = '';
    for (let at = 0; at < minutes; at++) {
      pass(1);
      state = look(one, rows);
    }
    return state;
  };
  const look = (one: ProcessorTimes, rows: readonly ProcessRow[]): string => one.observe(rows[0] as ProcessRow, rows, wall).state;

  it('is unknown until it was watched for an hour, and then idle since the first look', () => {
    const one = times();
    const began = wall;
    equal(look(one, [row(1, 420)]), 'unknown');
    equal(watch(one, 59, [row(1, 420)]), 'unknown');
    pass(1);
    deepEqual(one.observe(row(1, 429), [row(1, 429)], wall), { state: 'idle', quietMs: 60 * minute, quietSince: began, processorMs: 429 });
  });

  it('worked with one step of the counter, and stays so for an hour', () => {
    const one = times();
    look(one, [row(1, 420)]);
    equal(watch(one, 90, [row(1, 420)]), 'idle');
    equal(watch(one, 1, [row(1, 430)]), 'worked');
    equal(watch(one, 59, [row(1, 430)]), 'worked');
    equal(watch(one, 1, [row(1, 430)]), 'idle');
  });

  it('does not add up small amounts over hours', () => {
    const one = times();
    let used = 420;
    look(one, [row(1, used)]);
    let state = '';
    for (let at = 0; at < 10; at++) {
      used += 4;
      state = watch(one, 60, [row(1, used)]);
    }
    equal(state, 'idle');
  });

  it('takes work of a process below it, and its start and its end, for work', () => {
    for (const later of [[row(1, 420), row(2, 90)], [row(1, 420)], [row(1, 420), row(2, 50), row(3, 0)]]) {
      const one = times();
      look(one, [row(1, 420), row(2, 50)]);
      equal(watch(one, 90, [row(1, 420), row(2, 50)]), 'idle');
      equal(watch(one, 1, later), 'worked');
    }
  });

  it('does not take a server that a debugger has stopped for idle', () => {
    const one = times();
    look(one, [row(1, 420)]);
    equal(watch(one, 90, [row(1, 420, 't')]), 'worked');
    equal(watch(times(), 90, [row(1, 420, 'T')]), 'worked');
  });

  it('does not count eight hours of sleep, and no step of the clock', () => {
    const one = times();
    look(one, [row(1, 420)]);
    wall += 8 * 60 * minute;
    equal(look(one, [row(1, 420)]), 'unknown');
    wall -= 40 * 60 * minute;
    equal(look(one, [row(1, 420)]), 'unknown');
  });

  it('does not count a gap between two looks where the clock counts sleep too', () => {
    const one = times({ now: () => wall, uptime: () => awake });
    look(one, [row(1, 420)]);
    pass(8 * 60);
    equal(look(one, [row(1, 420)]), 'unknown');
    equal(watch(one, 60, [row(1, 420)]), 'idle');
  });

  it('is unknown where the system does not tell', () => {
    equal(watch(times(), 90, [row(1, undefined)]), 'unknown');
    equal(watch(times(), 90, [row(1, 5), row(2, undefined)]), 'unknown');
  });

  const key = identityKey(row(1, 0).identity);

  it('knows what an earlier program recorded, if the counter is still the same', () => {
    const first = times();
    look(first, [row(1, 420)]);
    first.record(new Set([key]));
    pass(3 * 60);
    equal(look(times(), [row(1, 420)]), 'idle');
    equal(look(times(), [row(1, 430)]), 'unknown', 'it worked, but whether within the last hour is not known');
    equal(look(times(), [row(2, 420)]), 'unknown', 'another process');
    equal(look(times({ now: () => wall, uptime: () => awake }), [row(1, 420)]), 'unknown', 'the machine may have slept');
  });

  it('records a later reading in the place of the first after work', () => {
    const first = times();
    look(first, [row(1, 420)]);
    first.record(new Set([key]));
    watch(first, 10, [row(1, 900)]);
    first.record(new Set([key]));
    pass(2 * 60);
    equal(look(times(), [row(1, 900)]), 'idle');
  });

  it('does not take another kernel’s start for a start of this one', () => {
    const first = times();
    look(first, [row(1, 420)]);
    first.record(new Set([key]));
    awake = 5 * minute;
    equal(look(times(), [row(1, 420)]), 'unknown');
  });
});
