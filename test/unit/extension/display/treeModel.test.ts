import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { attentions } from '../../../../src/extension/display/attention.ts';
import { definitionTooltip } from '../../../../src/extension/display/instanceTooltip.ts';
import { buildTree, holdRows } from '../../../../src/extension/display/treeModel.ts';
import { changedRows, contextFlags, indexNodes, type TreeNode } from '../../../../src/extension/display/treeNode.ts';
import type { Grouping, WindowFacts } from '../../../../src/extension/window/windowFacts.ts';
import type { Definition } from '../../../../src/model/definition.ts';
import type { FindingKind } from '../../../../src/model/finding.ts';
import type { Instance, LazyStart, NotStarted, Snapshot } from '../../../../src/model/snapshot.ts';
import { assertNames, assertOmits } from '../../../names.ts';
import { fullSnapshot } from '../../cli/fullSnapshot.ts';
import { claude, definition, finding, here, instance, now, snapshot, stale } from '../samples.ts';

/** The structure: "VS Code", "  d1 4711", "  d2", "    5", "    6"; the wording is in the golden file. */
function drawn(nodes: readonly TreeNode[], depth = 0): string[] {
  return nodes.flatMap(({ id, kind, label, definitionId, instanceId, children }) => {
    const pid = instanceId?.split(':')[2];
    const name = kind === 'group' ? id : kind === 'server' ? [definitionId ?? label, pid].filter(Boolean).join(' ') : (pid ?? label);
    return [`${'  '.repeat(depth)}${name}`, ...drawn(children, depth + 1)];
  });
}

const seenBy = (facts: WindowFacts, changes: Partial<Snapshot>): string[] => drawn(buildTree(snapshot(changes), facts, now));
/** Without the group of what needs attention, and the sum. */
const rows = (changes: Partial<Snapshot>): string[] =>
  drawn(buildTree(snapshot(changes), here, now).filter(({ id }) => id !== 'attention' && id !== 'bill'));

