import { equal, notDeepEqual } from 'node:assert/strict';
import { describe, it } from 'mocha';
import { systemRandom } from '../../../src/base/random.ts';

describe('systemRandom', () => {
  it('gives as many bytes as are asked for, others each time, and no pattern that one would see', () => {
    for (const bytes of [1, 9, 16, 32, 100_000]) {
      equal(systemRandom(bytes).length, bytes);
    }
    notDeepEqual(systemRandom(16), systemRandom(16));
    const counts = new Array<number>(256).fill(0);
    for (const byte of systemRandom(256_000)) {
      counts[byte] = (counts[byte] ?? 0) + 1;
    }
    // 1,000 are expected of each, with a deviation of 32: eight of them in either direction.
    equal(counts.filter((count) => count < 750 || count > 1_250).length, 0);
  });
});
