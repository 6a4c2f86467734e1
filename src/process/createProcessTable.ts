import { existsSync } from 'node:fs';
import psList from 'ps-list';
import type { ProcessTable } from '../model/process.ts';
import { ProcTable } from './linux/procTable.ts';
import { CimTable } from './otherSystems/cimTable.ts';
import { PsTable } from './otherSystems/psTable.ts';

/** The process table: CIM on Windows, `/proc` on Linux and Android, `ps` elsewhere and where `/proc` is not mounted. */
export async function createProcessTable(platform: NodeJS.Platform = process.platform): Promise<ProcessTable> {
  if (platform === 'win32') {
    return new CimTable();
  }
  if ((platform === 'linux' || platform === 'android') && existsSync('/proc/self/stat')) {
    return new ProcTable();
  }
  return new PsTable({ listProcesses: psList });
}
