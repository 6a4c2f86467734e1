import { errorName } from '../../base/errors.ts';
import type { ProcessRow, ProcessTable } from '../../model/process.ts';
import { type Identified, identifyPackage } from '../../package/identifyPackage.ts';
import { findServer } from '../../process/tree/launcherChain.ts';
import { processTree } from '../../process/tree/processTree.ts';

/**
 * The package of the server that a process is, or that runs below it (npx, uv, sh). Lists the processes once. Never throws.
 * @param pid of the process that the guard started
 */
export async function runningPackage(pid: number, table: ProcessTable): Promise<Identified> {
  try {
    const rows = await table.list();
    const started = rows.find((row) => row.pid === pid);
    if (!started) {
      return { unknown: 'it ended' };
    }
    const chain = await findServer(started, processTree(rows), (row) => table.detail(row));
    return chain ? identifyPackage(chain.server, await table.detail(chain.server)) : { unknown: 'no server runs below its launcher yet' };
  } catch (error) {
    return { unknown: `the process table cannot be read (${errorName(error)})` };
  }
}

/** The package of this process. It is unknown when the process may see other files than the guard (a container). Never throws. */
export async function packageOfProcess(row: ProcessRow, table: ProcessTable): Promise<Identified> {
  try {
    const detail = await table.detail(row);
    return detail.elsewhere ? { unknown: detail.elsewhere.reason } : identifyPackage(row, detail);
  } catch (error) {
    return { unknown: `the process table cannot be read (${errorName(error)})` };
  }
}
