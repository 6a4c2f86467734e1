import type { ProcessRow } from '../../model/process.ts';

/** Who stands above whom in one list of processes. */
export interface ProcessTree {
  readonly rows: readonly ProcessRow[];
  /** The parent, if it is in the list and can be the parent: a PID that was given to a younger process names a stranger. */
  parentOf(row: ProcessRow): ProcessRow | undefined;
  /** Direct children, oldest first. */
  childrenOf(row: ProcessRow): readonly ProcessRow[];
  /** Parent, grandparent … up to the root. Ends where the list ends, also when the list is broken. */
  ancestorsOf(row: ProcessRow): readonly ProcessRow[];
}

/** Deeper than any real tree; a broken list could hold a circle. */
const deepest = 200;

/** Builds both directions in one pass over the list. */
export function processTree(rows: readonly ProcessRow[]): ProcessTree {
  const byPid = new Map(rows.map((row) => [row.pid, row]));
  const children = new Map<number, ProcessRow[]>();
  const parentOf = (row: ProcessRow): ProcessRow | undefined => {
    const parent = byPid.get(row.ppid);
    return parent && parent !== row && canBeParent(parent, row) ? parent : undefined;
  };
  for (const row of rows) {
    const parent = parentOf(row);
    if (parent) {
      const list = children.get(parent.pid);
      if (list) {
        list.push(row);
      } else {
        children.set(parent.pid, [row]);
      }
    }
  }
  for (const list of children.values()) {
    list.sort((a, b) => a.startedAt - b.startedAt || a.pid - b.pid);
  }
  return {
    rows,
    parentOf,
    childrenOf: (row) => children.get(row.pid) ?? [],
    ancestorsOf(row) {
      const above: ProcessRow[] = [];
      for (let parent = parentOf(row); parent && above.length < deepest; parent = parentOf(parent)) {
        above.push(parent);
      }
      return above;
    },
  };
}

/**
 * A parent is never younger than its child. Where both starts are the kernel's own ticks they are compared exactly; elsewhere within
 * the error of both.
 */
export function canBeParent(parent: ProcessRow, child: ProcessRow): boolean {
  const ticks = [parent, child].map((row) => (row.identity.start.startsWith('lx:') ? Number(row.identity.start.slice(3)) : Number.NaN));
  const [above = Number.NaN, below = Number.NaN] = ticks;
  if (Number.isFinite(above) && Number.isFinite(below)) {
    return above <= below;
  }
  return parent.startedAt <= child.startedAt + parent.startErrorMs + child.startErrorMs;
}

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
