import { nearest } from '../../base/suggestion.ts';
import { clientName } from '../../clients/clientTable.ts';
import type { Definition } from '../../model/definition.ts';
import type { Snapshot } from '../../model/snapshot.ts';
import { UsageError } from '../exitCodes.ts';
import { terminalText } from '../render/text.ts';

export interface DefinitionWish {
  readonly name: string;
  /** Id of the client whose file it is. */
  readonly client?: string;
  /** Absolute path of the file. */
  readonly file?: string;
  /** Of several entries of one name, those for which there is something to do are meant. */
  prefers(definition: Definition): boolean;
}

/** Finds the one entry that is meant. @throws UsageError when there is none, or several that nothing tells apart */
export function findDefinition(snapshot: Snapshot, wish: DefinitionWish): Definition {
  const named = snapshot.definitions.filter(({ name }) => name === wish.name);
  if (named.length === 0) {
    const near = nearest(
      wish.name,
      snapshot.definitions.map(({ name }) => name),
    );
    const meant = near === undefined ? '' : `; did you mean "${terminalText(near)}"?`;
    throw new UsageError(
      `no configuration file has a server called "${terminalText(wish.name)}"${meant}`,
      [...unreadOf(snapshot), '"mcp-shepherd status" lists them.'].join('\n'),
    );
  }
  const fitting = named.filter(
    ({ client, file }) => (wish.client === undefined || client === wish.client) && (wish.file === undefined || file === wish.file),
  );
  const preferred = fitting.filter((definition) => wish.prefers(definition));
  const [found, ...others] = preferred.length > 0 ? preferred : fitting;
  if (!found) {
    throw new UsageError(`none of the entries called "${terminalText(wish.name)}" is the one that is meant`, placesOf(named));
  }
  if (others.length > 0) {
    throw new UsageError(
      `"${terminalText(wish.name)}" is configured in ${others.length + 1} places`,
      `Say which, by --client or --file:\n${placesOf([found, ...others])}`,
    );
  }
  return found;
}

/** It may stand where nothing can be read. */
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
