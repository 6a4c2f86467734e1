import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { compareFindings, countFindings } from '../../../src/presentation/findingLabels.ts';
import { finding } from '../cli/fixture.ts';

describe('the labels of findings', () => {
  it('rank what counts before what is information, and then by kind', () => {
    const [possibly, orphan, update, stale] = [
      finding({ kind: 'files-gone', confidence: 'unknown' }),
      finding({ kind: 'orphan' }),
      finding({ kind: 'update-available' }),
      finding({ kind: 'stale', confidence: 'likely' }),
    ];
    assert.deepEqual([possibly, update, orphan, stale].sort(compareFindings), [stale, orphan, possibly, update]);
  });

  it('count in the same order, in singular and plural', () => {
    assert.equal(countFindings(['duplicate', 'orphan', 'stale', 'duplicate']), '1 stale, 2 duplicates, 1 orphan');
    assert.equal(countFindings([]), '');
  });
});
