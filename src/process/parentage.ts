import type { ProcessRow } from '../types/process.ts';
import { type ProcessTree, processTree } from './processTree.ts';

/** Callers ask about many processes of one list; the list is never changed after it was made. */
const trees = new WeakMap<readonly ProcessRow[], ProcessTree>();

function treeFor(rows: readonly ProcessRow[]): ProcessTree {
  const known = trees.get(rows) ?? processTree(rows);
  trees.set(rows, known);
  return known;
}

/**
 * Children by the parent's PID, oldest first. A parent counts only if it is not younger than the child (within what both starts are
 * right to): a PID that was given away again names a stranger.
 */
export function childrenIndex(rows: readonly ProcessRow[]): ReadonlyMap<number, readonly ProcessRow[]> {
  const tree = treeFor(rows);
  const index = new Map<number, readonly ProcessRow[]>();
  for (const row of rows) {
    const children = tree.childrenOf(row);
    if (children.length > 0) {
      index.set(row.pid, children);
    }
  }
  return index;
}

/** A process and everything below it: itself first, parents before their children. Empty when it is not in the list. */
export function treeOf(pid: number, rows: readonly ProcessRow[]): readonly ProcessRow[] {
  const tree = treeFor(rows);
  const root = rows.find((row) => row.pid === pid);
  const found = new Set<ProcessRow>(root ? [root] : []);
  // A set grows while it is walked and takes nobody twice, so that a circle in a broken list ends.
  for (const row of found) {
    for (const child of tree.childrenOf(row)) {
      found.add(child);
    }
  }
  return [...found];
}

/** Parent, grandparent … of a process. Ends where the list ends, at a parent that cannot be one, and where a circle closes. */
export function ancestorsOf(pid: number, rows: readonly ProcessRow[]): readonly ProcessRow[] {
  const tree = treeFor(rows);
  const row = rows.find((one) => one.pid === pid);
  const found = new Set<ProcessRow>();
  for (let above = row && tree.parentOf(row); above && above !== row && !found.has(above); above = tree.parentOf(above)) {
    found.add(above);
  }
  return [...found];
}
