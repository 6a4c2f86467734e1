import { procWitness, tableWitness, type Witness } from '../lock/witness.ts';
import type { ProcessTable } from '../types/process.ts';
import { guardTable } from './guardTable.ts';

/** What the system says of processes, as `createWitness` gives it, without the library that lists processes on macOS. */
export async function guardWitness(table: ProcessTable = guardTable()): Promise<Witness> {
  if (table.source === 'proc') {
    return procWitness();
  }
  const witness = tableWitness(table);
  // The first list tells which boot this is.
  await witness.startOf(process.pid).catch(() => undefined);
  return witness;
}
