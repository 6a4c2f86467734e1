import assert from 'node:assert/strict';
import { judgeRunaway, type RunawayEvidence } from '../../../src/diagnosis/runaway.ts';
import { isHeadline } from '../../../src/model/finding.ts';
import { assertNames } from '../../names.ts';

const minute = 60_000;
const megabyte = 1024 ** 2;
const now = 1_790_000_000_000;
const limits = { busyMs: 10 * minute, grownBytes: 500 * megabyte };
const judge = (over: Partial<RunawayEvidence>) => judgeRunaway({ pid: 7, name: 'notes', now, actions: [], ...over }, limits);
const busy = (minutes: number) => ({ busy: { since: now - minutes * minute, ms: minutes * minute, processorMs: minutes * minute } });
const grown = (from: number, to: number) => ({ memory: { at: now - 60 * minute, earlier: from * megabyte, bytes: to * megabyte } });
const state = (over: Partial<RunawayEvidence>): string => {
  const found = judge(over);
  return found ? `${found.confidence}${isHeadline(found) ? '' : ' information'}` : 'none';
};

describe('runaway', () => {
  it('counts after 10 minutes where its guard knows of no call, after 60 without a guard, and is information before that', () => {
    const uncalledSince = now - 20 * minute;
    assert.deepEqual([state({ ...busy(9.9), uncalledSince }), state({ ...busy(10), uncalledSince })], ['none', 'likely']);
    assert.deepEqual([state({ ...busy(90), uncalledSince: now - 9 * minute })], ['likely information']);
    assert.deepEqual(
      [9, 10, 59, 60].map((minutes) => state(busy(minutes))),
      ['none', 'likely information', 'likely information', 'likely'],
    );
    assertNames(judge(busy(61))?.message, 'notes', '61 minutes');
  });

  it('is information where its guard knows of calls, however long: a call in flight may be the work', () => {
    const called = { ...busy(300), uncalledSince: 'called' } as const;
    assert.equal(state(called), 'likely information');
    assert.equal(
      judge(called)?.evidence.some((line) => line.includes('is not known')),
      false,
    );
    // The control: no guard knows.
    assert.equal(state(busy(300)), 'likely');
  });

  it('counts memory that grew tenfold and by 500 MB', () => {
    assert.deepEqual(
      [state(grown(60, 600)), state(grown(60, 559)), state(grown(49, 490)), state(grown(60, 599)), state(grown(300, 2_000))],
      ['likely', 'none', 'none', 'none', 'none'],
    );
    assertNames(judge(grown(60, 700))?.message, '60 MB', '700 MB');
  });

  it('counts both at once as one finding', () => {
    const found = judge({ ...busy(20), ...grown(60, 700) });
    assert.equal(found && isHeadline(found), true);
    assertNames(found?.message, '20 minutes', '700 MB');
  });
});
