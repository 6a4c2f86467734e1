import { win32 } from 'node:path';
import * as v from 'valibot';
import { powerShellJson, powerShellList, runPowerShell, systemFolder } from '../../base/powerShell.ts';
import { type RunProgram, runProgram } from '../../base/runProgram.ts';
import type { ProcessDetail, ProcessIdentity, ProcessRow, ProcessTable } from '../../model/process.ts';
import { splitWindowsArgs } from '../commandline/windowsArgs.ts';

/**
 * The query. Starts are FILETIME texts (100 ns since 1601, UTC): as numbers they lose digits in JSON, and as dates they are in local time. `self` is the query's
 * own process. Errors of the settings are ignored: restricted language modes forbid some of them.
 */
export const cimScript = `
$ErrorActionPreference = 'Stop'
$ProgressPreference = 'SilentlyContinue'
try { [Console]::OutputEncoding = New-Object System.Text.UTF8Encoding $false } catch { }
$all = @(Get-CimInstance -ClassName Win32_Process -Property ProcessId, ParentProcessId, Name, CommandLine, ExecutablePath, CreationDate, WorkingSetSize, KernelModeTime, UserModeTime | ForEach-Object {
  [pscustomobject]@{
    pid = $_.ProcessId
    ppid = $_.ParentProcessId
    name = $_.Name
    cmd = $_.CommandLine
    exe = $_.ExecutablePath
    start = $(if ($_.CreationDate) { '' + $_.CreationDate.ToFileTimeUtc() } else { $null })
    rss = $_.WorkingSetSize
    used = [double]$_.KernelModeTime + [double]$_.UserModeTime
  }
})
ConvertTo-Json -Compress -Depth 3 -InputObject ([pscustomobject]@{ self = $PID; processes = $all })
`;

/** One process of the answer. */
interface CimProcess {
  readonly row: ProcessRow;
  readonly exe?: string;
}

/** 100 ns steps from 1601-01-01 (FILETIME) to 1970-01-01. */
const epochSteps = 116_444_736_000_000_000n;
/** The process of the kernel, which starts with the machine. */
const systemPid = 4;

const count = v.pipe(v.number(), v.safeInteger(), v.minValue(0));
const processSchema = v.object({
  pid: count,
  ppid: v.nullish(count, 0),
  name: v.nullish(v.string(), ''),
  cmd: v.nullish(v.string(), ''),
  exe: v.nullish(v.string()),
  start: v.nullish(v.pipe(v.string(), v.regex(/^\d{1,20}$/))),
  // 64 bits: a number in PowerShell 7, a text on some hosts.
  rss: v.nullish(v.union([v.number(), v.pipe(v.string(), v.transform(Number))]), 0),
  // 100 ns steps of processor time; absent where it is refused.
  used: v.fallback(v.nullish(v.pipe(v.number(), v.finite(), v.minValue(0))), undefined),
});

/**
 * Parses the query's answer. Left out: processes without a start (the idle process, some protected ones), which have no identity, and the query with its
 * children. A parent that is younger than its child only has the PID of the real parent, so the parent becomes 0.
 * @throws when the answer is not JSON of this shape
 */
export function parseCimOutput(text: string): CimProcess[] {
  const answer = powerShellJson(text);
  const { self, processes } = v.parse(v.object({ self: v.nullish(v.number()), processes: v.unknown() }), answer);
  const entries = powerShellList(processes).flatMap((entry) => {
    const parsed = v.safeParse(processSchema, entry);
    return parsed.success && typeof parsed.output.start === 'string' ? [{ ...parsed.output, start: BigInt(parsed.output.start) }] : [];
  });
  const starts = new Map(entries.map((entry) => [entry.pid, entry.start]));
  const bootId = `win-${starts.get(systemPid) ?? 'unknown'}`;
  return entries
    .filter((entry) => typeof self !== 'number' || (entry.pid !== self && entry.ppid !== self))
    .map((entry) => {
      const parentStart = starts.get(entry.ppid);
      const argv = splitWindowsArgs(entry.cmd);
      const row: ProcessRow = {
        identity: { bootId, pidNamespace: '-', pid: entry.pid, start: `win:${entry.start}` },
        pid: entry.pid,
        ppid: parentStart !== undefined && parentStart > entry.start ? 0 : entry.ppid,
        startedAt: Number((entry.start - epochSteps) / 10_000n),
        startErrorMs: 1,
        name: entry.name,
        argv,
        argvExact: argv.length > 0,
        commandLine: entry.cmd,
        rssBytes: Number.isFinite(entry.rss) ? entry.rss : 0,
        ...(typeof entry.used === 'number' ? { processorMs: Math.round(entry.used / 10_000) } : {}),
        state: '?',
      };
      return { row, ...(typeof entry.exe === 'string' && entry.exe !== '' ? { exe: entry.exe } : {}) };
    });
}

