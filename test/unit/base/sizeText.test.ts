import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { sizeText } from '../../../src/base/sizeText.ts';

describe('the size of a text or file, for messages', () => {
  it('has the unit in which it is below 1,000', () => {
    const [kB, MB, GB] = [1024, 1024 ** 2, 1024 ** 3];
    assert.deepEqual([0, 999, 1000, 64 * kB, 999 * kB, 1000 * kB, 64 * MB, 1023 * MB, 1.3 * GB, 4 * GB, 2000 * GB].map(sizeText), [
      '0 bytes',
      '999 bytes',
      '1 kB',
      '64 kB',
      '999 kB',
      '1 MB',
      '64 MB',
      '1.0 GB',
      '1.3 GB',
      '4 GB',
      '2000 GB',
    ]);
  });
});
