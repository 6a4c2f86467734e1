import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import type { ProcessRow } from '../../../../src/model/process.ts';
import { processTree } from '../../../../src/process/tree/processTree.ts';

function row(pid: number, ppid: number, startedAt: number, start = `ps:${startedAt / 1_000}`, startErrorMs = 1_000): ProcessRow {
  return {
    identity: { bootId: 'b', pidNamespace: '-', pid, start },
    pid,
    ppid,
    startedAt,
    startErrorMs,
    name: `p${pid}`,
    argv: [],
    argvExact: false,
    commandLine: '',
    rssBytes: 0,
    state: 'S',
  };
}
const pidsOf = (rows: readonly ProcessRow[]): number[] => rows.map((one) => one.pid);

/** The process with a PID of these, and what a method of the tree gives for it. */
function asked(rows: readonly ProcessRow[], pid: number, method: 'ancestorsOf' | 'childrenOf' | 'treeOf'): number[] {
  const one = rows.find((row) => row.pid === pid);
  assert.ok(one);
  return pidsOf(processTree(rows)[method](one));
}

describe('processTree', () => {
  const rows = [row(1, 0, 0), row(10, 1, 10_000), row(30, 20, 30_000), row(20, 10, 20_000), row(21, 10, 19_000), row(31, 20, 29_000)];

  it('lists a tree from its root, parents first, children by age', () => {
    assert.deepEqual(asked(rows, 10, 'treeOf'), [10, 21, 20, 31, 30]);
    assert.deepEqual(asked(rows, 30, 'treeOf'), [30]);
  });

  it('lists ancestors from the parent up', () => {
    assert.deepEqual(asked(rows, 30, 'ancestorsOf'), [20, 10, 1]);
    assert.deepEqual(asked(rows, 1, 'ancestorsOf'), []);
  });

  it('lists children by age', () => {
    assert.deepEqual(
      [1, 10, 20, 30].map((pid) => asked(rows, pid, 'childrenOf')),
      [[10], [21, 20], [31, 30], []],
    );
  });

  it('does not take a younger process with the parent’s number for the parent', () => {
    const reused = [row(1, 0, 0), row(20, 10, 20_000), row(10, 1, 500_000)];
    assert.deepEqual(asked(reused, 10, 'treeOf'), [10]);
    assert.deepEqual(asked(reused, 20, 'ancestorsOf'), []);
    assert.deepEqual(asked(reused, 10, 'childrenOf'), []);
  });

  it('allows for what the starts may be wrong by, and compares ticks exactly', () => {
    assert.deepEqual(asked([row(10, 1, 21_500), row(20, 10, 20_000)], 20, 'ancestorsOf'), [10]);
    const ticks = (parent: number, child: number): number[] =>
      asked([row(10, 1, 20_000, `lx:${parent}`), row(20, 10, 20_000, `lx:${child}`)], 20, 'ancestorsOf');
    assert.deepEqual([ticks(100, 100), ticks(101, 100)], [[10], []]);
  });

  it('ends in circles', () => {
    const circle = [row(10, 12, 1_000), row(11, 10, 1_000), row(12, 11, 1_000), row(13, 13, 1_000)];
    assert.deepEqual(asked(circle, 10, 'treeOf'), [10, 11, 12]);
    assert.deepEqual(asked(circle, 10, 'ancestorsOf'), [12, 11]);
    assert.deepEqual(asked(circle, 13, 'treeOf'), [13]);
    assert.deepEqual(asked(circle, 13, 'ancestorsOf'), []);
  });
});