describe('The rows of the view', () => {
  it('show clients, their servers, and what runs', () => {
    const memory = definition({
      id: 'd2',
      name: 'memory',
      file: '/home/ann/.claude.json',
      client: 'claude-code',
      readBy: ['claude-code'],
      scope: 'user',
    });
    const { folder: _, vscodeCollection: __, ...user } = memory;
    assert.deepEqual(rows({ definitions: [definition(), user], instances: [stale()] }), ['VS Code', '  d1 4711', 'Claude Code', '  d2']);
  });

  it('begin with what needs attention, and are that alone behind the filter', () => {
    const orphan = instance({ pid: 8, name: 'journal', definitions: [], client: null, findings: [finding({ kind: 'orphan' })] });
    const changes = { instances: [orphan, stale()] };
    assert.deepEqual(seenBy(here, changes).slice(0, 4), ['attention', '  4711', '  8', 'VS Code']);
    const filtered = { ...here, choices: { ...here.choices, onlyProblems: true } };
    assert.deepEqual(seenBy(filtered, changes), ['attention', '  4711', '  8']);
    assert.deepEqual(seenBy(filtered, {}), []);
  });

  it('leave out of that what the user ignores, and still show it under its client', () => {
    const one = snapshot({ instances: [stale()] });
    const ignored = attentions(one, here).map(({ key }) => key);
    const nodes = buildTree(one, { ...here, choices: { ...here.choices, ignored } }, now);
    assert.deepEqual(drawn(nodes), ['VS Code', '  d1 4711', 'bill']);
    assert.match(nodes[0]?.children[0]?.flags ?? '', /\bignored\b/);
    assert.doesNotMatch(nodes[0]?.children[0]?.flags ?? '', /\bignorable\b/);
  });

  it('fold what does not run where something runs, from two on', () => {
    const idle = ['d2', 'd3', 'd4'].map((id) => definition({ id, name: `not ${id}` }));
    assert.deepEqual(rows({ definitions: [definition(), ...idle.slice(0, 1)] }), ['VS Code', '  d1 4711', '  d2']);
    assert.deepEqual(rows({ definitions: [definition(), ...idle] }), [
      'VS Code',
      '  d1 4711',
      '  idle:vscode',
      '    d2',
      '    d3',
      '    d4',
    ]);
    const started = { ...here, busy: new Map([['d2', 'starting' as const]]), stopped: new Set(['d3']) };
    const shown = ['VS Code', '  d1 4711', '  d2', '  d3', '  d4', 'bill'];
    assert.deepEqual(seenBy(started, { definitions: [definition(), ...idle] }), shown);
  });

  it('say that a server is not started or asleep, and keep it out of the fold', () => {
    const idle = ['d2', 'd3', 'd4', 'd5'].map((id) => definition({ id, name: `not ${id}` }));
    const full: NotStarted = fullSnapshot.notStarted[0] ?? assert.fail();
    const resting = (id: string, start: LazyStart): NotStarted => ({ ...full, definitions: [id], record: { ...full.record, start } });
    const changes = {
      definitions: [definition(), ...idle],
      notStarted: [
        resting('d2', { state: 'not-started', spared: 0 }),
        resting('d3', { state: 'asleep', since: '2026-11-21T14:02:05.000Z', spared: 0 }),
      ],
    };
    assert.deepEqual(rows(changes), ['VS Code', '  d1 4711', '  d2', '  d3', '  idle:vscode', '    d4', '    d5']);
    const [, waiting, asleep] = buildTree(snapshot(changes), here, now)[0]?.children ?? [];
    assert.match(waiting?.description ?? '', /^not started: never called/);
    assert.match(asleep?.description ?? '', /^asleep since 2026-/);
    assert.match(waiting?.flags ?? '', /\bstartable\b/, 'the guard of another client');
    const own = changes.notStarted.map((one) => ({ ...one, client: { ...claude, pid: here.pid } }));
    const [, mine] = buildTree(snapshot({ ...changes, notStarted: own }), here, now)[0]?.children ?? [];
    assert.doesNotMatch(mine?.flags ?? '', /\bstartable\b/, 'VS Code runs it already');
    const tooltip = definitionTooltip(definition({ id: 'd3' }), here, changes.notStarted[1]);
    assert.match(tooltip, /asleep since/);
    assert.doesNotMatch(definitionTooltip(definition({ id: 'd3' }), here), /asleep/);
  });

  it('offer to start a server only when it is called, and beside a row where it has done nothing for an hour and costs more than its guard', () => {
    const entry = { command: 'node', args: ['/srv/notes.js'] };
    const idle = { idleSince: '2026-11-21T09:00:00.000Z', memoryBytes: 90 * 1024 ** 2 };
    const flagsOf = (own: Partial<Definition>, ...running: Partial<Instance>[]): readonly string[] => {
      const instances = running.map((changes, index) => instance({ pid: 50 + index, ...changes }));
      const nodes = buildTree(snapshot({ definitions: [definition({ ...entry, ...own })], instances }), here, now);
      const offered = (nodes[0]?.children[0]?.flags ?? '').split(';');
      return ['lazy', 'lazyable', 'unused'].filter((flag) => offered.includes(flag));
    };
    assert.deepEqual(flagsOf({}), ['lazyable']);
    assert.deepEqual(flagsOf({}, {}), ['lazyable']);
    assert.deepEqual(flagsOf({}, idle), ['lazyable', 'unused']);
    assert.deepEqual(flagsOf({}, idle, {}), ['lazyable'], 'one of them works');
    assert.deepEqual(flagsOf({}, idle, { ...idle, memoryBytes: 91 * 1024 ** 2 }), ['lazyable', 'unused']);
    assert.deepEqual(flagsOf({}, { ...idle, memoryBytes: 50 * 1024 ** 2 }), ['lazyable'], 'its guard would cost more');
    const guarded = (start: string): Partial<Definition> => ({
      command: '/r/mcp-shepherd',
      args: ['guard', ...start.split(' ').filter(Boolean), '--', 'node', '/srv/notes.js'],
      guarded: true,
    });
    assert.deepEqual(flagsOf(guarded(''), { ...idle, memoryBytes: 50 * 1024 ** 2, guarded: true }), ['lazyable', 'unused']);
    assert.deepEqual(flagsOf(guarded('--start lazy'), { ...idle, guarded: true }), ['lazy']);
    assert.deepEqual(flagsOf({ command: 'npx', args: ['-y', 'notes'] }, idle), []);
  });

  it('say in sight what else there is to know of a server: it is guarded, runs in the background, or has recorded its version itself', () => {
    const own = instance().package;
    const shown = (changes: Partial<Instance>): readonly string[] =>
      buildTree(snapshot({ instances: [instance(changes)] }), here, now).flatMap(({ children }) =>
        children.map(({ description = '' }) => description),
      );
    assert.match(shown({ guarded: true }).join(), /guarded/);
    assert.match(shown({ client: null, background: true }).join(), /background/);
    assert.match(shown({ package: own && { ...own, origin: 'recorded' } }).join(), /recorded/);
    assert.doesNotMatch(shown({}).join(), /guarded|background|recorded/);
  });

  it('end with the host of the relays, and how many servers have their guard in it', () => {
    const [full = assert.fail()] = fullSnapshot.notStarted;
    const [host, sum] = buildTree(snapshot({ notStarted: [full], hosts: fullSnapshot.hosts }), here, now).slice(-2);
    assert.deepEqual([host?.id, sum?.id], ['host:4100', 'bill']);
    assert.match(host?.description ?? '', /PID 4100, .*1 server\.$/);
    assert.deepEqual(
      seenBy(here, { notStarted: [full], instances: [] }).filter((row) => /^(?:host|bill)/.test(row)),
      [],
    );
  });

  it('have a row for a broken file under its client, also behind the filter and where no entry of it could be read', () => {
    const problem = { source: 'config', client: 'cursor', message: 'Invalid JSON.', file: '/home/ann/.cursor/mcp.json', line: 3 } as const;
    const nodes = buildTree(snapshot({ problems: [problem] }), here, now);
    assert.deepEqual(drawn(nodes), ['VS Code', '  d1 4711', 'Cursor', '  mcp.json', 'bill']);
    assert.deepEqual(nodes[1]?.children[0]?.open, { file: problem.file, line: 3 });
    assert.deepEqual(seenBy({ ...here, choices: { ...here.choices, onlyProblems: true } }, { problems: [problem] }), ['mcp.json']);
  });

  it('by server: what clients configure differently has a row, with a row for each entry', () => {
    const one = definition({ name: 'notes', args: ['-y', 'notes@1'] });
    const other = definition({ id: 'd2', name: 'notes', client: 'cursor', file: '/home/ann/.cursor/mcp.json', args: ['-y', 'notes@2'] });
    const shown = (groupBy: Grouping, ...definitions: readonly Definition[]): TreeNode[] =>
      buildTree(snapshot({ instances: [], definitions }), { ...here, choices: { ...here.choices, groupBy } }, now);
    const drift = shown('server', one, other).find(({ id }) => id === 'drift');
    assert.deepEqual(
      drift?.children.map(({ label, children }) => [label, children.map(({ definitionId, flags }) => [definitionId, flags])]),
      [
        [
          'notes',
          [
            ['d1', 'server;configured;guardable'],
            ['d2', 'server;configured;guardable'],
          ],
        ],
      ],
    );
    assertNames(drift?.children[0]?.description ?? '', 'version', '1', '2', 'Cursor', 'VS Code');
    assert.equal(
      shown('client', one, other).some(({ id }) => id === 'drift'),
      false,
    );
    assert.equal(
      shown('server', one, { ...other, args: one.args }).some(({ id }) => id === 'drift'),
      false,
    );
  });

  it('are grouped by server or package where the user wants that', () => {
    const two = {
      definitions: [definition({ readBy: ['vscode', 'claude-code'] })],
      instances: [instance(), instance({ pid: 3, client: claude })],
    };
    const by = (groupBy: Grouping): string[] => seenBy({ ...here, choices: { ...here.choices, groupBy } }, two);
    assert.deepEqual(by('server'), ['server:everything', '  d1 4711', '  d1 3', 'bill']);
    assert.deepEqual(by('package'), ['package:@modelcontextprotocol/server-everything', '  d1 4711', '  d1 3', 'bill']);
  });

  it('are spoken without control characters, whatever a client is called', () => {
    const client = { id: 'unknown', name: '\x1b[31mred\n\u202e', pid: 9, identity: 'x' };
    const all = [...indexNodes(buildTree(snapshot({ instances: [instance({ client })] }), here, now)).values()];
    assert.doesNotMatch(all.map(({ spoken, label, description }) => `${spoken}${label}${description}`).join(), /[\p{Cc}\u202e]/u);
  });

  it('show a definition under every client that runs it, and its processes in one place', () => {
    const shared = definition({ readBy: ['vscode', 'claude-code'] });
    const other = instance({ pid: 2, client: { id: 'vscode', name: 'VS Code', pid: 999, identity: 'x' } });
    assert.deepEqual(rows({ definitions: [shared], instances: [instance(), other, instance({ pid: 3, client: claude })] }), [
      'VS Code',
      '  d1',
      '    2',
      '    4711',
      'Claude Code',
      '  d1 3',
    ]);
  });

  it('show servers without a client last, by what they are', () => {
    const orphan = instance({ pid: 8, name: 'journal', definitions: [], client: null, findings: [finding({ kind: 'orphan' })] });
    const service = instance({ pid: 9, name: 'web', definitions: [], client: null, background: true });
    assert.deepEqual(rows({ definitions: [], instances: [orphan, service, instance({ definitions: [] })] }), [
      'VS Code',
      '  everything 4711',
      'No client',
      '  journal 8',
      '  web 9',
    ]);
  });

  it('tell programs that no table names apart by their own names', () => {
    const by = (name: string, pid: number) => instance({ pid, definitions: [], client: { id: 'unknown', name, pid: 1, identity: name } });
    assert.deepEqual(
      rows({ definitions: [], instances: [by('tmux', 1), by('bash', 2)] }).filter((row) => !row.startsWith(' ')),
      ['bash', 'tmux'],
    );
  });

  it('show an entry with the same command as the one that runs, without a row for the process', () => {
    const twin = definition({ id: 'd4', name: 'twin', file: '/home/ann/api/.mcp.json' });
    assert.deepEqual(rows({ definitions: [definition(), twin], instances: [instance({ definitions: ['d1', 'd4'] })] }), [
      'VS Code',
      '  d1 4711',
      '  d4',
    ]);
  });

  it("stand under this window's build of VS Code", () => {
    const nodes = buildTree(
      snapshot({ instances: [], clients: [{ id: 'code-server', name: 'code-server' }] }),
      { ...here, clientId: 'code-server' },
      now,
    );
    assert.deepEqual(
      nodes.map((node) => node.label),
      ['code-server'],
    );
  });

  it('stand under this window when they are in a root .mcp.json that VS Code reads, also while they do not run', () => {
    const dotMcp = definition({
      client: 'claude-code',
      readBy: ['claude-code', 'vscode', 'cursor'],
      file: '/home/ann/api/.mcp.json',
      vscodeCollection: 'folder-dot-mcp',
    });
    assert.deepEqual(
      rows({ definitions: [dotMcp], instances: [] }).filter((row) => !row.startsWith(' ')),
      ['VS Code'],
    );
    const { vscodeCollection: _above, ...elsewhere } = dotMcp;
    assert.deepEqual(rows({ definitions: [elsewhere], instances: [] }), ['Claude Code', '  d1']);
  });

  it('have ids of their own, whatever is in the snapshot', () => {
    const twice = snapshot({
      definitions: [definition(), definition({ id: 'd2' })],
      instances: [
        instance(),
        instance({ pid: 2, definitions: ['d2'] }),
        instance({ pid: 3, client: claude }),
        instance({ pid: 4, client: null }),
      ],
    });
    const count = (nodes: readonly TreeNode[]): number => nodes.reduce((sum, node) => sum + 1 + count(node.children), 0);
    const nodes = buildTree(twice, here, now);
    assert.equal(indexNodes(nodes).size, count(nodes));
  });

  it('show what is being done', () => {
    const one = stale();
    const leaf = buildTree(snapshot({ instances: [one] }), { ...here, busy: new Map([[one.id, 'restarting']]) }, now)[1]?.children[0];
    assert.match(leaf?.description ?? '', /restarting/);
    assert.equal(leaf?.icon.id, 'loading~spin');
    assertOmits(leaf?.flags, 'restartable');
  });
});

