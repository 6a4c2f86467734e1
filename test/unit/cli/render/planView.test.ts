import assert from 'node:assert/strict';
import { stripVTControlCharacters } from 'node:util';
import { describe, it } from 'mocha';
import type { HistoryEntry } from '../../../../src/action/execute/actionHistory.ts';
import { makePlan } from '../../../../src/action/plan/makePlan.ts';
import type { Verb } from '../../../../src/action/plan/plan.ts';
import { pruneCandidates } from '../../../../src/action/plan/pruneCandidates.ts';
import { renderHistory } from '../../../../src/cli/render/historyView.ts';
import { outcomeLines, renderInstallerLine, renderPlan, renderUpgrade, renderUpgradeResult } from '../../../../src/cli/render/planView.ts';
import { renderPrune } from '../../../../src/cli/render/pruneView.ts';
import { assertNames } from '../../../names.ts';
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

  it('lists the steps of a failed action', () => {
    const lines = outcomeLines(
      { status: 'failed', message: 'It is still running.', steps: [{ text: 'PID 4', result: 'ended (SIGTERM)' }] },
      { width: 60, color: false, now: fixtureNow },
    );
    assert.deepEqual(lines.split('\n'), ['It is still running.', '  PID 4: ended (SIGTERM)', '']);
  });
});

describe('what upgrade prints', () => {
  it('with and without an exact way back, where only the user can restart, and what came of it, 60 columns', () => {
    const options = { width: 60, color: false, now: fixtureNow };
    const argv = ['npm', 'install', '--prefix', '/srv/shop', 'notes@1.1.0'] as const;
    const [stale, , duplicate] = given.instances;
    assert.ok(stale && duplicate);
    const plan = {
      argv,
      command: argv.join(' '),
      packageName: 'notes',
      from: '1.0.0',
      to: '1.1.0',
      instances: [],
      order: 'upgrade-first',
    } as const;
    const undo = { files: [], exact: true, install: { kind: 'command', argv: ['npm', 'install'] } } as const;
    const restart = makePlan('restart', stale, given, around);
    const manual = makePlan('restart', duplicate, given, { ...around, windows: new Set() });
    const steps = [{ text: plan.command, result: 'exit code 1' }];
    const texts = [
      renderUpgrade(plan, [restart], undo, options),
      renderUpgrade(plan, [manual], { ...undo, exact: false }, options),
      renderUpgrade({ ...plan, cwd: '/srv/shop' }, [], undefined, options),
      ...(['done', 'rolled-back'] as const).map((status) =>
        renderUpgradeResult({ status, message: 'notes 1.0.0 is installed.', steps }, options),
      ),
      renderInstallerLine('added \u001b[31m1\u001b[0m package\r\u202e', options),
    ];
    assert.deepEqual(
      ['\u001b', '\r', '\u202e'].filter((character) => texts.join('').includes(character)),
      [],
    );
    assertGolden('upgrade-60', texts.join('\n'));
  });
});

describe('what prune prints', () => {
  it('in groups, 60 and 120 columns', () => {
    const candidates = pruneCandidates(given, around);
    const chosen = new Set(candidates.filter(({ preselected }) => preselected).map(({ instance }) => instance.id));
    const texts = [60, 120].flatMap((width) => {
      const options = { width, color: false, now: fixtureNow };
      const none = renderPrune(candidates, new Set(), options).split('\n').slice(-3).join('\n');
      return [renderPrune(candidates, chosen, options), none, renderPrune([], new Set(), options)];
    });
    assertGolden('prune', texts.join('\n'));
  });
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
  it('newest last, one line each in local time, more where the width cuts PID or outcome; with its steps on request', () => {
    const failed: HistoryEntry = {
      ...entry,
      at: ago(5_000),
      verb: 'restart',
      outcome: 'failed',
      message: 'VS Code did not start it again.',
      steps: [],
      target: { ...entry.target, client: 'VS Code (PID 4711)' },
    };
    const options = { width: 80, color: false, now: fixtureNow, timeZone: 'Europe/Berlin' };
    const both = [entry, failed];
    for (const width of [40, 80]) {
      const lines = renderHistory(both, { ...options, width })
        .split('\n')
        .slice(0, -1);
      assert.ok(lines.length === (width < 80 ? 4 : 2) && lines.every((line) => line.length <= width), lines.join('\n'));
      assertNames(lines.join('\n'), 'stop memory', 'restart memory', 'PID 3990', 'done', 'FAILED');
      const colored = renderHistory(both, { ...options, width, color: true });
      assert.equal(stripVTControlCharacters(colored), `${lines.join('\n')}\n`);
      assertGolden(`history-${width}-color`, colored);
      assertGolden(`history-${width}`, `${lines.join('\n')}\n`);
    }
    assertNames(renderHistory([failed], { ...options, width: 80 }), '2026-11-21 15:02:00', 'PID 3990', 'FAILED');
    assertGolden('history', `${renderHistory(both, { ...options, details: true })}\n${renderHistory([], options)}`);
  });
});
