import { join } from 'node:path';
import { reasonOf } from '../../base/errors.ts';
import { quotedText } from '../../base/singleLine.ts';
import { clearDeadRecords } from '../../lock/clearDeadRecords.ts';
import { type HeldInstance, type HoldResult, holdResources, type InstanceFacts } from '../../lock/holdResources.ts';
import { type InstanceRecord, idleSince } from '../../lock/instanceRecord.ts';
import { type LockDirectory, openLockDirectory, protocolBase } from '../../lock/lockDirectory.ts';
import { type Holder, lockHolders } from '../../lock/lockHolders.ts';
import type { ProcessStarts } from '../../lock/processStarts.ts';
import { type ResourceKey, resourceKey } from '../../lock/resourceKey.ts';
import { runDirOf } from '../../storage/runFolder.ts';
import type { GuardOptions } from '../options/guardOptions.ts';

/** A resource as the user wrote it. */
function resourceText({ kind, resource }: Pick<ResourceKey, 'kind' | 'resource'>): string {
  return kind === 'port' ? `port ${resource.replace(/^tcp:/, '')}` : `${kind} ${resource}`;
}

/** The holder of a resource as its record states it. Any program of the user can write records, and models read this text: what is free text stands in quotation marks. */
export function holderText(record: InstanceRecord): string {
  const { server, guard, serverId, client, startedAt, package: of } = record;
  const idle = idleSince(record);
  const pid = server?.pid ?? guard?.pid;
  const began = Date.parse(startedAt ?? '');
  const details = [
    of?.version === undefined ? quotedText(serverId) : `${quotedText(serverId)} ${quotedText(of.version)}`,
    ...(client ? [`client ${quotedText(client.name)}${client.pid === undefined ? '' : ` (PID ${client.pid})`}`] : []),
    ...(Number.isNaN(began) ? [] : [`since ${new Date(began).toISOString()}`]),
    ...(idle === undefined ? [] : [`not used since ${idle}`]),
  ];
  return `${pid === undefined ? 'a process' : `PID ${pid}`} (${details.join(', ')})`;
}

/** Processes as the kernel knows them. A process can choose its name there. */
export function holdersText(holders: readonly Holder[]): string {
  return holders.map(({ pid, name }) => `PID ${pid} (${quotedText(name)})`).join(' and ');
}

/** A holder without a record. */
function unknownHolderText(lockFile: string): string {
  const [first] = lockHolders(lockFile) ?? [];
  return first ? holdersText([first]) : 'an unknown process';
}

/** Opens the folder of the records. `refused`: why nothing can be published or locked. */
export function openRunFolder(
  options: Pick<GuardOptions, 'runDir'>,
  env: Readonly<NodeJS.ProcessEnv> = process.env,
): { readonly directory: LockDirectory } | { readonly refused: string } {
  try {
    const { path, explicit } = runDirOf(env, options.runDir);
    return openLockDirectory(protocolBase(path, explicit));
  } catch (error) {
    return { refused: reasonOf(error) };
  }
}

export type Acquisition =
  | { readonly status: 'held'; readonly instance: HeldInstance }
  /** Another process has the resource. `holder`: its record, when it has one. `orphan`: it is a server whose guard is gone. */
  | {
      readonly status: 'in-use';
      readonly text: string;
      readonly resource: ResourceKey;
      readonly holder?: InstanceRecord;
      readonly orphan: boolean;
    }
  /** It is unknown whether the resource is free. */
  | { readonly status: 'impossible'; readonly text: string };

interface AcquireRequest {
  readonly directory: LockDirectory;
  readonly starts: ProcessStarts;
  readonly options: Pick<GuardOptions, 'locks'>;
  /** Resources that are used although another process has them. The record names them, so that both users are shown. */
  readonly uses?: GuardOptions['locks'];
  readonly facts: InstanceFacts;
  readonly waitMs: number;
  readonly signal: AbortSignal;
}

/** Dead records are cleared this long after the attempt, when the server has started, ms. */
const clearAfterMs = 500;

/** Takes the resources of `--lock` and publishes the guard, or says why not. Never throws. */
export async function acquireLocks({ directory, starts, options, uses = [], facts, waitMs, signal }: AcquireRequest): Promise<Acquisition> {
  try {
    const result = await holdResources({
      directory,
      starts,
      resources: distinctKeys(options.locks),
      uses: distinctKeys(uses),
      facts,
      waitMs,
      lock: { signal },
    });
    return acquisition(result, directory);
  } catch (error) {
    return { status: 'impossible', text: reasonOf(error) };
  } finally {
    setTimeout(() => void clearDeadRecords(directory, starts).catch(() => []), clearAfterMs).unref();
  }
}

/** A resource that is named twice, or under two names, is locked once: a second lock would wait for the first. @throws when a name is not valid */
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
