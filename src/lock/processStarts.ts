import type { ProcessIdentity, ProcessTable } from '../model/process.ts';
import { createProcessTable } from '../process/createProcessTable.ts';
import { readProcSystem } from '../process/linux/procClock.ts';
import { kernelProcFs, orNothing, type ProcFs } from '../process/linux/procFs.ts';
import { isRunning, parseProcStat } from '../process/linux/procStat.ts';

/** What the system says of processes, as far as the protocol needs it. */
export interface ProcessStarts {
  /** The running kernel and the PID namespace that we see. */
  readonly boot: string;
  readonly pidns: string;
  /** Start of a process that runs now, as the protocol writes it; undefined when there is none with this PID (a thread's id is no PID, a zombie is none). */
  startOf(pid: number): Promise<string | undefined>;
  /** Whether a process group has a member that runs; missing where the system does not tell cheaply. May be a second old. */
  groupRuns?(group: number): Promise<boolean>;
}

/** @param table for systems without `/proc`; made when missing @throws when the system has no process table we can read */
export async function readProcessStarts(table?: ProcessTable, platform: NodeJS.Platform = process.platform): Promise<ProcessStarts> {
  const made = table ?? (await createProcessTable(platform));
  if (made.source === 'proc') {
    return procStarts();
  }
  const witness = tableStarts(made);
  // The first list tells which boot this is.
  await witness.startOf(process.pid);
  return witness;
}

/** Linux: three small reads for each process, and one for most of those that are gone. */
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
      // /proc answers for thread ids too, although it does not list them; a signal to one would reach its whole process.
      const group = /^Tgid:\s+(\d+)/m.exec(orNothing(() => fs.read(`${root}/${pid}/status`, 8_192).text) ?? '')?.[1];
      // Ticks of the machine: a time namespace shifts what its processes read.
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

/** One list of the processes answers all questions of the next second. */
const listMs = 1_000;

function runningGroups(fs: ProcFs, root: string): ReadonlySet<number> {
  const stats = (orNothing(() => fs.names(root)) ?? [])
    .filter((name) => /^\d+$/.test(name))
    .map((pid) => parseProcStat(orNothing(() => fs.read(`${root}/${pid}/stat`, 4_096).text) ?? ''));
  return new Set(stats.flatMap((stat) => (stat && isRunning(stat) ? [stat.group] : [])));
}

/** Elsewhere one list of the processes answers all questions of the next second: making it takes a program. */
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
