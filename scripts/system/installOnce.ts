import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { listProcesses } from './processTree.ts';

const marker = '.complete';

/**
 * Fills a cache folder once. The work is done in a folder beside it that gets the final name when it is complete, so an aborted or concurrent installation leaves no
 * incomplete folder.
 *
 * @param fill writes into the empty folder that it gets; its errors are thrown, and its folder is removed
 */
export async function installOnce(folder: string, fill: (staging: string) => Promise<void>): Promise<void> {
  const complete = join(folder, marker);
  if (existsSync(complete)) {
    return;
  }
  removeAbandoned(folder);
  const staging = `${folder}.partial-${process.pid}`;
  mkdirSync(staging, { recursive: true });
  try {
    await fill(staging);
    writeFileSync(join(staging, marker), `${new Date().toISOString()}\n`);
    if (!existsSync(complete)) {
      rmSync(folder, { recursive: true, force: true });
      renameSync(staging, folder);
    }
  } finally {
    rmSync(staging, { recursive: true, force: true });
  }
}

/** Milliseconds, more than any installation takes. Checked beside the PID, which may belong to another PID namespace. */
const abandonedAfter = 15 * 60_000;

/** Removes the folders of earlier runs that were killed. */
function removeAbandoned(folder: string): void {
  if (!existsSync(dirname(folder))) {
    return;
  }
  const prefix = `${basename(folder)}.partial-`;
  const alive = listProcesses();
  for (const name of readdirSync(dirname(folder))) {
    const path = join(dirname(folder), name);
    if (name.startsWith(prefix) && !alive.has(Number(name.slice(prefix.length))) && Date.now() - statSync(path).mtimeMs > abandonedAfter) {
      rmSync(path, { recursive: true, force: true });
    }
  }
}
