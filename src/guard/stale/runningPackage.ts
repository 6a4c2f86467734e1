import { errorName } from '../../base/errors.ts';
import type { ProcessRow, ProcessTable } from '../../model/process.ts';
import { type Identified, identifyPackage } from '../../package/identifyPackage.ts';
import { resolveServer } from '../../process/tree/launcherChain.ts';
import { processTree } from '../../process/tree/processTree.ts';

/**
 * The package of the server that a child is, or that runs below it (npx, uv, sh). One look at the process table. Never throws.
 * @param pid of the child that the guard started
 */
export async function runningPackage(pid: number, table: ProcessTable): Promise<Identified> {
  try {
    const rows = await table.list();
    const child = rows.find((row) => row.pid === pid);
    if (!child) {
      return { unknown: 'it ended' };
    }
    const chain = resolveServer(child, processTree(rows), () => false);
    return chain ? identifyPackage(chain.server, await table.detail(chain.server)) : { unknown: 'no server runs below its launcher yet' };
  } catch (error) {
    return { unknown: `the process table cannot be read (${errorName(error)})` };
  }
}

/** The package of exactly this process, which may see other files than we do: then nothing is known. Never throws. */
export async function packageOfProcess(row: ProcessRow, table: ProcessTable): Promise<Identified> {
  try {
    const detail = await table.detail(row);
    return detail.elsewhere ? { unknown: detail.elsewhere.reason } : identifyPackage(row, detail);
  } catch (error) {
    return { unknown: `the process table cannot be read (${errorName(error)})` };
  }
}
