import assert from 'node:assert/strict';
import { judgeOwner, type OwnerEvidence } from '../../../src/diagnosis/orphans.ts';
import { assertNames } from '../../names.ts';

const now = 1_000_000_000;

function evidence(over: Partial<OwnerEvidence> = {}): OwnerEvidence {
  return {
    now,
    pid: 7,
    startedAt: now - 60_000,
    name: 'memory',
    ownerAlive: false,
    stdin: 'none',
    listens: false,
    memoryBytes: 1,
    ...over,
  };
}

describe('orphans', () => {
  it('B20: is proven when the owner is gone and no process holds the other end', () => {
    const { finding, background } = judgeOwner(evidence({ lostClient: { name: 'Claude Code', pid: 50 } }));
    assert.equal(finding?.kind, 'orphan');
    assert.equal(finding?.confidence, 'proven');
    assert.equal(background, false);
    assertNames(finding?.message, 'Claude Code');
  });

  it('is never said while an owner lives', () => assert.deepEqual(judgeOwner(evidence({ ownerAlive: true })), { background: false }));

  for (const over of [
    { listens: true },
    { stdin: 'null-device' },
    { stdin: 'file' },
    { stdin: 'terminal' },
    { stdin: 'connected' },
  ] as const) {
    it(`calls ${JSON.stringify(over)} background`, () => assert.deepEqual(judgeOwner(evidence(over)), { background: true }));
  }

  it('is likely when the client was seen and the input cannot be read, unknown when neither is known', () => {
    assert.equal(judgeOwner(evidence({ stdin: 'unknown', lostClient: { name: 'x', pid: 1 } })).finding?.confidence, 'likely');
    assert.equal(judgeOwner(evidence({ stdin: 'unknown' })).finding?.confidence, 'unknown');
  });

  it('leaves short-lived processes alone', () => {
    assert.deepEqual(judgeOwner(evidence({ startedAt: now - 10_000 })), { background: false, askAgainIn: 20_000 });
  });

  it('gives a server that was just cut off five seconds to leave', () => {
    assert.deepEqual(judgeOwner(evidence({ lostSince: now - 1_000 })), { background: false, askAgainIn: 4_000 });
    assert.equal(judgeOwner(evidence({ lostSince: now - 5_000 })).finding?.kind, 'orphan');
  });
});
