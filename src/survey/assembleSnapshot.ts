import { clientName } from '../clients/clientTable.ts';
import type { ConfigReading } from '../config/discovery/discoverDefinitions.ts';
import type { HealthNote } from '../model/entryHealth.ts';
import type { Finding } from '../model/finding.ts';
import type { Problem } from '../model/problem.ts';
import { type Instance, type NotStarted, type OtherHolder, type RelayHost, type Snapshot, snapshotSchema } from '../model/snapshot.ts';
import { shownDefinition } from '../redaction/definitionRedactor.ts';
import type { Redactor } from '../redaction/redactor.ts';
import { isGuarded } from './match/guardedEntries.ts';
import type { JoinedPorts } from './ports/joinPorts.ts';

/** Everything that one scan found. */
interface Findings {
  readonly definitions: ConfigReading['definitions'];
  /** The ports that the definitions name. */
  readonly ports: Pick<JoinedPorts, 'states' | 'findings'>;
  readonly instances: readonly Instance[];
  /** By instance id: found by comparing all servers. */
  readonly copies: readonly ReadonlyMap<string, readonly Finding[] | Finding>[];
  /** By definition id: entries that a client starts again and again, and that do not run now. */
  readonly storms: ReadonlyMap<string, readonly Finding[]>;
  readonly conflicts: ReadonlyMap<string, Finding>;
  readonly notStarted: readonly NotStarted[];
  readonly hosts: readonly RelayHost[];
  readonly otherHolders: readonly OtherHolder[];
  readonly problems: readonly Problem[];
  /** Remarks about entries, where they were asked for. */
  readonly health?: readonly HealthNote[] | undefined;
  readonly redactor: Redactor;
}

/** Builds the snapshot. @param now epoch ms */
export function assembleSnapshot(found: Findings, now: number): Snapshot {
  const { definitions, ports, copies, storms, conflicts, notStarted, hosts, otherHolders, problems, health, redactor } = found;
  const instances = found.instances.map((instance) => {
    const more = [...copies, conflicts].flatMap((findings) => findings.get(instance.id) ?? []);
    return more.length > 0 ? { ...instance, findings: [...instance.findings, ...more] } : instance;
  });
  const clients = new Set([...definitions.map((item) => item.client), ...instances.flatMap((item) => item.client?.id ?? [])]);
  return {
    schema: snapshotSchema,
    at: new Date(now).toISOString(),
    clients: [...clients].map((id) => ({ id, name: clientName(id) })),
    definitions: definitions.map((raw) => {
      const port = ports.states.get(raw.id);
      return {
        ...shownDefinition(raw, redactor),
        ...(isGuarded(raw) ? { guarded: true } : {}),
        ...(port ? { port } : {}),
        findings: [...(ports.findings.get(raw.id) ?? []), ...(storms.get(raw.id) ?? [])],
      };
    }),
    instances,
    ...(notStarted.length === 0 ? {} : { notStarted }),
    ...(hosts.length === 0 ? {} : { hosts }),
    ...(otherHolders.length === 0 ? {} : { otherHolders }),
    problems,
    ...(health === undefined ? {} : { health }),
  };
}
