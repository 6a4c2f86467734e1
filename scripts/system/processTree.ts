import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { waitFor } from './waiting.ts';

/** One process; `start` tells it from a later process that got the same number. */
export type ProcessEntry = { readonly pid: number; readonly ppid: number; readonly start: string; readonly zombie: boolean };

/** All processes that can be seen, by number. Linux: /proc; other POSIX systems: ps. Windows has none of this and gets an empty table. */
export function listProcesses(): Map<number, ProcessEntry> {
  if (process.platform === 'win32') {
    return new Map();
  }
  return process.platform === 'linux' ? fromProc() : fromPs();
}

function fromProc(): Map<number, ProcessEntry> {
  const found = new Map<number, ProcessEntry>();
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) {
      continue;
    }
    let stat: string;
    try {
      stat = readFileSync(`/proc/${name}/stat`, 'utf8');
    } catch {
      continue; // gone meanwhile
    }
    // The name in brackets may hold spaces and brackets of its own: count from the last one (proc_pid_stat(5)).
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    const pid = Number(name);
    found.set(pid, { pid, ppid: Number(fields[1]), start: fields[19] ?? '', zombie: fields[0] === 'Z' });
  }
  return found;
}

function fromPs(): Map<number, ProcessEntry> {
  const found = new Map<number, ProcessEntry>();
  const table = execFileSync('ps', ['-A', '-o', 'pid=,ppid=,stat=,lstart='], { encoding: 'utf8', env: { ...process.env, LC_ALL: 'C' } });
  for (const line of table.split('\n')) {
    const match = /^\s*(\d+)\s+(\d+)\s+(\S+)\s+(.*)$/.exec(line);
    if (match) {
      const pid = Number(match[1]);
      found.set(pid, { pid, ppid: Number(match[2]), start: match[4] ?? '', zombie: match[3]?.startsWith('Z') ?? false });
    }
  }
  return found;
}

/** A process and all below it, itself first; empty when it is not there. */
export function processTree(root: number, table = listProcesses()): ProcessEntry[] {
  const first = table.get(root);
  if (!first) {
    return [];
  }
  const tree = [first];
  for (const parent of tree) {
    for (const entry of table.values()) {
      if (entry.ppid === parent.pid && !tree.includes(entry)) {
        tree.push(entry);
      }
    }
  }
  return tree;
}

/** Which of these are still the same living processes. */
export function stillAlive(entries: Iterable<ProcessEntry>, table = listProcesses()): ProcessEntry[] {
  return [...entries].filter((entry) => {
    const now = table.get(entry.pid);
    return now !== undefined && now.start === entry.start && !now.zombie;
  });
}

/**
 * Ends a process that we started, and everything below it: SIGTERM to the first, and SIGKILL by number to whatever
 * of its tree is left after the grace time. Returns when all are gone. A process that is gone already is fine.
 *
 * @param grace milliseconds that the tree gets to end by itself
 */
export async function endTree(pid: number, grace = 5_000): Promise<void> {
  if (process.platform === 'win32') {
    try {
      execFileSync('taskkill', ['/PID', String(pid), '/T', '/F'], { stdio: 'ignore' });
    } catch {
      // gone already
    }
    return;
  }
  const known = new Map(processTree(pid).map((entry) => [entry.pid, entry]));
  if (known.size === 0) {
    return;
  }
  signal(pid, 'SIGTERM');
  const remaining = (): ProcessEntry[] => {
    const table = listProcesses();
    // What is still alive may have started something meanwhile.
    for (const entry of stillAlive(known.values(), table)) {
      for (const below of processTree(entry.pid, table)) {
        known.set(below.pid, below);
      }
    }
    return stillAlive(known.values(), table);
  };
  try {
    await waitFor('the process tree to end', () => remaining().length === 0, { limit: grace });
  } catch {
    for (const entry of remaining()) {
      signal(entry.pid, 'SIGKILL');
    }
    await waitFor('the killed process tree to be gone', () => remaining().length === 0, { limit: 5_000 });
  }
}

function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch {
    // gone meanwhile
  }
}
