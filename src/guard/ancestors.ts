import { readFileSync } from 'node:fs';
import { launcherKind } from '../process/chain.ts';
import { parseCmdline } from '../process/procCmdline.ts';
import { parseProcStat } from '../process/procStat.ts';
import { runProgram } from '../process/runProgram.ts';
import type { ProcessRow } from '../types/process.ts';

/** One process above us. */
export interface Ancestor {
  readonly pid: number;
  readonly name: string;
  /** It only starts another program and waits for it: npm, npx, a shell … */
  readonly isLauncher: boolean;
}

/** Longer chains are broken ones. */
const deepest = 30;

/** The processes above this one, parent first, up to the first that is no launcher: that one is the client. Empty when it cannot be read. Never throws. */
export async function launchersAndClient(): Promise<readonly Ancestor[]> {
  const parentOf = process.platform === 'linux' ? readProc : await readPs();
  const found: Ancestor[] = [];
  for (let pid = process.ppid; pid > 1 && found.length < deepest; ) {
    const row = parentOf(pid);
    if (!row) {
      break;
    }
    const isLauncher = launcherKind(row) !== undefined;
    found.push({ pid, name: row.name, isLauncher });
    if (!isLauncher) {
      break;
    }
    pid = row.ppid;
  }
  return found;
}

function readProc(pid: number): ProcessRow | undefined {
  try {
    const stat = parseProcStat(readFileSync(`/proc/${pid}/stat`, 'latin1'));
    const { argv, argvExact } = parseCmdline(readFileSync(`/proc/${pid}/cmdline`, 'utf8'));
    return stat && row(pid, stat.ppid, stat.name, argv, argvExact);
  } catch {
    return undefined;
  }
}

/** One list of all processes: there is no other way to ask. On Windows it would take half a second, and npm is not known by its parent there. */
async function readPs(): Promise<(pid: number) => ProcessRow | undefined> {
  const text = process.platform === 'win32' ? '' : await runProgram('ps', ['-A', '-o', 'pid=,ppid=,args=']).catch(() => '');
  const rows = new Map<number, ProcessRow>();
  for (const line of text.split('\n')) {
    const [, pid, ppid, command = ''] = /^\s*(\d+)\s+(\d+)\s+(.*)$/.exec(line) ?? [];
    if (pid !== undefined) {
      const argv = command.split(/\s+/);
      rows.set(Number(pid), row(Number(pid), Number(ppid), argv[0] ?? '', argv, false));
    }
  }
  return (pid) => rows.get(pid);
}

function row(pid: number, ppid: number, name: string, argv: readonly string[], argvExact: boolean): ProcessRow {
  return {
    identity: { bootId: '-', pidNamespace: '-', pid, start: '?' },
    pid,
    ppid,
    startedAt: 0,
    startErrorMs: 0,
    name,
    argv,
    argvExact,
    commandLine: argv.join(' '),
    rssBytes: 0,
    state: '?',
  };
}
