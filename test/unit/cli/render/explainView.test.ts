import assert from 'node:assert/strict';
import { stripVTControlCharacters } from 'node:util';
import { describe, it } from 'mocha';
import { renderExplanation, renderSummary } from '../../../../src/cli/render/explainView.ts';
import { displayWidth } from '../../../../src/cli/render/text.ts';
import type { Instance, Snapshot } from '../../../../src/model/snapshot.ts';
import { explanationOf, summaryOf } from '../../../../src/presentation/explanation.ts';
import { assertNames } from '../../../names.ts';
import { ago, busySnapshot, client, definition, finding, fixtureNow, instance, snapshot } from '../fixture.ts';
import { assertGolden } from '../golden.ts';

function render(one: Instance, given: Snapshot, width: number, color = false): string {
  const sections = explanationOf(one, given, {
    restart: 'In Claude Code: /mcp, choose chroma, Reconnect.',
    home: '/home/ada',
    timeZone: 'UTC',
  });
  return renderExplanation(one, given, sections, { width, color, now: fixtureNow });
}

function summary(one: Instance, given: Snapshot, width: number, color = false): string {
  const rows = summaryOf(one, given, {
    restart: 'In Claude Code: /mcp, choose chroma, Reconnect.',
    home: '/home/ada',
    timeZone: 'UTC',
    now: fixtureNow,
  });
  return renderSummary(one, given, rows, { width, color, now: fixtureNow });
}

const chroma = instance({
  name: 'chroma',
  pid: 5103,
  definitions: ['d3'],
  client: client('claude-code', 'Claude Code', 5001),
  launchers: [{ pid: 5102, kind: 'uv', command: 'uv tool uvx chroma-mcp' }],
  tree: [5103, 5102],
  package: { ecosystem: 'python', name: 'chroma-mcp', root: '/home/ada/venv', running: '0.2.6', installed: '0.2.6' },
  changedDependencies: [
    { name: 'chromadb', running: '0.6.3', installed: '1.5.7', direction: 'upgrade' },
    { name: 'numpy', running: '2.3.0', installed: '2.1.0', direction: 'downgrade' },
    { name: 'posthog', running: '3.7.0', direction: 'removed' },
  ],
  findings: [
    finding({
      kind: 'stale',
      subKind: 'dependency',
      message: 'runs with other dependencies than installed: chromadb 0.6.3 → 1.5.7 and 2 more',
      evidence: ['runs chromadb 0.6.3 since 09:52 (PID 5103, started by Claude Code); chromadb 1.5.7 was installed 13:02'],
      actions: [
        { kind: 'manual', step: 'In Claude Code: /mcp, choose chroma, Reconnect.' },
        { kind: 'reveal', file: '/home/ada/.claude.json', line: 7 },
      ],
    }),
  ],
  evidence: {
    firstSeenAt: ago(3_600_000 * 3),
    program: '/usr/bin/python3.11',
    unreadable: ['open files: permission denied'],
    match: {
      confidence: 'proven',
      why: ['it runs the package of the entry with the same arguments (chroma)', 'it has the environment variable of the entry'],
    },
    source: {
      entry: '/home/ada/venv/bin/chroma-mcp',
      how: 'from the script on its command line',
      editable: false,
      metadata: '/home/ada/venv/lib/python3.11/site-packages/chroma_mcp-0.2.6.dist-info',
      packages: 84,
    },
    baseline: {
      takenAt: ago(3_600_000 * 3),
      trust: 'before-start',
      packages: 84,
      record: '/home/ada/.mcp-run/shepherd/facts/01.baseline.json',
    },
    compared: [{ what: 'its program /usr/bin/python3.11, by content', recordedAt: ago(3_600_000 * 3) }],
  },
});
const given = snapshot({
  definitions: [
    definition({
      id: 'd3',
      name: 'chroma',
      client: 'claude-code',
      file: '/home/ada/.claude.json',
      line: 7,
      command: 'uvx',
      args: ['chroma-mcp'],
      envNames: ['CHROMA_TOKEN'],
    }),
  ],
  instances: [chroma],
  problems: [
    { source: 'config', message: 'A trailing comma', file: '/home/ada/.claude.json', line: 9 },
    { source: 'config', message: 'Not about this server', file: '/home/ada/other.json' },
  ],
});

