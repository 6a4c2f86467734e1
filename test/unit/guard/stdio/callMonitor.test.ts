import assert from 'node:assert/strict';
import type { IdKey } from '../../../../src/guard/message/envelope.ts';
import type { Pending } from '../../../../src/guard/process/serverProcess.ts';
import { unansweredCalls } from '../../../../src/guard/stdio/callMonitor.ts';

const epoch = Date.parse('2026-11-22T09:00:00Z');

function link(calls: readonly (readonly [IdKey, Pending])[], listening: readonly IdKey[] = [], asked: readonly IdKey[] = []) {
  return { inFlight: new Map(calls), listening: new Set(listening), asked: new Map(asked.map((id) => [id, id])) };
}

describe('unanswered calls', () => {
  const old: Pending = { method: 'tools/call', tool: 'slow', since: 0 };

  it('a call without an answer for a minute is told, with the time at which it was sent', () => {
    assert.equal(unansweredCalls(link([[1, old]]), 59_999, epoch), undefined);
    assert.deepEqual(
      unansweredCalls(
        link([
          [2, { method: 'tools/list', since: 500 }],
          [1, old],
        ]),
        60_500,
        epoch,
      ),
      {
        since: '2026-11-22T08:58:59.500Z',
        oldest: 'slow',
        calls: 2,
      },
    );
  });

  it('not what stays open on purpose, not a server that waits for its client, not one that is gone', () => {
    assert.equal(unansweredCalls(link([[1, old]], [1]), 100_000, epoch), undefined);
    assert.equal(unansweredCalls(link([[1, old]], [], ['ask']), 100_000, epoch), undefined);
    assert.equal(unansweredCalls(undefined, 100_000, epoch), undefined);
  });
});
