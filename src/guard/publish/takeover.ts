import { join } from 'node:path';
import { isRecord } from '../../base/json.ts';
import { quotedText } from '../../base/singleLine.ts';
import { actOnce } from '../../lock/actOnce.ts';
import { askInstance } from '../../lock/control/controlClient.ts';
import { publishedHolders } from '../../lock/holdResources.ts';
import type { InstanceRecord } from '../../lock/instanceRecord.ts';
import { livenessOf } from '../../lock/liveness.ts';
import type { LockDirectory } from '../../lock/lockDirectory.ts';
import { lockHolders } from '../../lock/lockHolders.ts';
import type { ProcessStarts } from '../../lock/processStarts.ts';
import { guardTable } from '../process/guardProcesses.ts';
import { stormLimit, stormMs } from '../process/restartLimit.ts';
import { holdersText } from './acquireLocks.ts';

interface TakeoverRequest {
  readonly directory: LockDirectory;
  readonly starts: ProcessStarts;
  readonly holder: InstanceRecord;
  /** The key of the resource. */
  readonly key: string;
  /** Whether a holder whose client lives is ended too. */
  readonly force: boolean;
}

/** `ended`: the holder has ended, or will; `history` belongs into the guard's own record. `left`: why it was left alone. */
type Takeover = { readonly status: 'ended'; readonly history: readonly number[] } | { readonly status: 'left'; readonly reason: string };

/** Time for the holder to end after SIGTERM, ms. */
const termMs = 5_000;

/**
 * Ends the holder of a resource: by its control endpoint, or, when that does not answer, by signals. Signals go only to a process that the kernel shows as holder of
 * this very lock, and to what it has started: a record, which any program of the user can write, makes no process a target. Of several guards exactly one does it.
 */
export async function takeOver(request: TakeoverRequest): Promise<Takeover> {
  const { directory, starts, holder, key, force } = request;
  const history = takeovers(holder).filter((at) => Date.now() - at < stormMs && at <= Date.now());
  if (history.length >= stormLimit) {
    return { status: 'left', reason: `it was taken over ${history.length} times within a minute: two clients end each other’s server` };
  }
  if (!force && ((await clientLives(holder, starts)) || (await holderIsUsed(join(directory.locks, `${key}.lock`))))) {
    return { status: 'left', reason: 'its client still runs; takeover=force ends it anyway' };
  }
  const own = await starts.startOf(process.pid);
  const result = await actOnce(
    {
      directory,
      target: key,
      expect: holder.id,
      actor: { by: 'mcp-shepherd guard', pid: process.pid, start: own ?? '?', verb: 'stop', since: new Date().toISOString() },
      current: async () => (await publishedHolders(directory, key, starts)).find(({ id }) => id === holder.id)?.id,
      waitMs: 10_000,
    },
    () => endHolder(request),
  );
  if (result.status === 'acted') {
    return result.result === undefined ? { status: 'ended', history: [...history, Date.now()] } : { status: 'left', reason: result.result };
  }
  // Another guard ended it; the lock goes to the first that takes it.
  return result.status === 'already'
    ? { status: 'ended', history }
    : { status: 'left', reason: result.status === 'busy' ? 'another guard is ending it' : result.reason };
}

/** The wall-clock times of earlier takeovers, which each record takes over from the last. */
function takeovers(record: InstanceRecord): number[] {
  const list: unknown = isRecord(record.x) ? record.x.takeovers : undefined;
  return Array.isArray(list) ? list.filter((at): at is number => typeof at === 'number') : [];
}

/** Whether the client lives. One that the record does not name may live. */
async function clientLives({ client }: InstanceRecord, starts: ProcessStarts): Promise<boolean> {
  if (client?.pid === undefined || client.start === undefined || client.start === '?') {
    return true;
  }
  return (await starts.startOf(client.pid)) === client.start;
}

/**
 * Whether what holds a lock runs under a program other than a launcher, by the process list: a record can name a dead client beside a guard whose client lives.
 * False where the system does not name the holder: nothing is signalled there.
 */
async function holderIsUsed(lock: string): Promise<boolean> {
  const holders = new Set(lockHolders(lock)?.map(({ pid }) => pid));
  if (holders.size === 0) {
    return false;
  }
  const [{ adoptsOrphans, processTree }, { launcherKind }] = await Promise.all([
    import('../../process/tree/processTree.ts'),
    import('../../process/tree/launcherChain.ts'),
  ]);
  const tree = processTree(await guardTable().list());
  return tree.rows.some((row) => {
    const user = holders.has(row.pid)
      ? tree.ancestorsOf(row).find((above) => !holders.has(above.pid) && launcherKind(above) === undefined)
      : undefined;
    return user !== undefined && !adoptsOrphans(user);
  });
}

/** @returns why it could not be ended; undefined when it ended, or will */
async function endHolder({ directory, starts, holder, key }: TakeoverRequest): Promise<string | undefined> {
  const lock = join(directory.locks, `${key}.lock`);
  const named = [holder.guard, holder.server];
  const elsewhere = holder.host.boot !== starts.boot || holder.host.pidns !== starts.pidns;
  // PIDs of another namespace cannot be compared with those of the kernel here.
  const others = elsewhere ? [] : (lockHolders(lock) ?? []);
  if (others.length > 0 && !others.some(({ pid }) => named.some((mark) => mark?.pid === pid))) {
    return `its record does not name the process that holds the lock, ${holdersText(others)}`;
  }
  const answer = await askInstance({ directory, record: holder, verb: 'stop', by: 'another guard, by takeover', limitMs: 30_000 });
  if (answer.status === 'ok' || (answer.status === 'refused' && answer.code !== 'failed')) {
    return undefined;
  }
  const silence = `it does not answer (${answer.status === 'refused' ? quotedText(answer.message) : answer.reason})`;
  const { guard, server } = await livenessOf(holder, starts);
  // The guard first: its server ends with it, and a guard that stays would keep the lock.
  const living = [...(guard === 'alive' ? [holder.guard] : []), ...(server === 'alive' ? [holder.server] : [])];
  if (living.length === 0) {
    // Whether the resource is free shows when the lock is taken.
    return undefined;
  }
  const holders = lockHolders(lock) ?? [];
  const target = living.find((mark) => holders.some(({ pid }) => pid === mark?.pid));
  if (!target) {
    return `${silence}, and was not signalled, because the system does not show that it holds the lock${holders.length > 0 ? `: ${holdersText(holders)} does` : ''}`;
  }
  const { terminateTree, systemTerminator } = await import('../../process/terminateTree.ts');
  const identity = { bootId: holder.host.boot, pidNamespace: holder.host.pidns, ...target };
  const report = await terminateTree(
    { server: identity, launchers: [], objection: () => undefined, politeMs: termMs },
    systemTerminator(guardTable()),
  );
  return report.status === 'ended' || report.status === 'gone' ? undefined : `${silence}, and was not ended: ${report.reason}`;
}
