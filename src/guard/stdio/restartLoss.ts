import { errorName } from '../../base/errors.ts';
import type { ProcessTable } from '../../model/process.ts';
import { findServer } from '../../process/tree/launcherChain.ts';
import { processTree } from '../../process/tree/processTree.ts';
import type { ServerLink } from '../relay/serverLink.ts';
import type { SessionMemory } from '../relay/sessionMemory.ts';

type Serving = Pick<ServerLink, 'process' | 'isIdle' | 'idle' | 'hasBeenCalled' | 'asked' | 'listening'>;
type Session = Pick<SessionMemory, 'isStateless' | 'subscriptions' | 'hasTasks'>;

/** The session of another client that shares the server. */
export interface OtherSession {
  readonly link: Serving;
  readonly memory: Session;
}

/**
 * The state that a restart of a server could lose and the guard cannot bring back (`--on-stale auto`). A server that was not called yet has nothing to lose, and protocol
 * 2026-07-28 keeps no state in the server. Any other server must have nothing that shows state. State that it keeps only in its memory is not visible to the guard.
 * @param drainMs how long to wait for calls in flight @param others of a shared server: a restart takes it from them, too
 * @returns for the log; undefined when nothing is lost. Never rejects.
 */
export async function restartLoss(
  link: Serving,
  memory: Session,
  table: Pick<ProcessTable, 'list' | 'detail'>,
  drainMs: number,
  others: readonly OtherSession[] = [],
): Promise<string | undefined> {
  const own = await sessionLoss({ link, memory }, drainMs);
  const rest = await Promise.all(others.map((other) => sessionLoss(other, drainMs)));
  const [loss] = [own, ...rest].filter((one) => typeof one === 'string');
  return loss ?? ([own, ...rest].includes(true) ? childOf(link.process.pid, table) : undefined);
}

/** @returns what the session shows to be lost; otherwise whether the server may have state of this session that it does not show */
async function sessionLoss({ link, memory }: OtherSession, drainMs: number): Promise<string | boolean> {
  if (!link.isIdle && !(await link.idle(drainMs, new AbortController().signal))) {
    return 'a call is in flight';
  }
  if (!link.hasBeenCalled || memory.isStateless) {
    return false;
  }
  if (link.asked.size > 0) {
    return 'it waits for an answer of the client';
  }
  if (memory.subscriptions.size + link.listening.size > 0) {
    return 'the client has subscriptions';
  }
  return memory.hasTasks ? 'it offers tasks' : true;
}

async function childOf(pid: number, table: Pick<ProcessTable, 'list' | 'detail'>): Promise<string | undefined> {
  try {
    const rows = await table.list();
    const tree = processTree(rows);
    const started = rows.find((row) => row.pid === pid);
    const chain = started && (await findServer(started, tree, (row) => table.detail(row)));
    if (!chain) {
      return 'its process is not known';
    }
    const [child] = tree.childrenOf(chain.server);
    return child && `it has a child process (PID ${child.pid})`;
  } catch (error) {
    return `its child processes are not known (${errorName(error)})`;
  }
}
