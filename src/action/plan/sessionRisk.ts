import { clientById, clientName, manualStep } from '../../clients/clientTable.ts';
import type { Instance, Snapshot } from '../../model/snapshot.ts';

/**
 * What a restart of an HTTP server does to the sessions of its clients, a sentence each: those that are connected now, and those that have an entry for
 * it, where the client is known not to open a new session by itself. Nothing for a server behind our guard, which keeps the sessions.
 */
export function sessionRisks(instance: Instance, snapshot: Pick<Snapshot, 'definitions'>): string[] {
  if (!instance.listens || instance.guarded || /\bguard\b.*\s--http\b/.test(instance.command)) {
    return [];
  }
  const connected = (instance.usedBy ?? []).filter(({ id }) => losesSession(id));
  const entries = snapshot.definitions.filter(({ id }) => instance.definitions.includes(id));
  const configured = [...new Set(entries.flatMap(({ readBy }) => readBy))].filter(
    (id) => losesSession(id) && !connected.some((client) => client.id === id),
  );
  const sentences = [
    ...connected.map(
      (client) =>
        `${client.name} (PID ${client.pid}) is connected to it and is known not to begin a new session after a restart: its calls will fail. ${manualStep(client, instance.name)}`,
    ),
    ...(configured.length === 0
      ? []
      : [`${list(configured.map(clientName))} may have a session with it and will not begin a new one after a restart.`]),
  ];
  return sentences.length === 0
    ? []
    : [
        ...sentences,
        'Behind "mcp-shepherd guard --http" sessions survive a restart: launch the server through it, and this does not come again.',
      ];
}

function losesSession(id: string): boolean {
  return clientById(id)?.sessionsAfterRestart === 'lost';
}

function list(names: readonly string[]): string {
  return names.length < 2 ? names.join('') : `${names.slice(0, -1).join(', ')} and ${names.at(-1)}`;
}
