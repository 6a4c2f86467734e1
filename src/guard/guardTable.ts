import { existsSync } from 'node:fs';
import type { ProcessDescriptor } from 'ps-list';
import { CimTable } from '../process/cimTable.ts';
import { ProcTable } from '../process/procTable.ts';
import { parseLstart } from '../process/psLines.ts';
import { PsTable } from '../process/psTable.ts';
import { type RunProgram, runProgram } from '../process/runProgram.ts';
import type { ProcessTable } from '../types/process.ts';

/** The process table as `createProcessTable` gives it, without the library that lists processes on macOS. */
export function guardTable(platform: NodeJS.Platform = process.platform): ProcessTable {
  if (platform === 'win32') {
    return new CimTable();
  }
  return existsSync('/proc/self/stat') ? new ProcTable() : new PsTable({ listProcesses: () => psProcesses() });
}

/** All processes, by one `ps` with columns that macOS, the BSDs and Linux know. @throws when ps fails */
export async function psProcesses(run: RunProgram = runProgram): Promise<readonly ProcessDescriptor[]> {
  const text = await run('ps', ['-A', '-ww', '-o', 'pid=,ppid=,uid=,lstart=,args=']);
  return text.split('\n').flatMap((line) => {
    const [, pid, ppid, uid, date = '', cmd = ''] =
      /^\s*(\d+)\s+(\d+)\s+(\d+)\s+(\w{3}\s+\w+\s+\w+\s+\d\d:\d\d:\d\d\s+\d{4})\s*(.*)$/.exec(line) ?? [];
    const start = parseLstart(date);
    if (pid === undefined || start === undefined) {
      return [];
    }
    const name = cmd.split(/\s/, 1)[0] ?? '';
    return [{ pid: Number(pid), ppid: Number(ppid), uid: Number(uid), name, cmd, startTime: new Date(start * 1_000) }];
  });
}