/** PIDs that accept TCP connections, from `netstat -ano -p TCP` and TCPv6. The state is in the user's language, so listeners are found by remote port 0. */
export function parseNetstat(text: string): ReadonlySet<number> {
  const listening = new Set<number>();
  for (const line of text.split(/\r?\n/)) {
    const pid = /^\s*TCP\s+\S+\s+\S+:0\s+\S.*\s(\d+)\s*$/.exec(line)?.[1];
    if (pid !== undefined) {
      listening.add(Number(pid));
    }
  }
  return listening;
}

interface CimTableOptions {
  /** Replaced in tests only. */
  readonly run?: RunProgram;
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Milliseconds of a monotonic clock. */
  readonly clock?: () => number;
}

/** Starting PowerShell takes about a second of processor time, so `pids` and `detail` use a list of at most this age. */
const listAgeMs = 5_000;
/** `isAlive` uses a list of at most this age. */
const aliveAgeMs = 500;

interface CimList {
  readonly at: number;
  readonly processes: readonly CimProcess[];
  listening?: Promise<ReadonlySet<number> | undefined>;
}

/** Windows: one CIM query for the list, `netstat` for listeners. Working directory, environment and standard input are not available. */
export class CimTable implements ProcessTable {
  readonly source = 'cim';
  readonly #run: RunProgram;
  readonly #system: string;
  readonly #clock: () => number;
  #last: CimList | undefined;
  /** The query in flight; callers that ask before its end share its answer. */
  #asking: Promise<CimList> | undefined;

  constructor(options: CimTableOptions = {}) {
    this.#run = options.run ?? runProgram;
    const env = options.env ?? process.env;
    this.#system = systemFolder(env);
    this.#clock = options.clock ?? (() => performance.now());
  }

  async list(): Promise<readonly ProcessRow[]> {
    return (await this.#ask()).processes.map(({ row }) => row);
  }

  /** Changes appear after at most five seconds. */
  async pids(): Promise<readonly number[]> {
    return (await this.#recent(listAgeMs)).processes.map(({ row }) => row.pid);
  }

  async detail(row: ProcessRow): Promise<ProcessDetail> {
    const list = await this.#recent(listAgeMs);
    const found = list.processes.find((one) => isSame(one.row.identity, row.identity));
    if (!found) {
      return { stdin: 'unknown', listens: 'unknown', missing: ['gone'] };
    }
    list.listening ??= this.#listening();
    const listening = await list.listening;
    return {
      ...(found.exe === undefined ? {} : { exe: found.exe }),
      stdin: 'unknown',
      listens: listening === undefined ? 'unknown' : listening.has(row.pid),
      missing: [
        ...(found.exe === undefined ? ['exe: permission denied'] : []),
        'cwd, environment, stdin: not given by this system',
        ...(listening === undefined ? ['listeners: netstat gave no answer'] : []),
      ],
    };
  }

  async isAlive(identity: ProcessIdentity): Promise<boolean> {
    return (await this.#recent(aliveAgeMs)).processes.some(({ row }) => isSame(row.identity, identity));
  }

  async #recent(ageMs: number): Promise<CimList> {
    return this.#last && this.#clock() - this.#last.at <= ageMs ? this.#last : this.#ask();
  }

  #ask(): Promise<CimList> {
    this.#asking ??= this.#query().finally(() => {
      this.#asking = undefined;
    });
    return this.#asking;
  }

  async #query(): Promise<CimList> {
    const at = this.#clock();
    const text = await runPowerShell(this.#run, this.#system, cimScript);
    let processes: readonly CimProcess[];
    try {
      processes = parseCimOutput(text);
    } catch {
      // The parser's message would quote the answer, which holds command lines.
      throw new Error('The process list cannot be read: the answer of PowerShell is not understood.');
    }
    if (processes.length === 0) {
      throw new Error('The process list cannot be read: PowerShell named no process.');
    }
    this.#last = { at, processes };
    return this.#last;
  }

  async #listening(): Promise<ReadonlySet<number> | undefined> {
    const netstat = win32.join(this.#system, 'netstat.exe');
    try {
      const texts = await Promise.all(['TCP', 'TCPv6'].map((protocol) => this.#run(netstat, ['-ano', '-p', protocol])));
      return parseNetstat(texts.join('\n'));
    } catch {
      return undefined;
    }
  }
}

function isSame(a: ProcessIdentity, b: ProcessIdentity): boolean {
  return a.bootId === b.bootId && a.pidNamespace === b.pidNamespace && a.pid === b.pid && a.start === b.start;
}
