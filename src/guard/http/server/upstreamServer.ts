import { createRedactor } from '../../../redaction/redactor.ts';
import { acceptsConnections } from '../transport/reachable.ts';
import type { UpstreamTarget } from '../transport/upstream.ts';
import type { StaleCalls } from './staleCalls.ts';

/** The server behind the guard: started by the guard (`OwnUpstream`) or not (`ExternalUpstream`). */
export interface UpstreamServer {
  /** `running`, `starting`, `restarting`, `waiting` or `stopped`; always `running` for an external server. */
  readonly state: string;
  /** Undefined when no server runs, or its process is not known. */
  readonly pid: number | undefined;
  /** Start of the process, epoch milliseconds. */
  readonly since: number | undefined;
  /** Why the last process ended, or could not be started. */
  readonly lastFault: string | undefined;
  /** Checks calls against the server's code; undefined when that is off, or the code cannot be read. */
  readonly staleCalls: StaleCalls | undefined;
  /** Resolves when `pid` and `since` describe the process that runs now. Never throws. */
  settled(): Promise<void>;
  /** Starts or finds the server. Returns at once; requests wait until the server accepts connections. */
  begin(): void;
  /** Restarts the server. Concurrent calls share one restart. @throws when the guard cannot restart it, and when the new one does not start */
  restart(reason: string): Promise<void>;
  /** Ends the server if the guard started it. */
  stop(): Promise<void>;
}

/** The part of `/health` about the server behind the guard. */
export interface UpstreamHealth {
  readonly status: string;
  readonly url: string | null;
  readonly pid: number | null;
  readonly started: string | null;
  readonly lastFault?: string;
}

/** @param target where requests go now */
export async function upstreamHealth(
  server: Pick<UpstreamServer, 'state' | 'pid' | 'since' | 'lastFault' | 'settled'>,
  target: Pick<UpstreamTarget, 'url'> | undefined,
): Promise<UpstreamHealth> {
  const up = target !== undefined && server.state === 'running' && (await acceptsConnections(target.url));
  await server.settled();
  const { state, pid, since, lastFault } = server;
  return {
    status: up ? 'up' : state === 'running' ? 'down' : state,
    url: target?.url.origin ?? null,
    pid: pid ?? null,
    started: since === undefined ? null : new Date(since).toISOString(),
    ...(up || lastFault === undefined ? {} : { lastFault: createRedactor([]).text(lastFault) }),
  };
}
