import { createRedactor } from '../../../redaction/redactor.ts';
import { acceptsConnections } from '../transport/reachable.ts';
import type { UpstreamTarget } from '../transport/upstream.ts';
import type { StaleCalls } from './staleCalls.ts';

/** The server behind the proxy: one that is started here (`ServedUpstream`), or by somebody else (`ForeignUpstream`). */
export interface UpstreamServer {
  /** `running`, or what it does instead. Of a server that somebody else starts nothing else is known. */
  readonly state: string;
  /** Undefined as long as none runs, and where nobody can see it. */
  readonly pid: number | undefined;
  /** Epoch milliseconds. */
  readonly since: number | undefined;
  /** Why the last one could not be started, or ended. */
  readonly lastFault: string | undefined;
  /** Holds calls against its code; undefined when nobody wants that, or nobody can see what runs. */
  readonly staleCalls: StaleCalls | undefined;
  /** Resolves when what is known is known of the process that runs now. Never throws. */
  settled(): Promise<void>;
  /** Lets requests through to it, once it is there. Not waited for: the port answers at once, and requests wait for the server. */
  begin(): void;
  /** Replaces it; all who ask meanwhile get the same restart. @throws when nobody here knows how, and when the new one does not start */
  restart(reason: string): Promise<void>;
  /** Ends it if it was started here, and looks after it no more. */
  stop(): Promise<void>;
}

/** What `/health` tells of the server behind the proxy. */
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
