import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import type { HistoryEntry } from '../../../../src/action/execute/actionHistory.ts';
import { makePlan } from '../../../../src/action/plan/makePlan.ts';
import type { Verb } from '../../../../src/action/plan/plan.ts';
import { pruneCandidates } from '../../../../src/action/plan/pruneCandidates.ts';
import { renderHistory } from '../../../../src/cli/render/historyView.ts';
import { outcomeLines, renderPlan } from '../../../../src/cli/render/planView.ts';
import { renderPrune } from '../../../../src/cli/render/pruneView.ts';
import { ago, busySnapshot, fixtureNow } from '../fixture.ts';
import { assertGolden } from '../golden.ts';

const around = { windows: new Set([4711]), ownPids: new Set<number>() };
const given = busySnapshot();

describe('what restart and stop print', () => {
  const [stale, , duplicate, , orphan, unknown] = given.instances;
  for (const width of [60, 100]) {
    it(`for each route, ${width} columns`, () => {
      const texts = (['restart', 'stop'] as const satisfies readonly Verb[]).flatMap((verb) =>
        [stale, duplicate, orphan, unknown].map((instance) => {
          assert.ok(instance);
          const plan = makePlan(verb, instance, given, around);
          return `== ${verb}, asks: ${plan.confirm}\n${renderPlan(plan, instance, given, { width, color: false, now: fixtureNow })}`;
        }),
      );
      const lines = texts.join('\n').split('\n');
      assert.deepEqual(
        lines.filter((line) => line.length > width),
        [],
      );
      assertGolden(`plans-${width}`, texts.join('\n'));
    });
  }

  it('says what became of it', () => {
    const options = { width: 60, color: false, now: fixtureNow };
    assert.equal(
      outcomeLines(
        {
          status: 'failed',
          message: 'memory (PID 3) could not be ended: PID 3 outlived SIGKILL.',
          steps: [{ text: 'PID 4', result: 'ended (SIGTERM)' }],
        },
        options,
      ),
      'memory (PID 3) could not be ended: PID 3 outlived SIGKILL.\n  PID 4: ended (SIGTERM)\n',
    );
  });
});

describe('what prune prints', () => {
  for (const width of [60, 120]) {
    it(`in groups, ${width} columns`, () => {
      const candidates = pruneCandidates(given, around);
      const chosen = new Set(candidates.filter(({ preselected }) => preselected).map(({ instance }) => instance.id));
      assertGolden(`prune-${width}`, renderPrune(candidates, chosen, { width, color: false, now: fixtureNow }));
    });
  }

  it('when there is nothing', () =>
    assert.equal(
      renderPrune([], new Set(), { width: 80, color: false, now: fixtureNow }),
      'Nothing was left behind, and nothing runs twice.\n',
    ));
});

describe('what history prints', () => {
  const entry: HistoryEntry = {
    schema: 1,
    at: ago(65_000),
    by: 'terminal (PID 77)',
    verb: 'end',
    target: { instance: 'boot:1:3990:lx:399000', pid: 3990, name: 'memory', client: null, runs: '2026.8.31' },
    steps: [{ text: 'PID 3990', result: 'ended (SIGTERM)' }],
    outcome: 'done',
    message: 'memory (PID 3990) ended.',
  };
  it('newest last, each with its steps', () => {
    const failed: HistoryEntry = {
      ...entry,
      at: ago(5_000),
      verb: 'restart',
      outcome: 'failed',
      message: 'VS Code did not start it again.',
      steps: [],
      target: { ...entry.target, client: 'VS Code (PID 4711)' },
    };
    assertGolden('history', renderHistory([entry, failed], { width: 80, color: false, now: fixtureNow }));
  });
  it('when there is none', () => assert.equal(renderHistory([], { width: 80, color: false, now: fixtureNow }), 'Nothing was done yet.\n'));
});
