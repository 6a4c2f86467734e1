import { reasonOf } from '../../base/errors.ts';
import type { Log } from '../../base/log.ts';
import { ControlRefusal } from '../../lock/control/controlMessages.ts';
import type { ControlHandlers } from '../../lock/control/controlServer.ts';
import type { UpstreamHealth, UpstreamServer } from './server/upstreamServer.ts';

export interface ControlParts {
  /** Where clients connect. */
  readonly url: URL;
  readonly server: Pick<UpstreamServer, 'restart' | 'pid' | 'staleCalls'>;
  readonly log: Log;
  health(): Promise<UpstreamHealth>;
  close(): Promise<void>;
}

/** What the guard does for requests to its control endpoint (`mcp-shepherd restart`, `stop`). */
export function controlHandlers({ url, server, log, health, close }: ControlParts): ControlHandlers {
  return {
    status: async () => ({
      url: url.origin,
      upstream: { ...(await health()) },
      ...(server.staleCalls ? { stale: JSON.parse(JSON.stringify(server.staleCalls.report())) } : {}),
    }),
    restart: async ({ by }) => {
      await server.restart(`requested by ${by ?? 'an unnamed program'}`).catch((error: unknown) => {
        throw error instanceof ControlRefusal ? error : new ControlRefusal('failed', reasonOf(error));
      });
      return { status: 'restarted', pid: server.pid };
    },
    stop: ({ by }) => {
      log.info(`stopped by ${by ?? 'an unnamed program'}`);
      setImmediate(() => void close());
      return { status: 'shutting_down' };
    },
  };
}
