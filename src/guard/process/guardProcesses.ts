import { existsSync } from 'node:fs';
import type { ProcessDescriptor } from 'ps-list';
import { type RunProgram, runProgram } from '../../base/runProgram.ts';
import { type ProcessStarts, procStarts, tableStarts } from '../../lock/processStarts.ts';
import type { ProcessTable } from '../../model/process.ts';
import { ProcTable } from '../../process/linux/procTable.ts';
import { CimTable } from '../../process/otherSystems/cimTable.ts';
import { parseLstart } from '../../process/otherSystems/psLines.ts';
import { PsTable } from '../../process/otherSystems/psTable.ts';

/** The process table as `createProcessTable` makes it, but without the library ps-list. */
export function guardTable(platform: NodeJS.Platform = process.platform): ProcessTable {
  if (platform === 'win32') {
    return new CimTable();
  }
  return existsSync('/proc/self/stat') ? new ProcTable() : new PsTable({ listProcesses: () => psProcesses() });
}

/** All processes, read by one `ps` with columns that macOS, the BSDs and Linux have. @throws when ps fails */
async function psProcesses(run: RunProgram = runProgram): Promise<readonly ProcessDescriptor[]> {
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

/** The starts of processes as `readProcessStarts` gives them, but without the library ps-list. */
export async function guardStarts(table: ProcessTable = guardTable()): Promise<ProcessStarts> {
  if (table.source === 'proc') {
    return procStarts();
  }
  const starts = tableStarts(table);
  // The first list determines the boot id.
  await starts.startOf(process.pid).catch(() => undefined);
  return starts;
}
