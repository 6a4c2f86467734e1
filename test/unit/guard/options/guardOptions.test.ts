import { deepEqual, equal, ok } from 'node:assert/strict';
import { describe, it } from 'mocha';
import type { OptionProblem } from '../../../../src/base/optionTable.ts';
import { type GuardOptions, parseGuardOptions } from '../../../../src/guard/options/guardOptions.ts';

function read(...words: string[]): GuardOptions {
  const parsed = parseGuardOptions(words);
  ok(parsed.status === 'run', JSON.stringify(parsed));
  return parsed.options;
}

function problemOf(...words: string[]): OptionProblem {
  const parsed = parseGuardOptions(words);
  ok(parsed.status === 'wrong', JSON.stringify(parsed));
  return parsed.problem;
}

describe('parseGuardOptions', () => {
  it('takes everything after -- for the server, also what looks like an option', () => {
    const { command, args, onStale, graceMs } = read('--', 'npx', '-y', '--', 'server', '--grace', 'x');
    deepEqual([command, args], ['npx', ['-y', '--', 'server', '--grace', 'x']]);
    deepEqual([onStale, graceMs], ['auto', 10_000]);
  });

  it('reads both notations, and repeated options where that means something', () => {
    const { locks, writeTools, graceMs, overlap } = read(
      ...['--lock=path:~/a=b', '--lock', 'port:8700', '--write-tools', 'a, b', '--write-tools=c', '--grace=0.5', '--overlap', '--', 'x'],
    );
    deepEqual(locks, [
      { kind: 'path', resource: '~/a=b' },
      { kind: 'port', resource: '8700' },
    ]);
    deepEqual([writeTools, graceMs, overlap], [['a', 'b', 'c'], 500, true]);
  });

  for (const [value, expected] of [
    ['refuse', { mode: 'refuse' }],
    ['read-only', { mode: 'read-only' }],
    ['warn', { mode: 'warn' }],
    ['wait', { mode: 'wait', limitMs: 60_000 }],
    ['wait=2.5', { mode: 'wait', limitMs: 2_500 }],
    ['takeover', { mode: 'takeover', force: false }],
    ['takeover=force', { mode: 'takeover', force: true }],
  ] as const) {
    it(`--on-conflict ${value}`, () => deepEqual(read('--on-conflict', value, '--', 'x').onConflict, expected));
  }

  for (const [option, value] of [
    ['--lock', 'x'],
    ['--lock', 'port:http'],
    ['--lock', 'port:99999'],
    ['--lock', 'name:Mine'],
    ['--on-conflict', 'refuse=1'],
    ['--on-conflict', 'wait=1=2'],
    ['--on-stale', 'maybe'],
    ['--grace', '-1'],
    ['--grace', '1e9'],
    ['--run-dir', 'here'],
    ['--name', 'a\nb'],
  ] as const) {
    it(`refuses ${option} ${JSON.stringify(value)}`, () => {
      const problem = problemOf(option, value, '--', 'a');
      deepEqual([problem.kind, 'option' in problem && problem.option], ['invalid', option]);
    });
  }

  it('refuses what is no option, and an option with too much or too little', () => {
    deepEqual(problemOf('--nope', '--', 'a'), { kind: 'unknown', option: '--nope' });
    deepEqual(problemOf('npx', '--', 'a'), { kind: 'stray-word', word: 'npx' });
    deepEqual(problemOf('--overlap=1', '--', 'a'), { kind: 'unexpected-value', option: '--overlap' });
    deepEqual(problemOf('--grace'), { kind: 'no-value', option: '--grace' });
    deepEqual(problemOf('--name', '--overlap', '--', 'a'), { kind: 'no-value', option: '--name' });
    for (const words of [[], ['--'], ['--', '']]) {
      equal(problemOf(...words).kind, 'contradiction', words.join(' '));
    }
  });

  it('starts entries with --record-only of earlier versions, without checks', () => {
    equal(read('--record-only', '--', 'a').onStale, 'off');
    equal(read('--record-only', '--on-stale', 'refuse', '--', 'a').onStale, 'refuse');
  });

  it('asks for help whatever else is wrong, and not behind --', () => {
    equal(parseGuardOptions(['--help', '--nope']).status, 'help');
    equal(parseGuardOptions(['-h']).status, 'help');
    equal(read('--', 'x', '--help').command, 'x');
  });
});
