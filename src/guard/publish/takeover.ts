import { isRecord } from '../../base/json.ts';
import { actOnce } from '../../lock/actOnce.ts';
import { askInstance } from '../../lock/control/controlClient.ts';
import { publishedHolders } from '../../lock/holdResources.ts';
import type { InstanceRecord } from '../../lock/instanceRecord.ts';
import { livenessOf } from '../../lock/liveness.ts';
import type { LockDirectory } from '../../lock/lockDirectory.ts';
import type { ProcessStarts } from '../../lock/processStarts.ts';
import { isGroupAlive } from '../process/processGroup.ts';
import { stormLimit, stormMs } from '../process/restartLimit.ts';

interface TakeoverRequest {
  readonly directory: LockDirectory;
  readonly witness: ProcessStarts;
  readonly holder: InstanceRecord;
  /** The key of the resource. */
  readonly key: string;
  /** Also end a holder whose client lives. */
  readonly force: boolean;
}

/** `ended`: the holder has ended, or will; `history` belongs into the guard's own record. `left`: why it was left alone. */
type Takeover = { readonly status: 'ended'; readonly history: readonly number[] } | { readonly status: 'left'; readonly reason: string };

/** From SIGTERM to SIGKILL, ms, for a holder without a guard. */
const termMs = 5_000;
const pauseMs = 50;

/** Ends the holder of a resource: through its guard, or, when that does not answer, the server by its identity. Of several guards exactly one does it. */
export async function takeOver(request: TakeoverRequest): Promise<Takeover> {
  const { directory, witness, holder, key, force } = request;
  const history = takeovers(holder).filter((at) => Date.now() - at < stormMs && at <= Date.now());
  if (history.length >= stormLimit) {
    return { status: 'left', reason: `it was taken over ${history.length} times within a minute: two clients end each other’s server` };
  }
  if (!force && (await clientLives(holder, witness))) {
    return { status: 'left', reason: 'its client still runs; takeover=force ends it anyway' };
  }
  const own = await witness.startOf(process.pid);
  const result = await actOnce(
    {
      directory,
      target: key,
      expect: holder.id,
      actor: { by: 'mcp-shepherd guard', pid: process.pid, start: own ?? '?', verb: 'stop', since: new Date().toISOString() },
      current: async () => (await publishedHolders(directory, key, witness)).find(({ id }) => id === holder.id)?.id,
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
async function clientLives({ client }: InstanceRecord, witness: ProcessStarts): Promise<boolean> {
  if (client?.pid === undefined || client.start === undefined || client.start === '?') {
    return true;
  }
  return (await witness.startOf(client.pid)) === client.start;
}

/** @returns why it could not be ended; undefined when it ended */
async function endHolder({ directory, witness, holder }: TakeoverRequest): Promise<string | undefined> {
  const answer = await askInstance({ directory, record: holder, verb: 'stop', by: 'another guard, by takeover', limitMs: 30_000 });
  if (answer.status === 'ok' || (answer.status === 'refused' && answer.code !== 'failed')) {
    return undefined;
  }
  const { server } = await livenessOf(holder, witness);
  const pid = holder.server?.pid;
  if (pid === undefined || process.platform === 'win32') {
    return `it does not answer (${answer.status === 'refused' ? answer.message : answer.reason})`;
  }
  if (server !== 'alive') {
    // Whether the resource is free shows when the lock is taken.
    return undefined;
  }
  for (const signal of ['SIGTERM', 'SIGKILL'] as const) {
    // Checked right before each signal, so that no other process gets it.
    if ((await witness.startOf(pid)) !== holder.server?.start || pid === process.pid) {
      return undefined;
    }
    try {
      process.kill(holder.server?.pgid === pid ? -pid : pid, signal);
    } catch {
      return undefined;
    }
    const until = performance.now() + termMs;
    while (isGroupAlive(pid) && performance.now() < until) {
      await new Promise((resolve) => setTimeout(resolve, pauseMs));
    }
  }
  return isGroupAlive(pid) ? 'it does not end' : undefined;
}
