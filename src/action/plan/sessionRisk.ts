import { t } from '../../base/language/translate.ts';
import { listText } from '../../base/singleLine.ts';
import { clientById, clientName, manualStep } from '../../clients/clientTable.ts';

import type { Instance, Snapshot } from '../../model/snapshot.ts';

/**
 * The effects of a restart of an HTTP server on the sessions of its clients, a sentence each: of clients that are connected now or have an entry for it, and
 * that are known not to start a new session themselves. Empty for a server behind our guard, which keeps the sessions.
 */
export function sessionRisks(instance: Instance, snapshot: Pick<Snapshot, 'definitions'>): string[] {
  if (!instance.listens || instance.guarded) {
    return [];
  }
  const connected = (instance.usedBy ?? []).filter(({ id }) => losesSession(id));
  const entries = snapshot.definitions.filter(({ id }) => instance.definitions.includes(id));
  const configured = [...new Set(entries.flatMap(({ readBy }) => readBy))].filter(
    (id) => losesSession(id) && !connected.some((client) => client.id === id),
  );
  const sentences = [
    ...connected.map((client) =>
      t(
        '{0} (PID {1}) is connected to it and will not start a new session after a restart, so its calls will fail. {2}',
        client.name,
        client.pid,
        manualStep(client, instance.name),
      ),
    ),
    ...(configured.length === 0
      ? []
      : [
          t(
            '{0} may have a session with it, and will not start a new one after a restart.',
            listText(configured.map(clientName), Number.POSITIVE_INFINITY),
          ),
        ]),
  ];
  return sentences.length === 0
    ? []
    : [...sentences, t('To keep sessions across restarts, start the server through "mcp-shepherd guard --http".')];
}

function losesSession(id: string): boolean {
  return clientById(id)?.sessionsAfterRestart === 'lost';
}
