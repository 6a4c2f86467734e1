import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import {
  type ActivityReading,
  idleServerMs,
  judgeVitality,
  type LifeEvidence,
  looksNeeded,
  unreadMs,
} from '../../../src/diagnosis/activity.ts';

const now = Date.parse('2026-11-22T12:00:00Z');
/** One look a second for so long. */
function looks(seconds: number, part: (at: number) => Partial<ActivityReading>): ActivityReading[] {
  return Array.from({ length: seconds + 1 }, (_, at) => ({
    at: at * 1_000,
    states: 'S',
    cpuMs: 100,
    inputReadBytes: 5_000,
    unread: 0,
    ...part(at),
  }));
}
const judge = (given: readonly ActivityReading[], more: Partial<LifeEvidence> = {}) =>
  judgeVitality({ now, pid: 77, looks: given, clientStopped: false, ...more });

describe('judgeVitality', () => {
  it('says nothing of a server that waits for its client, and needs one look for that', () => {
    const given = looks(0, () => ({}));
    assert.deepEqual([judge(given), looksNeeded({ looks: given, clientStopped: false })], [undefined, 0]);
  });

  it('says what lies unread for ten seconds while nothing was read, and whether it was busy', () => {
    const wedged = looks(10, () => ({ unread: 214, waitsIn: 'futex_wait_queue' }));
    assert.equal(looksNeeded({ looks: wedged, clientStopped: false }), unreadMs);
    assert.match(
      judge(wedged)?.why ?? '',
      /^it does not read its input: 214 bytes wait there unread for 10 s.*no processor time \(waits in futex_wait_queue\)$/,
    );
    const spinning = looks(10, (at) => ({ unread: 214, states: 'R', cpuMs: at * 1_000 }));
    assert.match(judge(spinning)?.why ?? '', /and used 10\.0 s of processor time$/);
  });

  for (const [what, given] of [
    ['a look too few', looks(9, () => ({ unread: 214 }))],
    ['once there was nothing', looks(10, (at) => ({ unread: at === 5 ? 0 : 214 }))],
    ['some of it was read', looks(10, (at) => ({ unread: at < 5 ? 400 : 214 }))],
    ['more came, and it has read as well', looks(10, (at) => ({ unread: 214, inputReadBytes: 5_000 + at }))],
    ['what waits cannot be told', looks(10, (at) => (at === 3 ? { unread: undefined as never } : { unread: 214 }))],
  ] as const) {
    it(`accuses nobody: ${what}`, () => assert.equal(judge(given), undefined));
  }

  it('says that it is stopped, but not of one whose client is stopped with it, nor of an instant', () => {
    const stopped = looks(2, () => ({ states: 'T' }));
    assert.match(judge(stopped)?.mind ?? '', /kill -CONT 77/);
    assert.equal(judge(stopped, { clientStopped: true }), undefined);
    assert.equal(judge(looks(1, () => ({ states: 'T' }))), undefined);
    assert.equal(judge(looks(2, (at) => ({ states: at === 1 ? 'S' : 'T' }))), undefined);
    assert.equal(judge(looks(2, () => ({ states: 'TS' }))), undefined, 'another process reads its input');
    assert.match(judge(looks(2, () => ({ states: 't' })))?.why ?? '', /debugger/);
  });

  it('says that it hangs in the kernel', () => assert.equal(judge(looks(10, () => ({ states: 'D' })))?.kind, 'in-kernel'));

  it('says idle after an hour without a byte, and how that is known', () => {
    const given = looks(0, () => ({}));
    assert.match(judge(given, { quiet: { since: now - idleServerMs, by: 'bytes' } })?.why ?? '', /^it has read nothing since/);
    assert.match(judge(given, { quiet: { since: now - idleServerMs, by: 'processor' } })?.why ?? '', /no processor time since/);
    assert.equal(judge(given, { quiet: { since: now - idleServerMs + 1, by: 'bytes' } }), undefined);
  });
});
