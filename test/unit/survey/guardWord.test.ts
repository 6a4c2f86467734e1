import assert from 'node:assert/strict';
import { judgeUnanswered } from '../../../src/diagnosis/unanswered.ts';
import type { InstanceRecord } from '../../../src/lock/instanceRecord.ts';
import { unansweredWord } from '../../../src/survey/guardWord.ts';

const now = Date.parse('2026-11-22T09:00:00Z');

function record(x: Record<string, unknown>, guard = true): InstanceRecord {
  return {
    ilp: 1,
    minReader: 1,
    id: 'a'.repeat(32),
    seq: 1,
    state: 'running',
    host: { boot: 'b', pidns: '1' },
    serverId: 's',
    locks: [],
    exclusion: 'none',
    ...(guard ? { guard: { pid: 7, start: 'lx:1' } } : {}),
    x,
  };
}

const word = { since: '2026-11-22T08:58:00.000Z', oldest: 'slow', calls: 2 };

describe('the word of a guard on calls without an answer', () => {
  it('is taken from its record, and told with tool, number and time', () => {
    const read = unansweredWord([record({ unresponsive: word })], now);
    assert.deepEqual(read, { since: now - 120_000, oldest: 'slow', calls: 2 });
    assert.ok(read);
    const finding = judgeUnanswered({ ...read, now, pid: 7, name: 'memory', cure: [] });
    assert.deepEqual([finding.kind, finding.confidence, finding.since], ['unresponsive', 'proven', word.since]);
    assert.match(finding.message, /^memory has not answered a call of slow and 1 more since /);
  });

  for (const [name, records] of [
    ['nothing said', [record({})]],
    ['a server that says it of itself', [record({ unresponsive: word }, false)]],
    ['a time to come', [record({ unresponsive: { ...word, since: '2027-01-01T00:00:00Z' } })]],
    [
      'garbage',
      [
        record({ unresponsive: 'yes' }),
        record({ unresponsive: { ...word, oldest: 'a\u001b[2J' } }),
        record({ unresponsive: { ...word, calls: 0 } }),
      ],
    ],
  ] as const) {
    it(`is none: ${name}`, () => assert.equal(unansweredWord(records, now), undefined));
  }
});
