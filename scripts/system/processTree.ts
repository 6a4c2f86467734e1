import { execFileSync, spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { waitFor } from './waitFor.ts';

/** One process; `start` distinguishes it from a later process with the same PID. */
export type ProcessEntry = { readonly pid: number; readonly ppid: number; readonly start: string; readonly zombie: boolean };

/** All visible processes by PID. Linux: /proc; other POSIX systems: ps; Windows: always empty. */
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
      continue; // ended since it was listed
    }
    // The name in parentheses may contain blanks and parentheses: count from the last one (proc_pid_stat(5)).
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

/** A process and all its descendants, itself first; empty when it does not exist. */
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
 * Ends a process that we started, with all its descendants: SIGTERM to the process, so that it can end the others itself; SIGTERM to the remaining ones; SIGKILL to
 * those that remain then. Each PID is checked to be the same process still. Returns when all have ended, also when they had ended before.
 *
 * @param grace milliseconds for each of the two steps with SIGTERM
 */
export async function endTree(pid: number, grace = 4_000): Promise<void> {
  if (process.platform === 'win32') {
    spawnSync('taskkill', ['/PID', String(pid), '/T', '/F'], { stdio: 'ignore' });
    return;
  }
  const known = new Map<number, ProcessEntry>();
  const remaining = (): ProcessEntry[] => {
    const table = listProcesses();
    if (known.size === 0) {
      addAll(processTree(pid, table));
    }
    // Processes that are still alive may have started others since.
    for (const entry of stillAlive(known.values(), table)) {
      addAll(processTree(entry.pid, table));
    }
    return stillAlive(known.values(), table);
  };
  const addAll = (entries: readonly ProcessEntry[]): void => {
    for (const entry of entries) {
      known.set(entry.pid, entry);
    }
  };
  const root = remaining().find((entry) => entry.pid === pid);
  const goneWithin = async (limit: number, which: (left: readonly ProcessEntry[]) => boolean): Promise<boolean> => {
    try {
      return await waitFor('processes to end', () => which(remaining()), { limit });
    } catch {
      return false;
    }
  };
  if (root) {
    signalAll([root], 'SIGTERM');
    await goneWithin(grace, (left) => !left.some((entry) => entry.pid === pid));
    if (await goneWithin(1_000, (left) => left.length === 0)) {
      return;
    }
    signalAll(remaining(), 'SIGTERM');
    if (await goneWithin(grace, (left) => left.length === 0)) {
      return;
    }
    signalAll(remaining(), 'SIGKILL');
    await waitFor('killed processes to be gone', () => remaining().length === 0, { limit: 5_000 });
  }
}

function signalAll(entries: readonly ProcessEntry[], name: NodeJS.Signals): void {
  for (const entry of entries) {
    try {
      process.kill(entry.pid, name);
    } catch {
      // ended since it was listed
    }
  }
}
