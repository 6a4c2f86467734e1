import assert from 'node:assert/strict';
import { type CopyEvidence, judgeDuplicates } from '../../../src/diagnosis/duplicates.ts';
import { assertNames } from '../../names.ts';

const now = 1_000_000_000;
const client = { identity: 'boot:ns:50:lx:1', name: 'Claude Code', pid: 50 };

function copy(pid: number, over: Partial<CopyEvidence> = {}): CopyEvidence {
  return {
    id: `id-${pid}`,
    pid,
    startedAt: now - 60_000 + pid,
    name: 'memory',
    client,
    sameness: 'same',
    observations: 2,
    firstSeenAt: now - 50_000,
    memoryBytes: 1,
    actions: [],
    ...over,
  };
}

describe('duplicates', () => {
  it('reports all but the newest copy', () => {
    const { findings, askAgainIn } = judgeDuplicates([copy(1), copy(2), copy(3)], now);
    assert.deepEqual([...findings.keys()], ['id-1', 'id-2']);
    assertNames(findings.get('id-1')?.message, 'PID 50', 'memory', 'PID 3');
    assert.equal(askAgainIn, undefined);
  });

  const none: [string, CopyEvidence[]][] = [
    ['one copy', [copy(1)]],
    ['copies of two client processes', [copy(1), copy(2, { client: { ...client, identity: 'other', pid: 51 } })]],
    ['other arguments or another directory', [copy(1), copy(2, { sameness: 'other' })]],
    ['copies by design', [copy(1, { copiesByDesign: 'one per thread' }), copy(2, { copiesByDesign: 'one per thread' })]],
    ['copies whose client is gone', [copy(1, { client: undefined }), copy(2, { client: undefined })]],
  ];
  for (const [what, copies] of none) {
    it(`is silent about ${what}`, () => assert.equal(judgeDuplicates(copies, now).findings.size, 0));
  }

  it('waits until two copies are thirty seconds old', () => {
    const verdict = judgeDuplicates([copy(1), copy(2, { startedAt: now - 10_000 })], now);
    assert.equal(verdict.findings.size, 0);
    assert.equal(verdict.askAgainIn, 20_000);
  });

  it('looks twice', () => {
    const verdict = judgeDuplicates([copy(1, { observations: 1 }), copy(2, { observations: 1 })], now);
    assert.equal(verdict.findings.size, 0);
    assert.equal(verdict.askAgainIn, 250);
  });
});
