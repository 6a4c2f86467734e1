import assert from 'node:assert/strict';
import { stripVTControlCharacters } from 'node:util';
import { describe, it } from 'mocha';
import { renderStatusLine } from '../../../../src/cli/render/stateWords.ts';
import { renderStatus } from '../../../../src/cli/render/statusView.ts';
import { displayWidth } from '../../../../src/cli/render/text.ts';
import type { Snapshot } from '../../../../src/model/snapshot.ts';
import { assertNames } from '../../../names.ts';
import { busySnapshot, client, definition, finding, fixtureNow, instance, snapshot } from '../fixture.ts';
import { assertGolden } from '../golden.ts';

const unlimited = Number.POSITIVE_INFINITY;

function show(given: Snapshot, width: number, more: { color?: boolean; all?: boolean } = {}): string {
  return renderStatus(given, { width, color: false, now: fixtureNow, ...more });
}

/** Names as an enemy would choose them. */
function hostileSnapshot(): Snapshot {
  const evil = '\x1b[2J\x1b[31mok\x07\nClaude Code (PID 1)\u202e';
  const wide = '日本語サーバー👩‍👩‍👧';
  const editor = client('vscode', `VS\x1b]0;title\x07Code`, 10);
  return snapshot({
    definitions: [
      definition({ id: 'd1', name: evil }),
      definition({ id: 'd2', name: wide }),
      definition({ id: 'd3', name: 'x'.repeat(5000) }),
    ],
    instances: [
      instance({
        name: evil,
        pid: 11,
        definitions: ['d1'],
        client: editor,
        findings: [finding({ kind: 'duplicate', message: `copy of ${evil}` })],
      }),
      instance({
        name: wide,
        pid: 12,
        definitions: ['d2'],
        client: editor,
        package: { ecosystem: 'npm', name: 'ok\u009b31m', root: '/', running: '1.0\x1b[0m', installed: '2.0\n' },
        findings: [finding({ kind: 'stale' })],
      }),
      instance({ name: 'lone', pid: 13, command: 'node \x1b[1A\r', client: null }),
    ],
    problems: [{ source: 'config', message: 'bad\nfile', file: '/tmp/\x1b[7m.json', line: 1 }],
  });
}

