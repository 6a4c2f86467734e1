import { join } from 'node:path';
import { reasonOf } from '../../base/errors.ts';
import { clearDeadRecords } from '../../lock/clearDeadRecords.ts';
import { type HeldInstance, type HoldResult, holdResources, type InstanceFacts } from '../../lock/holdResources.ts';
import { type InstanceRecord, idleSince } from '../../lock/instanceRecord.ts';
import { type LockDirectory, openLockDirectory, protocolBase } from '../../lock/lockDirectory.ts';
import { lockHolders } from '../../lock/lockHolders.ts';
import type { ProcessStarts } from '../../lock/processStarts.ts';
import { type ResourceKey, resourceKey } from '../../lock/resourceKey.ts';
import { runDirOf } from '../../storage/runFolder.ts';
import type { GuardOptions } from '../options/guardOptions.ts';

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

/** Where the records are, or why nothing can be published or locked. */
export function openRunFolder(options: Pick<GuardOptions, 'runDir'>): { readonly directory: LockDirectory } | { readonly refused: string } {
  try {
    const { path, explicit } = runDirOf(process.env, options.runDir);
    return openLockDirectory(protocolBase(path, explicit));
  } catch (error) {
    return { refused: reasonOf(error) };
  }
}

export type Acquisition =
  | { readonly status: 'held'; readonly instance: HeldInstance }
  /** Somebody else has it. `holder` when he says who he is, `orphan` when he is a server whose guard is gone. */
  | {
      readonly status: 'in-use';
      readonly text: string;
      readonly resource: ResourceKey;
      readonly holder?: InstanceRecord;
      readonly orphan: boolean;
    }
  /** It cannot be told whether it is free. */
  | { readonly status: 'impossible'; readonly text: string };

export interface AcquireRequest {
  readonly directory: LockDirectory;
  readonly witness: ProcessStarts;
  readonly options: Pick<GuardOptions, 'locks'>;
  /** What is used although somebody else has it: said in the record, so that both are shown. */
  readonly uses?: GuardOptions['locks'];
  readonly facts: InstanceFacts;
  readonly waitMs: number;
  readonly signal: AbortSignal;
}

const clearAfterMs = 500;

/** Takes the resources of `--lock` and publishes the guard, or says in words why not. Never throws. */
export async function acquireLocks({
  directory,
  witness,
  options,
  uses = [],
  facts,
  waitMs,
  signal,
}: AcquireRequest): Promise<Acquisition> {
  try {
    const [resources, used] = [options.locks, uses].map(distinctKeys);
    const result = await holdResources({
      directory,
      witness,
      resources: resources ?? [],
      uses: used ?? [],
      facts,
      waitMs,
      lock: { signal },
    });
    return acquisition(result, directory);
  } catch (error) {
    return { status: 'impossible', text: reasonOf(error) };
  } finally {
    // Whoever comes clears away what the dead left, when its server has been started; it is nobody's duty to live for ever for that.
    setTimeout(() => void clearDeadRecords(directory, witness).catch(() => []), clearAfterMs).unref();
  }
}

/** What is named twice, or under two names, is one resource: the second lock would wait for the first. @throws when a name is no resource */
function distinctKeys(locks: GuardOptions['locks']): ResourceKey[] {
  const keys = locks.map(({ kind, resource }) => resourceKey(kind, resource));
  return [...new Map(keys.map((one) => [one.key, one])).values()];
}

function acquisition(result: HoldResult, directory: LockDirectory): Acquisition {
  switch (result.status) {
    case 'held-by-us':
      return { status: 'held', instance: result.instance };
    case 'held': {
      const { resource, by } = result;
      const [holder] = by;
      const who = holder ? holderText(holder) : unknownHolderText(join(directory.locks, `${resource.key}.lock`));
      return {
        status: 'in-use',
        text: `${resourceText(resource)} is in use by ${who}`,
        resource,
        ...(holder ? { holder } : {}),
        orphan: false,
      };
    }
    case 'orphan': {
      const { resource, record, certain } = result;
      const what = certain ? 'is still in use by' : 'may still be in use by';
      return {
        status: 'in-use',
        text: `${resourceText(resource)} ${what} ${holderText(record)}, whose guard is gone`,
        resource,
        holder: record,
        orphan: true,
      };
    }
    case 'conflict': {
      const { resource, record } = result;
      return {
        status: 'in-use',
        text: `${resourceText(resource)} is in use under another name by ${holderText(record)}`,
        resource,
        holder: record,
        orphan: false,
      };
    }
    default:
      return { status: 'impossible', text: result.reason };
  }
}
