/** The fields that are used of `/proc/PID/stat` (proc_pid_stat(5)). */
export interface ProcStat {
  readonly name: string;
  /** R, S, D, T, Z, X … */
  readonly state: string;
  readonly ppid: number;
  /** Process group: the PID of its first leader, which is not given to another process while the group has members. */
  readonly group: number;
  readonly threads: number;
  /** Minor and major page faults of all threads so far; NaN when unknown. */
  readonly faults: number;
  /** Processor time of its threads, in user and in kernel mode, clock ticks. */
  readonly processorTicks: number;
  /** Size of the address space. */
  readonly addressBytes: number;
  /** Clock ticks since boot, as the reader's time namespace counts them. */
  readonly startTicks: number;
  /** Approximate: the kernel sums per-processor counts lazily, so a small program may show 0 (measured on Linux 6.18). */
  readonly rssPages: number;
  readonly kernelThread: boolean;
  /** False for zombies, processes in their last moment, and kernel threads. */
  readonly hasMemory: boolean;
}

/** `PF_KTHREAD` in the kernel's include/linux/sched.h. */
const kernelThreadFlag = 0x0020_0000;
const lastField = 24;

/**
 * Parses `/proc/PID/stat`. The name in parentheses may contain parentheses, blanks and line breaks, so the fields are counted from the last `)`.
 * @returns undefined when the text has another form
 */
export function parseProcStat(text: string): ProcStat | undefined {
  const open = text.indexOf('(');
  const close = text.lastIndexOf(')');
  if (open < 0 || close < open) {
    return undefined;
  }
  // fields[n - 3] is field n of the manual page. Later fields are not split: every scan does this for every process.
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
    processorTicks: field(14) + field(15),
    addressBytes: field(23),
    startTicks,
    rssPages: Math.max(0, field(24) || 0),
    kernelThread: (field(9) & kernelThreadFlag) !== 0,
    hasMemory: field(23) > 0,
  };
}

/**
 * Whether the process runs. Its first thread may have ended (state Z) while others run: then it still has its files and its PID.
 */
export function isRunning(stat: ProcStat): boolean {
  return stat.state === 'Z' ? stat.threads > 1 : stat.state !== 'X' && stat.state !== 'x';
}
