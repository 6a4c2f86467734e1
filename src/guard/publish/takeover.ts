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

export interface TakeoverRequest {
  readonly directory: LockDirectory;
  readonly witness: ProcessStarts;
  readonly holder: InstanceRecord;
  /** The key of the resource. */
  readonly key: string;
  /** Also from a holder whose client lives. */
  readonly force: boolean;
}

/** `ended`: the holder is gone, or is going; `history` is for our own record. Otherwise why it was left alone. */
export type Takeover =
  | { readonly status: 'ended'; readonly history: readonly number[] }
  | { readonly status: 'left'; readonly reason: string };

/** From SIGTERM to SIGKILL, ms; a guard that is asked has its own limits. */
const termMs = 5_000;
const pauseMs = 50;

/** Ends the holder of a resource: asks its guard, or, where nobody answers, ends its server by its identity. Exactly one of many does it. */
export async function takeOver(request: TakeoverRequest): Promise<Takeover> {
  const { directory, witness, holder, key, force } = request;
  const history = takeovers(holder).filter((at) => Date.now() - at < stormMs && at <= Date.now());
  if (history.length >= stormLimit) {
    return { status: 'left', reason: `it was taken over ${history.length} times within a minute: two clients take it from each other` };
  }
  if (!force && (await clientLives(holder, witness))) {
    return { status: 'left', reason: 'its client still lives; takeover=force would take it all the same' };
  }
  const own = await witness.startOf(process.pid);
  const deed = await actOnce(
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
  if (deed.status === 'acted') {
    return deed.result === undefined ? { status: 'ended', history: [...history, Date.now()] } : { status: 'left', reason: deed.result };
  }
  // Somebody else did it; whoever gets the lock now has it.
  return deed.status === 'already'
    ? { status: 'ended', history }
    : { status: 'left', reason: deed.status === 'busy' ? 'somebody else is just ending it' : deed.reason };
}

/** The wall-clock times of the takeovers that a record carries on. */
function takeovers(record: InstanceRecord): number[] {
  const list: unknown = isRecord(record.x) ? record.x.takeovers : undefined;
  return Array.isArray(list) ? list.filter((at): at is number => typeof at === 'number') : [];
}

/** A client that nobody named may live. */
async function clientLives({ client }: InstanceRecord, witness: ProcessStarts): Promise<boolean> {
  if (client?.pid === undefined || client.start === undefined || client.start === '?') {
    return true;
  }
  return (await witness.startOf(client.pid)) === client.start;
}

/** @returns why it could not be ended; undefined when it could */
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
    // The lock tells whether it is free.
    return undefined;
  }
  for (const signal of ['SIGTERM', 'SIGKILL'] as const) {
    // Looked at again in the same moment: never a stranger.
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
