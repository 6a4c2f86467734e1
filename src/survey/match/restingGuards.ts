import { quotedText } from '../../base/singleLine.ts';
import { clientName } from '../../clients/clientTable.ts';
import { recogniseClient } from '../../clients/recogniseClient.ts';
import type { RawDefinition } from '../../model/definition.ts';
import { identityKey, type ProcessDetail, type ProcessRow } from '../../model/process.ts';
import type { ClientInstance, NotStarted, ServerRecord } from '../../model/snapshot.ts';
import { launcherKind } from '../../process/tree/launcherChain.ts';
import type { ProcessTree } from '../../process/tree/processTree.ts';
import type { Redactor } from '../../redaction/redactor.ts';
import { rememberedMatch } from './matchDefinitions.ts';
import type { MatchContext } from './matchInput.ts';

/**
 * The guards that have not started their server, with entry and client, found as those of a server: by the guard's own command line, environment and parents.
 * @param records of such guards @param detail reads what only the owner may read of a process
 */
export async function restingGuards(
  records: readonly ServerRecord[],
  processes: ProcessTree,
  definitions: readonly RawDefinition[],
  detail: (row: ProcessRow) => Promise<ProcessDetail>,
  matching: MatchContext & { readonly redactor: Redactor },
): Promise<NotStarted[]> {
  const found = records.map(async (record): Promise<NotStarted[]> => {
    const row = processes.rows.find(({ pid }) => pid === record.guardPid);
    if (!row) {
      return [];
    }
    const above = processes.ancestorsOf(row);
    const client = clientAmong(above);
    const launchers = above
      .slice(
        0,
        Math.max(
          0,
          above.findIndex((one) => launcherKind(one) === undefined),
        ),
      )
      .reverse();
    const match = rememberedMatch(
      { server: row, detail: await detail(row), launchers, ...(client ? { client: { id: client.id } } : {}) },
      definitions,
      matching,
    );
    const entry = match.definitions[0]?.name;
    const name = entry === undefined ? quotedText(record.serverId) : matching.redactor.text(entry);
    return [{ guardPid: row.pid, name, definitions: match.definitions.map(({ id }) => id), client, record }];
  });
  return (await Promise.all(found)).flat();
}

function clientAmong(rows: readonly ProcessRow[]): ClientInstance | null {
  for (const row of rows) {
    const id = recogniseClient(row);
    if (id !== undefined) {
      return { id, name: clientName(id), pid: row.pid, identity: identityKey(row.identity) };
    }
  }
  return null;
}
