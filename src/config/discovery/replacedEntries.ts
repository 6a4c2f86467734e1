import { scopeRank } from '../../clients/clientTable.ts';
import type { RawDefinition } from '../../model/definition.ts';

/** Per entry; an entry of the user may be replaced in each of 200 projects. */
const maxReplacements = 20;

/** Formats whose entries get a name of their own in the client (`plugin:NAME:SERVER`). */
const ownNames = ['plugin-mcp', 'plugin-manifest', 'mcpb-manifest'];

/**
 * Adds to each entry what its client uses instead of it: the entry of the same name in a narrower scope, everywhere or in one project. Clients that keep equal names
 * apart (VS Code) replace none, nor do entries that are switched off or belong to a profile, which may not be the active one.
 */
export function withReplacements(definitions: readonly RawDefinition[]): RawDefinition[] {
  const named = new Map<string, RawDefinition[]>();
  for (const definition of definitions.filter(({ format }) => !ownNames.includes(format ?? ''))) {
    const key = `${definition.client}\0${definition.name}`;
    named.set(key, [...(named.get(key) ?? []), definition]);
  }
  return definitions.map((definition) => {
    const same = ownNames.includes(definition.format ?? '') ? [] : (named.get(`${definition.client}\0${definition.name}`) ?? []);
    const replacedBy = same.flatMap((other) => replacement(definition, other)).slice(0, maxReplacements);
    return replacedBy.length === 0 ? definition : { ...definition, replacedBy };
  });
}

function replacement(definition: RawDefinition, other: RawDefinition): NonNullable<RawDefinition['replacedBy']> {
  const rank = scopeRank(definition.client, definition.scope);
  const otherRank = scopeRank(other.client, other.scope);
  if (rank === undefined || otherRank === undefined || otherRank >= rank || !other.enabled || other.scope === 'profile') {
    return [];
  }
  const { file, line, folder } = other;
  if (folder === undefined || folder === definition.folder) {
    return [{ file, line }];
  }
  return definition.folder === undefined ? [{ file, line, folder }] : [];
}
