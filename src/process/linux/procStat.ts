/** What we take from `/proc/PID/stat` (format: proc_pid_stat(5)). */
export interface ProcStat {
  readonly name: string;
  /** R, S, D, T, Z, X … */
  readonly state: string;
  readonly ppid: number;
  /** Process group: the PID of its first leader, which the kernel does not give to another process while the group has members. */
  readonly group: number;
  readonly threads: number;
  /** Page faults of all its threads so far, minor and major; not a number where they are not told. */
  readonly faults: number;
  /** Size of its address space. */
  readonly addressBytes: number;
  /** Clock ticks since boot, as the reader's time namespace counts them. */
  readonly startTicks: number;
  /** Rough: the kernel adds up per-processor counts lazily here, so a small program may show none (measured on Linux 6.18). */
  readonly rssPages: number;
  readonly kernelThread: boolean;
  /** It still has memory of its own; zombies, processes that are just ending and kernel threads have none. */
  readonly hasMemory: boolean;
}

/** `PF_KTHREAD` in the kernel's include/linux/sched.h. */
const kernelThreadFlag = 0x0020_0000;
const lastField = 24;

/**
 * Parses the one line of `/proc/PID/stat`. The name in parentheses may hold parentheses, blanks and line breaks of its own, so the
 * fields are counted from the last `)`: state is field 3, the start is field 22.
 * @returns undefined when the text is not such a line
 */
export function parseProcStat(text: string): ProcStat | undefined {
  const open = text.indexOf('(');
  const close = text.lastIndexOf(')');
  if (open < 0 || close < open) {
    return undefined;
  }
  // fields[n - 3] is field n of the manual page. What stands behind the last one that is wanted is not cut up: each look does this for every process.
  const fields = text.slice(close + 2).split(' ', lastField - 2);
  const field = (number: number): number => Number(fields[number - 3] ?? Number.NaN);
  const state = fields[0] ?? '';
  const startTicks = field(22);
  const ppid = field(4);
  if (state.length !== 1 || !Number.isSafeInteger(startTicks) || !Number.isSafeInteger(ppid)) {
    return undefined;
  }
  return {
    name: text.slice(open + 1, close),
    state,
    ppid,
    group: field(5),
    threads: field(20),
    faults: field(10) + field(12),
    addressBytes: field(23),
    startTicks,
    rssPages: Math.max(0, field(24) || 0),
    kernelThread: (field(9) & kernelThreadFlag) !== 0,
    hasMemory: field(23) > 0,
  };
}

/**
 * Whether the process still exists as a running one. The first thread of a process may have ended (state Z) while others still run:
 * then it holds its files and its PID, and is alive.
 */
export function isRunning(stat: ProcStat): boolean {
  return stat.state === 'Z' ? stat.threads > 1 : stat.state !== 'X' && stat.state !== 'x';
}
