import type { ProcessRow } from '../../model/process.ts';

/** A running server with its client and its entries. */
interface OfEntries {
  readonly server: ProcessRow;
  readonly client?: { readonly row: ProcessRow };
  readonly definitions: readonly { readonly id: string }[];
}

/** Where one client runs several servers from several equal entries, each entry comes first once. */
export function inTurns<T extends OfEntries>(found: readonly T[]): T[] {
  const turns = new Map<string, number>();
  return [...found]
    .sort((a, b) => a.server.startedAt - b.server.startedAt || a.server.pid - b.server.pid)
    .map((one) => {
      if (one.definitions.length < 2) {
        return one;
      }
      const key = `${one.client?.row.pid ?? '-'} ${one.definitions.map((definition) => definition.id).join(' ')}`;
      const turn = turns.get(key) ?? 0;
      turns.set(key, turn + 1);
      const shift = turn % one.definitions.length;
      return { ...one, definitions: [...one.definitions.slice(shift), ...one.definitions.slice(0, shift)] };
    });
}
