import type { Definition } from '../../model/definition.ts';
import type { ClientInstance, Instance, Snapshot } from '../../model/snapshot.ts';

/** The servers and entries under one heading of the table. */
interface Group {
  readonly title: string;
  readonly instances: readonly Instance[];
  /** Entries from which nothing runs. */
  readonly resting: readonly Definition[];
}

/**
 * The servers by the client process that started them, then those without a client, then those that no configuration names.
 * An entry from which nothing runs is listed with its client's servers; at the end where the client runs no servers, or runs in several processes.
 */
export function groupSnapshot(snapshot: Snapshot): Group[] {
  const known = new Set(snapshot.definitions.map((definition) => definition.id));
  const running = new Set(snapshot.instances.flatMap((instance) => instance.definitions));
  const resting = snapshot.definitions.filter((definition) => !running.has(definition.id)).sort(byName);

  const clientless: Instance[] = [];
  const unconfigured: Instance[] = [];
  const sessions = new Map<string, { readonly client: ClientInstance; readonly instances: Instance[] }>();
  for (const instance of [...snapshot.instances].sort((a, b) => byName(a, b) || a.pid - b.pid)) {
    if (instance.client === null && (instance.findings.some((finding) => finding.kind === 'orphan') || configured(instance, known))) {
      clientless.push(instance);
    } else if (instance.client === null || !configured(instance, known)) {
      unconfigured.push(instance);
    } else {
      const { client } = instance;
      const session = sessions.get(client.identity) ?? { client, instances: [] };
      session.instances.push(instance);
      sessions.set(client.identity, session);
    }
  }

  const names = new Map(snapshot.clients.map((client) => [client.id, client.name]));
  for (const { client } of sessions.values()) {
    names.set(client.id, names.get(client.id) ?? client.name);
  }
  const nameOf = (id: string): string => names.get(id) ?? id;
  const bySession = [...sessions.values()].sort(
    (a, b) => compareNames(nameOf(a.client.id), nameOf(b.client.id)) || a.client.pid - b.client.pid,
  );
  const sessionsOf = (id: string): number => bySession.filter(({ client }) => client.id === id).length;
  const restingOf = (id: string): Definition[] => resting.filter((definition) => definition.client === id);

  const groups: Group[] = bySession.map(({ client, instances }) => ({
    title: `${client.name} (PID ${client.pid})`,
    instances,
    resting: sessionsOf(client.id) === 1 ? restingOf(client.id) : [],
  }));
  if (clientless.length > 0) {
    groups.push({ title: 'Without a client', instances: clientless, resting: [] });
  }
  if (unconfigured.length > 0) {
    groups.push({ title: 'Not in any configuration', instances: unconfigured, resting: [] });
  }
  const restingClients = [...new Set(resting.map((definition) => definition.client))].filter((id) => sessionsOf(id) !== 1);
  for (const id of restingClients.sort((a, b) => compareNames(nameOf(a), nameOf(b)))) {
    groups.push({ title: `${nameOf(id)}, no servers running`, instances: [], resting: restingOf(id) });
  }
  return groups;
}

function configured(instance: Instance, known: ReadonlySet<string>): boolean {
  return instance.definitions.some((id) => known.has(id));
}

/** By code unit: the same order in every language, as a table that is redrawn needs. */
function compareNames(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function byName(a: { readonly name: string }, b: { readonly name: string }): number {
  return compareNames(a.name, b.name);
}
