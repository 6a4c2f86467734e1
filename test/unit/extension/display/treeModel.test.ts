import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { buildTree } from '../../../../src/extension/display/treeModel.ts';
import { changedRows, contextFlags, indexNodes, type TreeNode } from '../../../../src/extension/display/treeNode.ts';
import type { Snapshot } from '../../../../src/model/snapshot.ts';
import { claude, definition, finding, here, instance, now, snapshot, stale } from '../samples.ts';

/** The rows as a person reads them: indented, label and description. */
function drawn(nodes: readonly TreeNode[], depth = 0): string[] {
  return nodes.flatMap((node) => [`${'  '.repeat(depth)}${node.label} | ${node.description}`, ...drawn(node.children, depth + 1)]);
}

const rows = (changes: Partial<Snapshot>): string[] => drawn(buildTree(snapshot(changes), here, now));

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
    assert.deepEqual(rows({ definitions: [definition(), user], instances: [stale()] }), [
      'VS Code | 1 stale · 1 running',
      '  everything | stale · api/.vscode/mcp.json',
      '    runs 1.0.0, installed 1.1.0 | stale · PID 4711 · 58 MB · 3 h',
      'Claude Code | none running',
      '  memory | not running · ~/.claude.json',
    ]);
  });

  it('show a definition under every client that runs it, and name the other windows', () => {
    const shared = definition({ readBy: ['vscode', 'claude-code'] });
    const other = instance({ pid: 2, client: { id: 'vscode', name: 'VS Code', pid: 999, identity: 'x' } });
    assert.deepEqual(rows({ definitions: [shared], instances: [instance(), other, instance({ pid: 3, client: claude })] }), [
      'VS Code | 2 running',
      '  everything | 2 running · api/.vscode/mcp.json',
      '    runs 1.1.0 | another window · PID 2 · 58 MB · 3 h',
      '    runs 1.1.0 | PID 4711 · 58 MB · 3 h',
      'Claude Code | 1 running',
      '  everything | running · api/.vscode/mcp.json',
      '    runs 1.1.0 | PID 3 · 58 MB · 3 h',
    ]);
  });

  it('show servers without a client last, by what they are', () => {
    const orphan = instance({ pid: 8, name: 'journal', definitions: [], client: null, findings: [finding({ kind: 'orphan' })] });
    const service = instance({ pid: 9, name: 'web', definitions: [], client: null, background: true });
    assert.deepEqual(rows({ definitions: [], instances: [orphan, service, instance({ definitions: [] })] }), [
      'VS Code | 1 running',
      '  everything | running · not in any configuration',
      '    runs 1.1.0 | PID 4711 · 58 MB · 3 h',
      'No client | 1 orphan · 2 running',
      '  journal | orphan · not in any configuration',
      '    runs 1.1.0 | orphan · PID 8 · 58 MB · 3 h',
      '  web | running · not in any configuration',
      '    runs 1.1.0 | background · PID 9 · 58 MB · 3 h',
    ]);
  });

  it('tell programs that no table names apart by their own names', () => {
    const by = (name: string, pid: number) => instance({ pid, definitions: [], client: { id: 'unknown', name, pid: 1, identity: name } });
    assert.deepEqual(
      rows({ definitions: [], instances: [by('tmux', 1), by('bash', 2)] }).filter((row) => !row.startsWith(' ')),
      ['bash | 1 running', 'tmux | 1 running'],
    );
  });

  it('say switched off, remote, and same command', () => {
    const off = definition({ id: 'd2', name: 'off', enabled: false });
    const remote = definition({ id: 'd3', name: 'remote', transport: 'http', url: 'https://example.org' });
    const twin = definition({ id: 'd4', name: 'twin', file: '/home/ann/api/.mcp.json' });
    assert.deepEqual(rows({ definitions: [definition(), off, remote, twin], instances: [instance({ definitions: ['d1', 'd4'] })] }), [
      'VS Code | 1 running',
      '  everything | running · api/.vscode/mcp.json',
      '    runs 1.1.0 | PID 4711 · 58 MB · 3 h',
      '  off | switched off · api/.vscode/mcp.json',
      '  remote | remote · api/.vscode/mcp.json',
      '  twin | same command as in api/.vscode/mcp.json · api/.mcp.json',
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
      ['VS Code | none running'],
    );
    const { vscodeCollection: _above, ...elsewhere } = dotMcp;
    assert.deepEqual(
      rows({ definitions: [elsewhere], instances: [] }).map((row) => row.split(' |')[0]),
      ['Claude Code', '  everything'],
    );
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

  it('say aloud what the icon and the place say', () => {
    const leaf = buildTree(snapshot({ instances: [stale()] }), here, now)[0]?.children[0]?.children[0];
    assert.equal(leaf?.spoken, 'everything, runs 1.0.0, installed 1.1.0, stale, PID 4711 · 58 MB · 3 h, VS Code, this window');
  });

  it('show what is being done', () => {
    const one = stale();
    const leaf = buildTree(snapshot({ instances: [one] }), { ...here, busy: new Map([[one.id, 'restarting']]) }, now)[0]?.children[0]
      ?.children[0];
    assert.match(leaf?.description ?? '', /^restarting… · PID/);
    assert.equal(leaf?.icon.id, 'loading~spin');
    assert.doesNotMatch(leaf?.flags ?? '', /restartable/);
  });
});

describe('What a row offers', () => {
  const flagsOf = (changes: Partial<Snapshot>, depth: number): string => {
    let node = buildTree(snapshot(changes), here, now)[0];
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
    assert.equal(flagsOf({ instances: [stale()] }, 2), 'instance;running;restartable;stale;configured;guardable');
    assert.equal(flagsOf({ instances: [stale()] }, 1), 'server;running;restartable;stale;configured;guardable');
    const other = instance({ client: { id: 'vscode', name: 'VS Code', pid: 999, identity: 'x' } });
    assert.equal(flagsOf({ instances: [other] }, 2), 'instance;running;restartable;configured;guardable');
    assert.equal(flagsOf({ definitions: [], instances: [instance({ definitions: [] })] }, 2), 'instance;running;manual');
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
    const after = buildTree(snapshot({ instances: [stale()] }), here, now);
    assert.deepEqual(
      changedRows(before, after),
      before.flatMap((client) => [client.id, client.children[0]?.id, client.children[0]?.children[0]?.id]),
    );
    const restarted = buildTree(snapshot({ instances: [instance({ pid: 5000 })] }), here, now);
    assert.deepEqual(changedRows(before, restarted), [before[0]?.children[0]?.id]);
  });

  it('draws all when clients came or went', () => {
    assert.equal(
      changedRows(before, buildTree(snapshot({ instances: [instance(), instance({ pid: 9, client: null })] }), here, now)),
      'all',
    );
    assert.equal(changedRows([], before), 'all');
  });
});
