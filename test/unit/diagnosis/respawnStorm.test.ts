import assert from 'node:assert/strict';
import { judgeStorm, type Lifetime, type StormEvidence } from '../../../src/diagnosis/respawnStorm.ts';
import { isHeadline } from '../../../src/model/finding.ts';
import { assertNames } from '../../names.ts';

const second = 1_000;
const clock = { uptime: 10_000 * second, now: 1_790_000_000_000 };
const start = clock.uptime - 300 * second;

/** Runs one after the other: each lives `life` seconds, the next starts a second later; the last one runs. */
function wave(count: number, life: number, over: Partial<Lifetime> = {}): Lifetime[] {
  return Array.from({ length: count }, (_, at) => {
    const startedAt = start + at * (life + 1) * second;
    const endedAt = startedAt + life * second;
    return at === count - 1 ? { startedAt, seenAt: clock.uptime } : { startedAt, seenAt: endedAt - second, endedAt, ...over };
  });
}

function judge(lives: readonly Lifetime[], over: Partial<StormEvidence> = {}) {
  const evidence = { name: 'notes', client: { name: 'Claude Code', pid: 50 }, lives, manySessions: false, actions: [], ...over };
  return judgeStorm(evidence, 5, clock);
}

describe('respawnStorm', () => {
  it('tells five starts within ten minutes that each follow a run of less than a minute', () => {
    const finding = judge(wave(6, 3));
    assert.deepEqual([finding?.kind, finding?.confidence, finding && isHeadline(finding)], ['respawn-storm', 'likely', true]);
    assertNames(finding?.message, 'Claude Code', 'PID 50', 'notes', '5 times');
    assert.equal(finding?.since, new Date(clock.now - (clock.uptime - start - 4 * second)).toISOString());
  });

  it('tells it too where none of them runs now', () => {
    const lives = [
      ...wave(6, 3).slice(0, 5),
      { startedAt: start + 20 * second, seenAt: start + 21 * second, endedAt: start + 22 * second },
    ];
    assert.equal(judge(lives)?.kind, 'respawn-storm');
  });

  const none: [string, Lifetime[]][] = [
    ['four starts', wave(5, 3)],
    [
      'parallel sessions, which run at the same time',
      Array.from({ length: 12 }, (_, at) => ({ startedAt: start + at * second, seenAt: clock.uptime })),
    ],
    [
      'parallel sessions that each end soon',
      Array.from({ length: 12 }, (_, at) => ({
        startedAt: start + at * second,
        seenAt: start + 29 * second,
        endedAt: start + 30 * second,
      })),
    ],
    ['subagents, whose servers end together', wave(12, 3, { endedWithOthers: true })],
    ['runs of more than a minute', wave(6, 61).map((life) => ({ ...life, startedAt: life.startedAt - 200 * second }))],
    [
      'starts of more than ten minutes ago',
      wave(6, 3).map((life) => ({
        ...life,
        startedAt: life.startedAt - 700 * second,
        seenAt: life.seenAt - 700 * second,
        ...(life.endedAt ? { endedAt: life.endedAt - 700 * second } : {}),
      })),
    ],
  ];
  for (const [what, lives] of none) {
    it(`is silent about ${what}`, () => assert.equal(judge(lives), undefined));
  }

  it('is unknown where short sessions look the same, and behind a guard that says nothing', () => {
    assert.equal(judge(wave(6, 3), { manySessions: true })?.confidence, 'unknown');
    assert.equal(judge(wave(6, 3), { guard: {} })?.confidence, 'unknown');
    const told = judge(wave(6, 3), { guard: { problem: 'the server exited with code 3' } });
    assert.equal(told?.confidence, 'likely');
    assertNames(told?.evidence.join('\n'), 'code 3');
    const end = (ago: number) => ({ at: clock.uptime - ago * second, ...(ago === 5 ? { signal: 'SIGSEGV' } : { code: 7 }) });
    const ends = [25, 20, 15, 10, 5].map(end);
    const seen = judge(wave(6, 3), { guard: { ends, errors: ['no database'] } });
    assert.equal(seen?.confidence, 'likely', 'the guard did not end it');
    const guard = { ends, errors: ['no database'] };
    const inSessions = judge(wave(6, 3), { manySessions: true, guard });
    assert.equal(inSessions && isHeadline(inSessions), true, 'servers of one guard are of one session');
    assert.equal(judge(wave(6, 3), { manySessions: true, guard: { problem: 'it failed' } })?.confidence, 'unknown');
    assertNames(seen?.evidence.join('\n'), 'exit code 7', 'SIGSEGV', 'no database');
    // It was ended on request as well, or long ago.
    assert.equal(judge(wave(6, 3), { guard: { ends: ends.slice(1) } })?.confidence, 'unknown');
    assert.equal(judge(wave(6, 3), { guard: { ends: [...ends.slice(1), end(700)] } })?.confidence, 'unknown');
  });
});
