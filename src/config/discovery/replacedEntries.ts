import { clientById, scopeRank } from '../../clients/clientTable.ts';
import type { RawDefinition } from '../../model/definition.ts';

/** Per entry; an entry of the user may be replaced in each of 200 projects. */
const maxReplacements = 20;

/** Formats whose entries get a name of their own in the client (`plugin:NAME:SERVER`). */
const ownNames = ['plugin-mcp', 'plugin-manifest', 'mcpb-manifest'];

/**
 * Adds to each entry what its client uses instead of it: the entry of the same name in a narrower scope, everywhere or in one project. Clients that keep equal names
 * apart (VS Code) replace none, nor do entries that are switched off or belong to a profile, which may not be the active one. An administrator's file replaces all
 * entries of a client that then uses no others, also those of plugins.
 */
export function withReplacements(definitions: readonly RawDefinition[]): RawDefinition[] {
  const named = new Map<string, Ranked[]>();
  const alone = new Map(
    definitions
      .filter(({ client, scope }) => scope === 'managed' && clientById(client)?.managedAlone)
      .map(({ client, file, line }) => [client, [{ file, line, alone: true }]] as const),
  );
  const ranked = definitions.map((definition): Ranked | undefined => {
    const { client, scope, name, format = '' } = definition;
    const rank = ownNames.includes(format) ? undefined : scopeRank(client, scope);
    if (rank === undefined) {
      return undefined;
    }
    const key = `${client}\0${name}`;
    const same = named.get(key) ?? [];
    named.set(key, same);
    const one = { definition, rank, same };
    same.push(one);
    return one;
  });
  return definitions.map((definition, index) => {
    const own = ranked[index];
    const only = definition.scope === 'managed' ? undefined : alone.get(definition.client);
    if (only) {
      return { ...definition, replacedBy: only };
    }
    const narrower =
      own?.same.filter(({ rank, definition: { enabled, scope } }) => rank < own.rank && enabled && scope !== 'profile') ?? [];
    const replacedBy = narrower.flatMap((other) => replacement(definition, other.definition)).slice(0, maxReplacements);
    return replacedBy.length === 0 ? definition : { ...definition, replacedBy };
  });
}

interface Ranked {
  readonly definition: RawDefinition;
  /** The place of its scope in its client: the smallest wins. */
  readonly rank: number;
  /** All entries of that name in that client. */
  readonly same: readonly Ranked[];
}

/** @param other an entry of the same name that its client prefers */
function replacement(definition: RawDefinition, other: RawDefinition): NonNullable<RawDefinition['replacedBy']> {
  const { file, line, folder } = other;
  if (folder === undefined || folder === definition.folder) {
    return [{ file, line }];
  }
  return definition.folder === undefined ? [{ file, line, folder }] : [];
}