describe('the explanation of one server', () => {
  for (const width of [60, 120]) {
    it(`is whole and fits ${width} columns`, () => {
      const text = render(chroma, given, width);
      assert.ok(text.split('\n').every((line) => displayWidth(line) <= width));
      assertGolden(`explain-${width}`, text);
    });
  }

  for (const width of [40, 80]) {
    it(`has a summary that begins with the verdict and fits ${width} columns`, () => {
      const text = summary(chroma, given, width);
      assert.ok(text.startsWith('chroma (PID 5103): stale'), text);
      assert.ok(text.split('\n').every((line) => displayWidth(line) <= width));
      assertGolden(`explain-summary-${width}`, text);
      const colored = summary(chroma, given, width, true);
      assertGolden(`explain-summary-${width}-color`, colored);
      assert.equal(stripVTControlCharacters(colored), text);
    });
  }

  it('says why a client has a server of its own, where several could share one', () => {
    const unshared = 'two clients got different answers to tools/list';
    const record = {
      id: 'r',
      serverId: 'chroma',
      state: 'running',
      exclusion: 'none',
      locks: [],
      control: [],
      guardPid: 5102,
      unshared,
    } as const;
    const sections = explanationOf({ ...chroma, record }, given, { restart: '', timeZone: 'UTC' });
    assertNames(sections.flatMap(({ rows }) => rows).find(({ name }) => name === 'shared')?.text, unshared);
  });

  it('tells which writing calls passed to old code, and says where that is not known', () => {
    const record = { id: 'r', serverId: 'chroma', state: 'running', exclusion: 'none', locks: [], control: [], guardPid: 5102 } as const;
    const told = (staleWrites: NonNullable<Instance['record']>['staleWrites']): string => {
      const one = { ...chroma, record: { ...record, ...(staleWrites ? { staleWrites } : {}) } };
      const about = { restart: '', timeZone: 'UTC' };
      const rows = [
        ...summaryOf(one, given, { ...about, now: fixtureNow }),
        ...explanationOf(one, given, about).flatMap((section) => section.rows),
      ].filter(({ name }) => name === 'old code');
      assert.equal(rows.length, 2);
      assert.equal(rows[0]?.text, rows[1]?.text);
      return rows[0]?.text ?? '';
    };
    const tools = [
      { name: 'create_entities', calls: 3 },
      { name: 'a\nb', calls: 1 },
    ];
    const texts = [
      told({ calls: 6, from: ago(90_000), to: ago(30_000), tools }),
      told({ calls: 0, tools: [] }),
      told(undefined),
      told({ calls: 1, from: ago(90_000), to: ago(90_000), tools: [] }),
    ];
    assertNames(texts[0], 'create_entities', 3, '2 calls', '14:00:35', '14:01:35');
    assertGolden('explain-old-code', `${texts.join('\n')}\n`);
  });

  it('has a summary of 12 lines at most, whatever its texts are', () => {
    const long = 'a sentence that does not end, '.repeat(200);
    const evil = instance({
      ...chroma,
      name: 'x'.repeat(3_000),
      unknown: long,
      findings: ['stale', 'duplicate', 'orphan'].map((kind) =>
        finding({ kind: kind as 'stale', message: `${long}\x1b[2J\n`, evidence: [long], actions: [{ kind: 'manual', step: long }] }),
      ),
    });
    for (const one of [evil, chroma, ...busySnapshot().instances]) {
      for (const width of [30, 40, 60, 80, 200, Number.POSITIVE_INFINITY]) {
        const lines = summary(one, busySnapshot(), width).split('\n').slice(0, -1);
        assert.ok(lines.length <= 12, `${lines.length} lines at ${width}`);
        assert.ok(lines.at(-1)?.startsWith('More'), lines.join('\n'));
        assert.ok(
          lines.every((line) => displayWidth(line) <= width && !/\p{Cc}/u.test(line)),
          lines.join('\n'),
        );
      }
    }
  });

  it('leaves out problems of other files', () => {
    const text = render(chroma, given, Number.POSITIVE_INFINITY);
    assert.ok(text.includes('A trailing comma') && !text.includes('Not about this server'), text);
  });

  it('lets nothing hostile act on the terminal, and explains what has neither entry nor package', () => {
    const one = instance({ name: 'a\x1b[2Jb\n! fake', pid: 9, unknown: 'nothing tells\u202e' });
    const text = render(one, snapshot({ instances: [one] }), 80);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: it is what must not be there
    assert.doesNotMatch(text, /\x1b|\u202e/);
    assert.equal(text.split('\n').filter((line) => line.startsWith('! fake')).length, 0);
    for (const each of busySnapshot().instances) {
      assert.ok(render(each, busySnapshot(), 80).length > 100);
    }
  });
});
