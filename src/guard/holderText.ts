import { lockHolders } from '../lock/holders.ts';
import { idleSince } from '../lock/idleMark.ts';
import type { InstanceRecord } from '../lock/instanceRecord.ts';
import type { ResourceKey } from '../lock/resourceKey.ts';

/** A resource as a person wrote it. */
export function resourceText({ kind, resource }: Pick<ResourceKey, 'kind' | 'resource'>): string {
  return kind === 'port' ? `port ${resource.replace(/^tcp:/, '')}` : `${kind} ${resource}`;
}

/** Who holds a resource, by its own word; records are other people's text, and are checked for what may stand in a message when they are read. */
export function holderText(record: InstanceRecord): string {
  const { server, guard, serverId, client, startedAt, package: of } = record;
  const idle = idleSince(record);
  const pid = server?.pid ?? guard?.pid;
  const details = [
    of?.version === undefined ? serverId : `${serverId} ${of.version}`,
    ...(client ? [`client ${client.name}${client.pid === undefined ? '' : ` (PID ${client.pid})`}`] : []),
    ...(startedAt === undefined ? [] : [`since ${startedAt}`]),
    ...(idle === undefined ? [] : [`not used since ${idle}`]),
  ];
  return `${pid === undefined ? 'a process' : `PID ${pid}`} (${details.join(', ')})`;
}

/** A holder that publishes nothing: the kernel may know it. */
export function unknownHolderText(lockFile: string): string {
  const [first] = lockHolders(lockFile) ?? [];
  return first ? `PID ${first.pid} (${first.name})` : 'a process that says nothing of itself';
}
