import type { ProcessRow } from '../../model/process.ts';

/** Parents and children in one list of processes. */
export interface ProcessTree {
  readonly rows: readonly ProcessRow[];
  /** The parent, if it is in the list and is not younger than its child: a younger one only has the PID of the parent, which has ended. */
  parentOf(row: ProcessRow): ProcessRow | undefined;
  /** Direct children, oldest first. */
  childrenOf(row: ProcessRow): readonly ProcessRow[];
  /** Parent, grandparent … up to the root, at most 200. Ends where the list ends and where a broken list closes a circle. */
  ancestorsOf(row: ProcessRow): readonly ProcessRow[];
  /** The process and everything below it: itself first, parents before their children. */
  treeOf(row: ProcessRow): readonly ProcessRow[];
}

/** Deeper than any real tree. */
const deepest = 200;

/** Finds parents and children in one pass over the list. */
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
  const childrenOf = (row: ProcessRow): readonly ProcessRow[] => children.get(row.pid) ?? [];
  return {
    rows,
    parentOf,
    childrenOf,
    ancestorsOf(row) {
      const above = new Set<ProcessRow>();
      for (let parent = parentOf(row); parent && parent !== row && above.size < deepest && !above.has(parent); parent = parentOf(parent)) {
        above.add(parent);
      }
      return [...above];
    },
    treeOf(row) {
      // A set grows while it is walked and takes each process once, so a circle in a broken list ends.
      const found = new Set([row]);
      for (const one of found) {
        for (const child of childrenOf(one)) {
          found.add(child);
        }
      }
      return [...found];
    },
  };
}

/** Kernel ticks (`lx:`) are compared exactly, other starts within the error of both. */
function canBeParent(parent: ProcessRow, child: ProcessRow): boolean {
  const [above, below] = [ticksOf(parent), ticksOf(child)];
  return above !== undefined && below !== undefined
    ? above <= below
    : parent.startedAt <= child.startedAt + parent.startErrorMs + child.startErrorMs;
}

function ticksOf({ identity: { start } }: ProcessRow): number | undefined {
  const ticks = start.startsWith('lx:') ? Number(start.slice(3)) : Number.NaN;
  return Number.isFinite(ticks) ? ticks : undefined;
}

/**
 * Whether a process is the first of the system, of a container or of another PID namespace. It adopts the orphans of its namespace, so it need not have started
 * its children: it never counts as a launcher, an owner or a client.
 */
export function isNamespaceInit(row: ProcessRow): boolean {
  return row.pid === 1 || row.namespaceInit === true;
}

/**
 * Programs that adopt processes whose parent has exited. Such a parent did not start the server.
 * (Linux also gives children to the nearest "subreaper"; in practice that is `systemd --user`.)
 */
export function adoptsOrphans(row: ProcessRow): boolean {
  return isNamespaceInit(row) || (row.name === 'systemd' && row.argv.includes('--user'));
}

/**
 * Whether `/proc/PID/status` belongs to the first process of its PID namespace. `NSpid` lists its PIDs from the reader's namespace inwards (proc_pid_status(5),
 * since Linux 4.1). False without that line.
 */
export function namesNamespaceInit(status: string): boolean {
  return /^NSpid:(?:\s+\d+)*\s+1\s*$/m.test(status);
}
