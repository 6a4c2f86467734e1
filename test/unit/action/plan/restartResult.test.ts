import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { isVersionSettled, restartResult } from '../../../../src/action/plan/restartResult.ts';
import type { Instance } from '../../../../src/model/snapshot.ts';
import { assertNames, assertOmits } from '../../../names.ts';
import { finding, instance } from '../../cli/fixture.ts';

const now = (running: string | null, installed: string | null, part: Partial<Instance> = {}): Instance =>
  instance({ name: 'memory', pid: 9, package: { ecosystem: 'npm', name: 'm', root: '/r', running, installed }, ...part });

describe('restartResult', () => {
  it('names both versions, or the one that runs', () => {
    assert.deepEqual(restartResult('1.0.0', now('1.1.0', '1.1.0')), { version: ', 1.0.0 → 1.1.0' });
    assert.deepEqual(restartResult('1.1.0', now('1.1.0', '1.1.0')), { version: ', runs 1.1.0' });
    assert.deepEqual(restartResult('1.0.0', now(null, '1.1.0')), { version: '' }, 'not known is not claimed');
  });

  it('says so when it came back under the old version, or under another wrong one', () => {
    const same = restartResult('1.0.0', now('1.0.0', '1.1.0')).warning ?? '';
    assertNames(same, 'still', '1.0.0', '1.1.0');
    const wrong = restartResult('1.0.0', now('1.0.5', '1.1.0')).warning ?? '';
    assertNames(wrong, '1.0.5', '1.1.0');
    assertOmits(wrong, 'still');
    const dependency = now('1.1.0', '1.1.0', { findings: [finding({ kind: 'stale', message: 'runs with chromadb 0.6.3' })] });
    assertNames(restartResult('1.1.0', dependency).warning, 'chromadb 0.6.3');
    const unsure = now('1.1.0', '1.1.0', { findings: [finding({ kind: 'stale', confidence: 'unknown' })] });
    assert.equal(restartResult('1.1.0', unsure).warning, undefined);
  });

  it('waits for the version only where there was one', () =>
    assert.deepEqual(
      [isVersionSettled(null, now(null, null)), isVersionSettled('1.0.0', now(null, '1.1.0')), isVersionSettled('1.0.0', now('1', '1'))],
      [true, false, true],
    ));
});