describe('What a row offers', () => {
  const flagsOf = (changes: Partial<Snapshot>, depth: number): string => {
    const clients = buildTree(snapshot(changes), here, now).filter(({ kind }) => kind === 'client');
    let node = clients.find(({ children }) => children.some(({ instanceId }) => instanceId)) ?? clients[0];
    for (let level = 0; level < depth; level++) {
      node = node?.children[0];
    }
    return node?.flags ?? '';
  };

  it('is put into words that menus can ask for', () => {
    assert.equal(contextFlags({ kind: 'client' }), 'client');
    assert.equal(
      contextFlags({ kind: 'instance', running: true, restartable: true, stale: true, configured: true, guard: 'guarded' }),
      'instance;running;restartable;stale;configured;guarded',
    );
    assert.equal(contextFlags({ kind: 'instance', running: true, restartable: false }), 'instance;running;manual');
  });

  it('is a restart for servers of this window, and of others, which are asked', () => {
    assert.equal(flagsOf({ instances: [stale()] }, 1), 'instance;running;restartable;stale;configured;guardable;output;ignorable');
    const other = instance({ client: { id: 'vscode', name: 'VS Code', pid: 999, identity: 'x' } });
    assert.equal(flagsOf({ instances: [other] }, 1), 'instance;running;restartable;configured;guardable');
    assert.equal(flagsOf({ definitions: [], instances: [instance({ definitions: [] })] }, 1), 'instance;running;manual');
  });

  it('is the fix of its finding', () => {
    const fix = (kind: FindingKind, changes: Partial<Instance> = {}) =>
      flagsOf({ instances: [instance({ findings: [finding({ kind })], ...changes })] }, 1);
    for (const kind of ['orphan', 'duplicate', 'lock-conflict'] as const) {
      assert.match(fix(kind, { client: claude }), /;stoppable;/);
    }
    assert.match(fix('stale', { client: claude }), /;manual;.*;stepwise;/);
    assert.doesNotMatch(fix('stale'), /stepwise|stoppable/);
  });

  it('is a start for an entry of this window that does not run', () => {
    assert.match(flagsOf({ instances: [] }, 1), /\bstartable$/);
    assert.doesNotMatch(flagsOf({ instances: [], definitions: [definition({ enabled: false })] }, 1), /\bstartable/);
    assert.doesNotMatch(flagsOf({}, 1), /\bstartable/);
  });

  it('is nothing for a server that runs twice: its rows below say which', () => {
    assert.equal(flagsOf({ instances: [instance(), instance({ pid: 2 })] }, 1), 'server;configured;guardable');
  });
});

