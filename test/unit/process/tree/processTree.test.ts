import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import type { ProcessRow } from '../../../../src/model/process.ts';
import { ancestorsOf, childrenIndex, treeOf } from '../../../../src/process/tree/processTree.ts';

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

describe('parentage', () => {
  const rows = [row(1, 0, 0), row(10, 1, 10_000), row(30, 20, 30_000), row(20, 10, 20_000), row(21, 10, 19_000), row(31, 20, 29_000)];

  it('lists a tree from its root, parents first, children by age', () => {
    assert.deepEqual(pidsOf(treeOf(10, rows)), [10, 21, 20, 31, 30]);
    assert.deepEqual(pidsOf(treeOf(30, rows)), [30]);
    assert.deepEqual(treeOf(99, rows), []);
  });

  it('lists ancestors from the parent up', () => {
    assert.deepEqual(pidsOf(ancestorsOf(30, rows)), [20, 10, 1]);
    assert.deepEqual(ancestorsOf(1, rows), []);
    assert.deepEqual(ancestorsOf(99, rows), []);
  });

  it('indexes children by parent', () => {
    assert.deepEqual(
      [...childrenIndex(rows)].map(([pid, children]) => [pid, pidsOf(children)]),
      [
        [1, [10]],
        [10, [21, 20]],
        [20, [31, 30]],
      ],
    );
  });

  it('does not take a younger process with the parent’s number for the parent', () => {
    const reused = [row(1, 0, 0), row(20, 10, 20_000), row(10, 1, 500_000)];
    assert.deepEqual(treeOf(10, reused).length, 1);
    assert.deepEqual(ancestorsOf(20, reused), []);
    assert.equal(childrenIndex(reused).has(10), false);
  });

  it('allows for what the starts may be wrong by, and compares ticks exactly', () => {
    assert.deepEqual(pidsOf(ancestorsOf(20, [row(10, 1, 21_500), row(20, 10, 20_000)])), [10]);
    const ticks = (parent: number, child: number): number[] =>
      pidsOf(ancestorsOf(20, [row(10, 1, 20_000, `lx:${parent}`), row(20, 10, 20_000, `lx:${child}`)]));
    assert.deepEqual([ticks(100, 100), ticks(101, 100)], [[10], []]);
  });

  it('ends in circles', () => {
    const circle = [row(10, 12, 1_000), row(11, 10, 1_000), row(12, 11, 1_000), row(13, 13, 1_000)];
    assert.deepEqual(pidsOf(treeOf(10, circle)), [10, 11, 12]);
    assert.deepEqual(pidsOf(ancestorsOf(10, circle)), [12, 11]);
    assert.deepEqual(pidsOf(treeOf(13, circle)), [13]);
    assert.deepEqual(ancestorsOf(13, circle), []);
  });
});
