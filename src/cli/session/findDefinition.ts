import { nearest } from '../../base/nearest.ts';
import { clientName } from '../../clients/clientTable.ts';
import type { Definition } from '../../model/definition.ts';
import type { Snapshot } from '../../model/snapshot.ts';
import { UsageError } from '../exitCodes.ts';
import { terminalText } from '../render/text.ts';

interface DefinitionQuery {
  readonly name: string;
  /** Id of the client whose file it is. */
  readonly client?: string;
  /** Absolute path of the file. */
  readonly file?: string;
  /** Of several entries of one name, these are taken. */
  prefers(definition: Definition): boolean;
}

/** Finds one entry. @throws UsageError when there is none, or several that the query does not tell apart */
export function findDefinition(snapshot: Snapshot, query: DefinitionQuery): Definition {
  const named = snapshot.definitions.filter(({ name }) => name === query.name);
  if (named.length === 0) {
    const near = nearest(
      query.name,
      snapshot.definitions.map(({ name }) => name),
    );
    const meant = near === undefined ? '' : `; did you mean "${terminalText(near)}"?`;
    throw new UsageError(
      `no configuration file has a server called "${terminalText(query.name)}"${meant}`,
      [...unreadOf(snapshot), 'List: mcp-shepherd status'].join('\n'),
    );
  }
  const fitting = named.filter(
    ({ client, file }) => (query.client === undefined || client === query.client) && (query.file === undefined || file === query.file),
  );
  const preferred = fitting.filter((definition) => query.prefers(definition));
  const [found, ...others] = preferred.length > 0 ? preferred : fitting;
  if (!found) {
    throw new UsageError(`no entry called "${terminalText(query.name)}" has that client and file`, placesOf(named));
  }
  if (others.length > 0) {
    throw new UsageError(
      `"${terminalText(query.name)}" is configured in ${others.length + 1} places`,
      `Choose one with --client or --file:\n${placesOf([found, ...others])}`,
    );
  }
  return found;
}

/** The entry may be in a file that could not be read. */
function unreadOf({ problems }: Snapshot): readonly string[] {
  const unread = problems.filter(({ source, file }) => source === 'config' && file !== undefined);
  return unread.length === 0
    ? []
    : [
        'What could not be read:',
        ...unread.map(({ file = '', line, message }) => terminalText(`  ${file}${line === undefined ? '' : `:${line}`}: ${message}`)),
      ];
}

function placesOf(definitions: readonly Definition[]): string {
  return definitions
    .map(({ client, scope, file, line }) =>
      terminalText(`  --client ${client} --file ${file}  (${clientName(client)}, ${scope}, line ${line})`),
    )
    .join('\n');
}