describe('A refresh', () => {
  const before = buildTree(snapshot({ instances: [instance()] }), here, now);

  it('draws nothing when nothing that a person sees has changed', () => {
    const same = snapshot({ at: '2027-01-01T00:00:00Z', instances: [instance({ memoryBytes: 58.3 * 1024 ** 2, tree: [4711, 2] })] });
    assert.deepEqual(changedRows(before, buildTree(same, here, now + 1_000)), []);
  });

  it('draws the rows that look different, and the parents of rows that came or went', () => {
    const elsewhere = buildTree(snapshot({ instances: [instance({ name: 'other' })] }), here, now);
    assert.deepEqual(changedRows(before, elsewhere), [before[0]?.children[0]?.id]);
    const restarted = buildTree(snapshot({ instances: [instance({ pid: 5000 })] }), here, now);
    assert.equal(restarted[0]?.children[0]?.id, before[0]?.children[0]?.id, 'selection stays on the row of a restarted server');
    assert.deepEqual(changedRows(before, restarted), [before[0]?.children[0]?.id]);
    const twice = buildTree(snapshot({ instances: [instance(), instance({ pid: 5000 })] }), here, now);
    assert.deepEqual(changedRows(before, twice), [before[0]?.id, before[0]?.children[0]?.id, 'bill']);
    assert.deepEqual([twice.at(-1)?.id, twice.at(-1)?.description?.startsWith('2 servers, 1 of them a copy')], ['bill', true]);
    const thrice = buildTree(snapshot({ instances: [instance(), instance({ pid: 5000 }), instance({ pid: 5001 })] }), here, now);
    assert.deepEqual(changedRows(twice, thrice), [before[0]?.id, before[0]?.children[0]?.id, 'bill']);
  });

  it('keeps the row of a server in its place while it is replaced', () => {
    const one = stale();
    const facts = { ...here, busy: new Map([[one.id, 'restarting' as const]]) };
    const idle = [definition(), definition({ id: 'd2' }), definition({ id: 'd3' })];
    const drawnWith = (instances: readonly Instance[]) =>
      buildTree(holdRows(snapshot({ definitions: idle, instances }), [{ instance: one, others: new Set([one.id]) }]), facts, now);
    const during = drawnWith([one]);
    for (const instances of [[], [instance({ pid: 5000 })]]) {
      assert.deepEqual(changedRows(during, drawnWith(instances)), []);
    }
    const foreign = instance({ pid: 6000, client: claude });
    assert.equal(drawnWith([foreign]).length, during.length + 1, 'another client is no replacement');
  });

  it('draws all when clients came or went', () => {
    assert.equal(
      changedRows(before, buildTree(snapshot({ instances: [instance(), instance({ pid: 9, client: null })] }), here, now)),
      'all',
    );
    assert.equal(changedRows([], before), 'all');
  });
});
