import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { listProcesses } from './processTree.ts';

const marker = '.complete';

/**
 * Fills a cache folder once. The work is done in a folder beside it that gets the final name only when it is complete,
 * so neither a broken-off nor a concurrent installation can leave half of one behind.
 *
 * @param fill writes into the (empty) folder it gets; what it throws is passed on and leaves nothing
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

/** Longer than any installation takes. Needed beside the process number, which another PID namespace does not know. */
const abandonedAfter = 15 * 60_000;

/** Clears what earlier runs left when they were killed. */
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