describe('the status table', () => {
  for (const width of [40, 80, 100, 200]) {
    it(`at ${width} columns`, () => assertGolden(`status-${width}`, show(busySnapshot(), width)));
  }

  it('without a terminal', () => assertGolden('status-unlimited', show(busySnapshot(), unlimited)));

  it('keeps the column of states as wide as states are, however long the path in a reason', () => {
    const reason = `node_modules is no folder that can be read: ${'/a/long/path'.repeat(12)}`;
    const text = show(snapshot({ instances: [instance({ name: 'lone', pid: 13, package: null, unknown: reason })] }), unlimited);
    assert.match(text, /^ {2}lone +running; version unknown {2,4}13 /m);
    assert.ok(text.includes(`    ${reason}`), text);
  });

  it('shows an empty name as two quotes', () => {
    assert.match(show(snapshot({ definitions: [definition({ id: 'd1', name: '' })] }), 100, { all: true }), /^ {2}"" +/m);
  });

  for (const width of [40, 80]) {
    it(`in colour says the same as without, at ${width} columns`, () => {
      const colored = show(busySnapshot(), width, { color: true });
      assertGolden(`status-${width}-color`, colored);
      assert.equal(stripVTControlCharacters(colored), show(busySnapshot(), width));
    });
  }

  it('lists every entry on request', () => assertGolden('status-all', show(busySnapshot(), 80, { all: true })));

  it('begins with what needs attention, worst first, then what runs', () => {
    const lines = show(busySnapshot(), 80).split('\n');
    const marked = lines.flatMap((line, index) => (line.startsWith('! ') && /\d{4}/.test(line) ? [index] : []));
    const quiet = lines.findIndex((line) => line.includes('4822'));
    assert.ok(
      marked.slice(0, 3).every((index) => index < quiet),
      lines.join('\n'),
    );
    assert.deepEqual(
      marked.slice(0, 3).map((index) => /\b(4801|5103|3990)\b/.exec(lines[index] ?? '')?.[1]),
      ['5103', '4801', '3990'],
    );
  });

  it('names what does not run in one line, each name once, and gives a row to an entry about which there is more to say', () => {
    const given = snapshot({
      definitions: [
        definition({ id: 'a', name: 'plain' }),
        definition({ id: 'b', name: 'plain', client: 'cursor' }),
        definition({
          id: 'c',
          name: 'taken',
          transport: 'http',
          url: 'http://127.0.0.1:8700/',
          port: { number: 8700, holder: 'stranger', pid: 77 },
        }),
        definition({ id: 'd', name: 'broken', findings: [finding({ kind: 'files-gone' })] }),
      ],
    });
    const lines = show(given, 100).split('\n');
    assert.equal(lines.filter((line) => /\bplain\b/.test(line)).length, 1);
    assert.match(lines.find((line) => line.includes('plain')) ?? '', /^Not running: plain\. --all/);
    assertNames(
      lines.find((line) => line.startsWith('  taken')),
      '8700',
      'PID 77',
    );
    assert.ok(
      lines.some((line) => line.startsWith('! broken')),
      lines.join('\n'),
    );
    assert.equal(show(given, 100, { all: true }).match(/^ {2}plain +not running$/gm)?.length, 2);
  });

  it('has one short line for a status line', () => {
    assert.equal(renderStatusLine(busySnapshot()), 'MCP: 2 stale, 1 duplicate, 1 orphan\n');
    assert.equal(renderStatusLine(snapshot()), 'MCP: none running\n');
    assert.equal(renderStatusLine(snapshot({ instances: [instance({ name: 'a', pid: 1 })] })), 'MCP: 1 ok\n');
  });

  it('with hostile and wide names', () => assertGolden('status-hostile', show(hostileSnapshot(), 80)));

  it('lets nothing hostile through, and nothing stick out, at any width', () => {
    for (const given of [hostileSnapshot(), busySnapshot()]) {
      for (let width = 30; width <= 210; width += 1) {
        for (const line of show(given, width).split('\n')) {
          assert.doesNotMatch(line, /[\p{Cc}\u2028-\u202e\u2066-\u2069]/u);
          assert.ok(displayWidth(line) <= width, `${displayWidth(line)} columns at ${width}: ${line}`);
          assert.equal(line, line.trimEnd());
        }
      }
    }
  });

  it('keeps one server on one line where there is no terminal', () => {
    const lines = show(busySnapshot(), unlimited).split('\n');
    assert.equal(lines.filter((line) => /\b4801\b/.test(line)).length, 1);
    assertNames(
      lines.find((line) => line.includes('4801')),
      'everything',
      '2026.1.26',
      '2026.8.31',
      '3h 10m',
    );
  });

  it('keeps PID and state at the narrowest, and drops what matters least first', () => {
    const titles = (width: number): string[] =>
      (
        show(busySnapshot(), width)
          .split('\n')
          .find((line) => line.startsWith('  SERVER')) ?? ''
      )
        .trim()
        .split(/\s+/);
    assert.deepEqual(titles(40), ['SERVER', 'STATE', 'PID']);
    assert.deepEqual(titles(60), ['SERVER', 'STATE', 'PID', 'CURRENT']);
    assert.deepEqual(titles(80), ['SERVER', 'STATE', 'PID', 'CURRENT', 'INSTALLED', 'LATEST', 'AGE']);
    assert.deepEqual(titles(200), ['SERVER', 'STATE', 'PID', 'CURRENT', 'INSTALLED', 'LATEST', 'MEMORY', 'AGE', 'PACKAGE']);
  });

  it('tells both versions of a stale server at every width', () => {
    for (const width of [40, 60, 80, 200]) {
      assertNames(show(busySnapshot(), width).replace(/\s+/g, ' '), '2026.1.26', '2026.8.31');
    }
  });

  it('says what to do when there is nothing to show', () => assertGolden('status-empty', show(snapshot(), 80)));

  it('B24: has a line for a state folder that is not the default', () => {
    const text = renderStatus(snapshot(), { width: 80, color: false, now: fixtureNow, remark: 'a remark' });
    assert.equal(text.split('\n')[1], 'a remark');
  });
});
