import { t } from '../../base/language/translate.ts';
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
  if (first.alone) {
    return { message: t('{0} uses the entries of {1} alone.', clientName(entry.client), first.file) };
  }
  const place = `${first.file}:${first.line}`;
  const used =
    first.folder === undefined
      ? t('{0} uses the entry {1} of {2} instead', clientName(entry.client), entry.name, place)
      : t('{0} uses the entry {1} of {2} instead in {3}', clientName(entry.client), entry.name, place, first.folder);
  return { message: more.length === 0 ? `${used}.` : t('{0}, and {1} more in other projects.', used, more.length) };
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
        message: t(
          '{0} writes {1}, and so does {2} of {3} ({4}:{5}). Where both run, one can overwrite what the other wrote. “mcp-shepherd protect” with --lock lets one run at a time.',
          entry.name,
          path,
          other.name,
          clientName(other.client),
          other.file,
          other.line,
        ),
      };
    }
  }
  return undefined;
}
