import { clientName } from '../../clients/clientTable.ts';
import type { RawDefinition } from '../../model/definition.ts';
import { isAbsolutePath, plainPath } from '../match/wordPattern.ts';
import { filledWord, type HealthFacts, type HealthVerdict } from './healthFacts.ts';

/** Another entry of the same name is used in its place, everywhere or in some projects. */
export function shadowed(entry: RawDefinition): HealthVerdict | undefined {
  const [first, ...more] = entry.replacedBy ?? [];
  if (first === undefined) {
    return undefined;
  }
  const where = first.folder === undefined ? '' : ` in ${first.folder}`;
  const others = more.length === 0 ? '' : `, and ${more.length} more in other projects`;
  return { message: `${clientName(entry.client)} uses the entry ${entry.name} of ${first.file}:${first.line} instead${where}${others}.` };
}

/**
 * Options and variables of well-known servers that name the one file or folder which they write: of server-memory, of SQLite and Chroma servers, of browsers with a
 * profile. Folders that a server may read are none.
 */
const dataOptions: ReadonlySet<string> = new Set(['--db-path', '--memory-path', '--data-dir', '--user-data-dir', '--storage-path']);
const dataVariables: ReadonlySet<string> = new Set(['MEMORY_FILE_PATH', 'MEMORY_PATH', 'CHROMA_DATA_DIR', 'SQLITE_PATH', 'DB_PATH']);

/** What the entry writes, as paths. */
function dataPaths(entry: RawDefinition, facts: HealthFacts): string[] {
  const words = [
    ...Object.entries(entry.env).flatMap(([name, value]) => (dataVariables.has(name) && value !== null ? [value] : [])),
    ...entry.args.flatMap((arg, index) => {
      const [, option = '', value = ''] = /^(--[\w-]+)=(.+)$/s.exec(arg) ?? [];
      return dataOptions.has(option) ? [value] : dataOptions.has(entry.args[index - 1] ?? '') ? [arg] : [];
    }),
  ];
  return words.flatMap((word) => {
    const path = filledWord(word, entry, facts);
    return path !== undefined && isAbsolutePath(path) ? [plainPath(path)] : [];
  });
}

/** The entries that write each path, in order; only entries that their clients use everywhere. */
export type DataWriters = ReadonlyMap<string, readonly RawDefinition[]>;

/** Finds the entries that write to one place. */
export function dataWriters(entries: readonly RawDefinition[], facts: HealthFacts): DataWriters {
  const writers = new Map<string, RawDefinition[]>();
  for (const entry of entries) {
    for (const path of new Set(dataPaths(entry, facts))) {
      writers.set(path, [...(writers.get(path) ?? []), entry]);
    }
  }
  return writers;
}

/** Another entry writes the same file or folder. */
export function sharedData(entry: RawDefinition, facts: HealthFacts, writers: DataWriters): HealthVerdict | undefined {
  for (const path of dataPaths(entry, facts)) {
    const other = writers.get(path)?.find((one) => one !== entry);
    if (other !== undefined) {
      return {
        message: `${entry.name} writes ${path}, and so does ${other.name} of ${clientName(other.client)} (${other.file}:${other.line}). Where both run, one can overwrite what the other wrote. “mcp-shepherd protect” with --lock lets one run at a time.`,
      };
    }
  }
  return undefined;
}
