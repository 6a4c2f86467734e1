import type { ClientId, RawDefinition } from '../../model/definition.ts';
import type { ProcessDetail, ProcessRow } from '../../model/process.ts';
import { mayBecome } from './launchFit.ts';
import { clientDistance, fitEnvironment } from './matchDefinitions.ts';
import type { MatchContext, MatchInput } from './matchInput.ts';

/** What is known of a server and its start. */
interface Found {
  readonly server: ProcessRow;
  readonly detail: ProcessDetail;
  readonly launchers: readonly ProcessRow[];
  readonly parent?: ProcessRow;
  readonly client?: { readonly id: ClientId; readonly row: ProcessRow };
  readonly definitions: readonly RawDefinition[];
}

/**
 * Adds to servers without an entry the one that may have started them: its command is a script that became the server, and nothing shows what that script starts. An
 * entry from which the same client runs another server did not.
 */
export function withUndecided<T extends Found>(
  found: readonly T[],
  definitions: readonly RawDefinition[],
  context: MatchContext,
): readonly (T & { readonly undecided?: RawDefinition })[] {
  const taken = new Set(found.flatMap((one) => one.definitions.map((definition) => placeOf(one, definition))));
  return found.map((one) => {
    const { server, detail, launchers, client } = one;
    if (one.definitions.length > 0 || launchers.length > 0 || client === undefined || one.parent !== client.row) {
      return one;
    }
    const observed: MatchInput = { server, detail, launchers, client: { id: client.id } };
    const undecided = definitions.find(
      (definition) =>
        definition.enabled &&
        definition.command !== undefined &&
        clientDistance(definition, client.id) === 0 &&
        !taken.has(placeOf(one, definition)) &&
        fitEnvironment(definition, observed, context) !== undefined &&
        mayBecome(definition, observed, context),
    );
    return undecided ? { ...one, undecided } : one;
  });
}

function placeOf({ client }: Found, { id }: RawDefinition): string {
  return `${client?.row.pid ?? ''} ${id}`;
}
