import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { BootClock } from '../../../../src/survey/facts/bootClock.ts';

describe('boot clock', () => {
  let runDir: string;
  let wall = 1_700_000_000_000;
  let up = 1_000_000;
  const clock = { now: () => wall, uptime: () => up };
  beforeEach(() => {
    runDir = mkdtempSync(join(tmpdir(), 'clock-'));
    wall = 1_700_000_000_000;
    up = 1_000_000;
  });
  afterEach(() => rmSync(runDir, { recursive: true, force: true }));
  const pass = (ms: number) => {
    wall += ms;
    up += ms;
  };

  it('compares times as long as the clock is not set', () => {
    const one = new BootClock(runDir, 'boot', clock);
    pass(3_600_000);
    assert.equal(one.observe(), false);
    assert.equal(one.timesComparable(wall - 1_800_000), true);
  });

  for (const step of [3_600_000, -3_600_000]) {
    it(`believes no time of before a step of ${step / 60_000} minutes, and all of after it`, () => {
      const one = new BootClock(runDir, 'boot', clock);
      pass(60_000);
      wall += step;
      assert.equal(one.observe(), true);
      assert.equal(one.timesComparable(wall - 10_000), false);
      pass(60_000);
      assert.equal(one.observe(), false);
      assert.equal(one.timesComparable(wall - 10_000), true);
      assert.equal(one.timesComparable(wall - 90_000), false);
    });
  }

  it('notices a step between two scans, and the next observer knows it', () => {
    new BootClock(runDir, 'boot', clock);
    pass(60_000);
    wall += 7_200_000;
    const later = new BootClock(runDir, 'boot', clock);
    assert.equal(later.timesComparable(wall - 30_000), false);
    assert.equal(new BootClock(runDir, 'boot', clock).timesComparable(wall - 30_000), false);
  });

  it('starts again after a reboot', () => {
    new BootClock(runDir, 'boot', clock);
    wall += 7_200_000;
    up = 5_000;
    assert.equal(new BootClock(runDir, 'next', clock).timesComparable(wall - 1_000), true);
  });

  it('bears a slow drift', () => {
    const one = new BootClock(runDir, 'boot', clock);
    for (let hour = 0; hour < 48; hour += 1) {
      pass(3_600_000);
      wall += 100;
      assert.equal(one.observe(), false);
    }
    assert.equal(one.timesComparable(wall - 1_000_000), true);
  });
});
