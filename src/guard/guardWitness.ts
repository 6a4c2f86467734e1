import { existsSync } from 'node:fs';
import { procWitness, tableWitness, type Witness } from '../lock/witness.ts';
import { CimTable } from '../process/cimTable.ts';
import { parseLstart } from '../process/psLines.ts';
import { readBootId } from '../process/psTable.ts';
import { type RunProgram, runProgram } from '../process/runProgram.ts';
import type { ProcessRow } from '../types/process.ts';

/** What the system says of processes, as `createWitness` gives it, without the libraries that a whole process table needs. Never throws. */
export async function guardWitness(platform: NodeJS.Platform = process.platform): Promise<Witness> {
  if (platform === 'linux' && existsSync('/proc/self/stat')) {
    return procWitness();
  }
  const witness = tableWitness(platform === 'win32' ? new CimTable() : { list: () => psStarts() });
  // The first list tells which boot this is.
  await witness.startOf(process.pid).catch(() => undefined);
  return witness;
}

/** Who runs since when, by one `ps`; everything else of a row is left empty. @throws when ps fails */
export async function psStarts(run: RunProgram = runProgram): Promise<readonly ProcessRow[]> {
  const [text, bootId] = await Promise.all([run('ps', ['-A', '-o', 'pid=,stat=,lstart=']), readBootId(run)]);
  return text.split('\n').flatMap((line) => {
    const [, pid, state = '', date = ''] = /^\s*(\d+)\s+(\S+)\s+(.+)$/.exec(line) ?? [];
    const start = parseLstart(date);
    if (pid === undefined || start === undefined || /^[ZX]/.test(state)) {
      return [];
    }
    const identity = { bootId, pidNamespace: '-', pid: Number(pid), start: `ps:${start}` };
    const empty = { ppid: 0, startErrorMs: 1_000, name: '', argv: [], argvExact: false, commandLine: '', rssBytes: 0 };
    return [{ identity, pid: Number(pid), startedAt: start * 1_000, state, ...empty }];
  });
}
