import * as v from 'valibot';
import { powerShellJson, powerShellList } from '../../base/powerShell.ts';
import type { ProcessRow } from '../../model/process.ts';
import { splitWindowsArgs } from '../commandline/windowsArgs.ts';

/**
 * The query. Starts are FILETIME texts (100 ns since 1601, UTC): as numbers they lose digits in JSON, and as dates they are in local time. `self` is the query's
 * own process. Errors of the settings are ignored: restricted language modes forbid some of them.
 */
export const cimScript = `
$ErrorActionPreference = 'Stop'
$ProgressPreference = 'SilentlyContinue'
try { [Console]::OutputEncoding = New-Object System.Text.UTF8Encoding $false } catch { }
$all = @(Get-CimInstance -ClassName Win32_Process -Property ProcessId, ParentProcessId, Name, CommandLine, ExecutablePath, CreationDate, WorkingSetSize | ForEach-Object {
  [pscustomobject]@{
    pid = $_.ProcessId
    ppid = $_.ParentProcessId
    name = $_.Name
    cmd = $_.CommandLine
    exe = $_.ExecutablePath
    start = $(if ($_.CreationDate) { '' + $_.CreationDate.ToFileTimeUtc() } else { $null })
    rss = $_.WorkingSetSize
  }
})
ConvertTo-Json -Compress -Depth 3 -InputObject ([pscustomobject]@{ self = $PID; processes = $all })
`;

/** One process of the answer. */
export interface CimProcess {
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
