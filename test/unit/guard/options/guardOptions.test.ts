import assert from 'node:assert/strict';
import { guardHelp } from '../../../../src/guard/options/guardHelp.ts';
import { type GuardOptions, guardOptionNames, parseGuardOptions } from '../../../../src/guard/options/guardOptions.ts';

function read(...words: string[]): GuardOptions {
  const parsed = parseGuardOptions(words);
  assert.ok(parsed.status === 'run', JSON.stringify(parsed));
  return parsed.options;
}

function wrong(...words: string[]): string {
  const parsed = parseGuardOptions(words);
  assert.ok(parsed.status === 'wrong', JSON.stringify(parsed));
  return parsed.message;
}

describe('guard options', () => {
  it('take everything after -- for the server, also what looks like an option', () => {
    const { command, args, onStale, graceMs } = read('--', 'npx', '-y', '--', 'server', '--grace', 'x');
    assert.deepEqual([command, args], ['npx', ['-y', '--', 'server', '--grace', 'x']]);
    assert.deepEqual([onStale, graceMs], ['refuse-writes', 10_000]);
  });

  it('are read in both notations, and may be repeated where that means something', () => {
    const { locks, writeTools, graceMs, overlap } = read(
      ...['--lock=path:~/a=b', '--lock', 'port:8700', '--write-tools', 'a, b', '--write-tools=c', '--grace=0.5', '--overlap', '--', 'x'],
    );
    assert.deepEqual(locks, [
      { kind: 'path', resource: '~/a=b' },
      { kind: 'port', resource: '8700' },
    ]);
    assert.deepEqual([writeTools, graceMs, overlap], [['a', 'b', 'c'], 500, true]);
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
    it(`--on-conflict ${value}`, () => assert.deepEqual(read('--on-conflict', value, '--', 'x').onConflict, expected));
  }

  it('say what is wrong', () => {
    assert.match(wrong('--lock', 'x', '--', 'a'), /--lock is path:FOLDER/);
    assert.match(wrong('--on-conflict', 'refuse=1', '--', 'a'), /--on-conflict is refuse/);
    assert.match(wrong('--on-stale', 'maybe', '--', 'a'), /--on-stale is one of refuse-writes/);
    assert.match(wrong('--grace', '-1', '--', 'a'), /--grace is a number/);
    assert.match(wrong('--grace', '1e9', '--', 'a'), /--grace is a number/);
    assert.match(wrong('--run-dir', 'here', '--', 'a'), /absolute/);
    assert.match(wrong('--name', 'a\nb', '--', 'a'), /control characters/);
    assert.match(wrong('--overlap=1', '--', 'a'), /takes no value/);
    assert.match(wrong('--nope', '--', 'a'), /unknown option --nope/);
    assert.match(wrong('npx', '--', 'a'), /"npx" stands before --/);
    assert.match(wrong('--grace'), /needs a value/);
    assert.match(wrong(), /command is missing/);
    assert.match(wrong('--'), /command is missing/);
    for (const more of [
      ['--overlap'],
      ['--on-stale', 'refuse'],
      ['--write-tools', 'x'],
      ['--drain', '3'],
      ['--on-conflict', 'read-only'],
    ]) {
      assert.match(wrong('--record-only', ...more, '--', 'a'), /--record-only looks at no message/, more.join(' '));
    }
    assert.ok(read('--record-only', '--on-stale', 'off', '--on-conflict', 'warn', '--', 'a').recordOnly);
    assert.match(wrong('--on-conflict', 'wait=1=2', '--', 'a'), /not "1=2"/);
    assert.match(wrong('--lock', 'port:http', '--', 'a'), /--lock port: "http" is not a TCP port/);
    assert.match(wrong('--lock', 'name:Mine', '--', 'a'), /--lock name: "Mine" is not a name: use 1 to 64 of a-z/);
  });

  it('stand in the help, all of them', () => {
    assert.equal(parseGuardOptions(['--help', '--nope']).status, 'help');
    for (const name of guardOptionNames) {
      assert.ok(guardHelp.includes(`  ${name} `), name);
    }
  });
});
