import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { RestartLimit, stormLimit, stormMs } from '../../../../src/guard/process/restartLimit.ts';

describe('Restarts in circles', () => {
  it('test 34: the first restart at once, each next one later, and after five in a minute none until the first is a minute old', () => {
    const limit = new RestartLimit();
    const pauses: number[] = [];
    let now = 1_000;
    for (let restart = 0; restart < stormLimit; restart += 1) {
      pauses.push(limit.pauseMs(now));
      now += limit.pauseMs(now);
      limit.note(now);
    }
    assert.deepEqual(pauses, [0, 100, 200, 400, 800], 'five restarts, ms');
    assert.equal(limit.isStorm(now), true);
    assert.equal(limit.pauseMs(now), 1_000 + stormMs - now);
    assert.equal(limit.isStorm(1_000 + stormMs), false);
    assert.ok(limit.pauseMs(now + stormMs) === 0);
  });

  it('test 34: two that answer each other are bounded: no more than five restarts in any minute', () => {
    const limit = new RestartLimit();
    const at: number[] = [];
    for (let now = 0; now < 10 * stormMs; now += 1) {
      now += limit.pauseMs(now);
      limit.note(now);
      at.push(now);
    }
    for (const start of at) {
      assert.ok(at.filter((time) => time >= start && time < start + stormMs).length <= stormLimit);
    }
    assert.ok(at.length > 20, `it continues: ${at.length}`);
  });
});
