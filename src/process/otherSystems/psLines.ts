/** One line of `ps -A -o pid=,ppid=,stat=,rss=,time=,comm=`. */
export interface PsLine {
  readonly pid: number;
  readonly ppid: number;
  readonly state: string;
  readonly rssBytes: number;
  /** Absent where the time has another form. */
  readonly processorMs?: number;
  readonly name: string;
}

/** Columns that procps, macOS and the BSDs have (BusyBox does not), without headers. `rss` is in kilobytes on all of them, `time` is processor time. */
export const psColumns = 'pid=,ppid=,stat=,rss=,time=,comm=';

/** Parses such lines; other lines are left out. */
export function parsePsLines(text: string): PsLine[] {
  return text.split('\n').flatMap((line) => {
    const match = /^\s*(\d+)\s+(\d+)\s+(\S+)\s+(\d+)\s+([\d:.,-]+)\s+(.*)$/.exec(line);
    if (!match) {
      return [];
    }
    const [, pid = '', ppid = '', state = '', rss = '', time = '', name = ''] = match;
    const processorMs = parseProcessorTime(time);
    return [
      {
        pid: Number(pid),
        ppid: Number(ppid),
        state: state.slice(0, 1),
        rssBytes: Number(rss) * 1_024,
        ...(processorMs === undefined ? {} : { processorMs }),
        name: name.trim(),
      },
    ];
  });
}

/** Parses `1-02:03:04`, `02:03:04` (procps) and `123:04.56` (macOS, BSD). @returns milliseconds; undefined for another form */
function parseProcessorTime(text: string): number | undefined {
  const match = /^(?:(\d+)-)?(?:(\d+):)?(\d+):(\d\d)(?:[.,](\d\d?))?$/.exec(text);
  if (!match) {
    return undefined;
  }
  const [, days = '0', hours = '0', minutes = '0', seconds = '0', hundredths = '0'] = match;
  const whole = ((Number(days) * 24 + Number(hours)) * 60 + Number(minutes)) * 60 + Number(seconds);
  return whole * 1_000 + Number(hundredths.padEnd(2, '0')) * 10;
}

/** PID of kthreadd, the parent of Linux's kernel threads. It is 2, but in a PID namespace any program may have that PID. */
export function kernelThreadParent(lines: readonly PsLine[]): number | undefined {
  return lines.find((line) => line.pid === 2 && line.ppid === 0 && line.name === 'kthreadd')?.pid;
}

/**
 * Whether a line belongs in the process table: not a zombie, not a kernel thread, not the `ps` that we started.
 * @param kernelParent from `kernelThreadParent`
 */
export function isListedLine(line: PsLine, ownPid: number, kernelParent: number | undefined): boolean {
  const kernelThread = kernelParent !== undefined && (line.pid === kernelParent || line.ppid === kernelParent);
  return !kernelThread && !/^[ZX]/.test(line.state) && !(line.ppid === ownPid && isPs(line.name));
}

/** @param name from ps: the file's name, on macOS its path */
export function isPs(name: string): boolean {
  return name === 'ps' || name.endsWith('/ps');
}

/**
 * Parses the start from `ps -o lstart=` in the C locale, which is in local time and whole seconds: `Sat Nov 21 09:10:36 2026`.
 * @returns epoch seconds; undefined when it is not a date
 */
export function parseLstart(text: string): number | undefined {
  const match = /^\w{3}\s+(?:\w{3}\s+\d{1,2}|\d{1,2}\s+\w{3})\s+\d\d:\d\d:\d\d\s+\d{4}$/.exec(text.trim());
  const time = match ? Date.parse(match[0]) : Number.NaN;
  return Number.isNaN(time) ? undefined : Math.floor(time / 1_000);
}
