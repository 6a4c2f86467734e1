import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { duration, homePath, memory, roundedAge, roundedMemory } from '../../../src/presentation/quantities.ts';

describe('durations and memory', () => {
  it('are told in at most two units', () => {
    const minute = 60_000;
    const cases: readonly (readonly [number, string])[] = [
      [-5000, '0s'],
      [999, '0s'],
      [59_999, '59s'],
      [minute, '1m'],
      [59 * minute, '59m'],
      [60 * minute, '1h'],
      [190 * minute, '3h 10m'],
      [24 * 60 * minute, '1d'],
      [98.5 * 60 * minute, '4d 2h'],
    ];
    for (const [ms, text] of cases) {
      assert.equal(duration(ms), text);
    }
  });

  it('are rounded as the system tools do', () => {
    assert.equal(memory(0), '–');
    assert.equal(memory(4096), '1 MB');
    assert.equal(memory(85 * 1024 ** 2), '85 MB');
    assert.equal(memory(1023 * 1024 ** 2), '1.0 GB');
    assert.equal(memory(1.3 * 1024 ** 3), '1.3 GB');
  });

  it('are coarse where a view should not flicker', () => {
    const now = Date.parse('2026-11-21T14:00:00Z');
    const at = (ms: number): string => roundedAge(new Date(now - ms).toISOString(), now);
    assert.deepEqual([0, 59_000, 60_000, 3_599_000, 3_600_000, 47 * 3_600_000, 48 * 3_600_000].map(at), [
      ...['just started', 'just started', '1 min', '59 min', '1 h', '47 h', '2 days'],
    ]);
    assert.equal(at(-5_000), 'just started');
    const mb = 1024 ** 2;
    assert.deepEqual([0, mb / 2, 58.4 * mb, 123 * mb, 1100 * mb].map(roundedMemory), [undefined, '1 MB', '58 MB', '120 MB', '1.1 GB']);
  });
});

describe('homePath', () => {
  it('shortens paths below the home folder only', () => {
    for (const [file, home, shown] of [
      ['/home/ann/.cursor/mcp.json', '/home/ann', '~/.cursor/mcp.json'],
      ['/home/ann/.cursor/mcp.json', '/home/ann/', '~/.cursor/mcp.json'],
      ['C:\\Users\\ann\\a\\b.json', 'C:\\Users\\ann', '~/a/b.json'],
      ['/home/anna/x', '/home/ann', '/home/anna/x'],
      ['/home/ann', '/home/ann', '/home/ann'],
      ['/etc/x', '', '/etc/x'],
    ] as const) {
      assert.equal(homePath(file, home), shown);
    }
  });
});
