import type { ProcessIdentity, ProcessTable } from '../model/process.ts';
import { createProcessTable } from '../process/createProcessTable.ts';
import { readProcSystem } from '../process/linux/procClock.ts';
import { kernelProcFs, orNothing, type ProcFs } from '../process/linux/procFs.ts';
import { isRunning, parseProcStat } from '../process/linux/procStat.ts';

/** The facts about processes that the protocol needs. */
export interface ProcessStarts {
  /** The boot id of the running kernel, and the PID namespace of this process. */
  readonly boot: string;
  readonly pidns: string;
  /** Start time of a running process, as the protocol writes it; undefined when no process has this PID (thread ids and zombies do not count). */
  startOf(pid: number): Promise<string | undefined>;
  /** Whether a process group has a running member; missing on systems where that is expensive. Up to 1 s old. */
  groupRuns?(group: number): Promise<boolean>;
}

/** @param table created when missing @throws when the process table cannot be read */
export async function readProcessStarts(table?: ProcessTable, platform: NodeJS.Platform = process.platform): Promise<ProcessStarts> {
  const processes = table ?? (await createProcessTable(platform));
  if (processes.source === 'proc') {
    return procStarts();
  }
  const starts = tableStarts(processes);
  // The first list gives the boot id.
  await starts.startOf(process.pid);
  return starts;
}

/** Linux: two small reads for a running process, one for most others. */
export function procStarts(fs: ProcFs = kernelProcFs, root = '/proc'): ProcessStarts {
  const system = readProcSystem(fs, root);
  const offset = Math.round((system.boottimeOffset * system.ticksPerSecond) / 1_000);
  let groups: ReadonlySet<number> = new Set();
  let groupsAt = Number.NEGATIVE_INFINITY;
  return {
    boot: system.bootId,
    pidns: system.pidNamespace,
    async startOf(pid) {
      const stat = parseProcStat(orNothing(() => fs.read(`${root}/${pid}/stat`, 4_096).text) ?? '');
      if (!stat || !isRunning(stat)) {
        return undefined;
      }
      // /proc has unlisted folders for thread ids; a signal to a thread id would reach its process.
      const group = /^Tgid:\s+(\d+)/m.exec(orNothing(() => fs.read(`${root}/${pid}/status`, 8_192).text) ?? '')?.[1];
      // Ticks since boot of the machine: in a time namespace the kernel reports shifted ones.
      return group === undefined || Number(group) === pid ? `lx:${stat.startTicks - offset}` : undefined;
    },
    async groupRuns(group) {
      if (performance.now() - groupsAt > listMs) {
        groupsAt = performance.now();
        groups = runningGroups(fs, root);
      }
      return groups.has(group);
    },
  };
}

/** How long one list of the processes is used, ms. */
const listMs = 1_000;

function runningGroups(fs: ProcFs, root: string): ReadonlySet<number> {
  const stats = (orNothing(() => fs.names(root)) ?? [])
    .filter((name) => /^\d+$/.test(name))
    .map((pid) => parseProcStat(orNothing(() => fs.read(`${root}/${pid}/stat`, 4_096).text) ?? ''));
  return new Set(stats.flatMap((stat) => (stat && isRunning(stat) ? [stat.group] : [])));
}

/** Other systems: one list of the processes is used for 1 s, because a program has to be run for it. */
export function tableStarts(table: Pick<ProcessTable, 'list'>): ProcessStarts {
  let listed: Promise<ReadonlyMap<number, ProcessIdentity>> | undefined;
  let at = 0;
  let here: ProcessIdentity | undefined;
  const list = async (): Promise<ReadonlyMap<number, ProcessIdentity>> => {
    if (!listed || performance.now() - at > listMs) {
      at = performance.now();
      listed = table.list().then((rows) => new Map(rows.map((row) => [row.pid, row.identity])));
    }
    const found = await listed;
    here ??= found.get(process.pid) ?? found.values().next().value;
    return found;
  };
  return {
    get boot() {
      return here?.bootId ?? '-';
    },
    get pidns() {
      return here?.pidNamespace ?? '-';
    },
    async startOf(pid) {
      return (await list()).get(pid)?.start;
    },
  };
}
