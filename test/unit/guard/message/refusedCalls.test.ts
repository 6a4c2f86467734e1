import assert from 'node:assert/strict';
import { failedTool } from '../../../../src/guard/message/ownAnswers.ts';
import { answerText, RefusalCount } from '../../../../src/guard/message/refusedCalls.ts';
import { holderText } from '../../../../src/guard/publish/acquireLocks.ts';
import { idleGuardMs, idleServerSince } from '../../../../src/guard/stdio/callMonitor.ts';
import type { InstanceRecord } from '../../../../src/lock/instanceRecord.ts';
import { assertNames, assertOmits } from '../../../names.ts';

const epoch = Date.parse('2026-11-22T09:00:00Z');

describe('refused calls', () => {
  it('B26 each is counted, and the newest says why', () => {
    const count = new RefusalCount();
    assert.equal(count.summary, undefined);
    for (let call = 0; call < 628; call += 1) {
      count.note(`reason ${call}`, epoch + call * 1_000);
    }
    assert.deepEqual(count.summary, { calls: 628, last: 'reason 627', at: '2026-11-22T09:10:27.000Z' });
  });

  it('B26 the reason is what the caller reads, of a result and of an error', () => {
    assert.equal(answerText(failedTool('Not executed.', true)), 'Not executed.');
    assert.equal(answerText({ error: { code: -31_001, message: 'Not executed either.' } }), 'Not executed either.');
    assert.equal(answerText({ result: { content: [] } }), 'refused');
    assert.equal(answerText({ result: null }), 'refused');
  });
});

describe('an idle server', () => {
  const link = { inFlight: new Map(), listening: new Set<string>(), usedAt: 1_000 };

  it('B22 is idle after ten minutes, since its last call', () => {
    assert.equal(idleServerSince(link, 1_000 + idleGuardMs - 1, epoch), undefined);
    assert.equal(idleServerSince(link, 1_000 + idleGuardMs, epoch), '2026-11-22T08:50:00.000Z');
    assert.equal(idleServerSince(undefined, 1_000 + idleGuardMs, epoch), undefined);
  });

  it('B22 is in use while a call is in flight; a subscription is not a use', () => {
    const call = { method: 'tools/call', since: 1_000 };
    assert.equal(idleServerSince({ ...link, inFlight: new Map([[1, call]]) }, 1_000 + 2 * idleGuardMs, epoch), undefined);
    const listening = { ...link, inFlight: new Map([['s', call]]), listening: new Set(['s']) };
    assert.ok(idleServerSince(listening, 1_000 + 2 * idleGuardMs, epoch));
  });

  it('B22 the refusal of a second server says since when the first is not used', () => {
    const record: InstanceRecord = {
      ...{ ilp: 1, minReader: 1, id: 'a'.repeat(32), seq: 1, state: 'running', serverId: 'memory', locks: [], exclusion: 'flock' },
      host: { boot: 'b', pidns: '1' },
      guard: { pid: 7, start: 'lx:1' },
    };
    assertOmits(holderText(record), 'not used');
    assertNames(holderText({ ...record, x: { idleSince: '2026-11-22T07:00:00.000Z' } }), 'memory', '2026-11-22T07:00:00.000Z');
    assertOmits(holderText({ ...record, x: { idleSince: 'never; rm -rf' } }), 'not used');
  });
});
