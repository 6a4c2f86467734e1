import type { ControlHandlers } from '../../lock/control/controlServer.ts';
import type { HeldInstance } from '../../lock/holdResources.ts';
import type { ServerProcess } from '../process/serverProcess.ts';
import type { GuardEnvironment } from '../publish/guardEnvironment.ts';
import type { GuardRecord, Versions } from '../publish/guardRecord.ts';
import type { Relay } from '../relay/relay.ts';
import type { CallMonitor } from './callMonitor.ts';
import type { StdioCallGate } from './stdioCallGate.ts';
import type { RestartOutcome, Supervisor } from './supervisor.ts';

interface SessionParts {
  readonly environment: GuardEnvironment;
  /** The resources that the session holds, and which process has one that it does not hold. */
  readonly instance: HeldInstance | undefined;
  readonly conflict: string | undefined;
  readonly relay: Relay;
  readonly supervisor: Supervisor;
  /** What changes. `problem`: why there is no server, or why the last restart failed. */
  now(): {
    readonly servers: readonly ServerProcess[];
    readonly problem: string | undefined;
    readonly calls: CallMonitor | undefined;
    readonly gate: StdioCallGate | undefined;
  };
  versions(server: ServerProcess): Versions;
  restart(why: string): Promise<RestartOutcome>;
  say(text: string): void;
}

/** Publishes a session. Loaded while its server starts. @returns undefined when it cannot be published; the reason was reported */
export async function publishSession(parts: SessionParts): Promise<GuardRecord | undefined> {
  const { environment, instance, conflict, relay, now, versions, say } = parts;
  const { lazy } = relay.memory;
  const { guard } = environment.facts;
  const x = {
    ...(conflict === undefined ? {} : { conflict }),
    ...(lazy ? { start: lazy.mark } : {}),
    ...(guard === undefined || guard.pid === process.pid ? {} : { hostPid: process.pid }),
  };
  const record = await environment.publish(instance, x, controlHandlers(parts), say);
  const { servers, problem } = now();
  await record?.serves(servers, problem, versions);
  return record;
}

/** What a session does when it is asked over its control endpoint. */
function controlHandlers({ relay, supervisor, now, restart, say }: SessionParts): ControlHandlers {
  return {
    status: () => {
      const { servers, problem, calls, gate } = now();
      return {
        servers: servers.map(({ pid }) => pid),
        restarting: supervisor.isRestarting,
        held: relay.heldCount,
        inFlight: relay.current?.inFlight.size ?? 0,
        ...(problem === undefined ? {} : { problem }),
        ...(calls?.unanswered ? { unresponsive: { ...calls.unanswered } } : {}),
        ...(relay.refusals.summary ? { refused: { ...relay.refusals.summary } } : {}),
        ...(gate ? { stale: JSON.parse(JSON.stringify(gate.report())) } : {}),
      };
    },
    restart: async ({ by }) => ({ ...(await restart(`asked by ${by ?? 'an unknown process'}`)) }),
    stop: async ({ by }) => {
      say(`stopped by ${by ?? 'an unknown process'}`);
      await supervisor.end('SIGTERM');
      return { status: 'stopped' };
    },
  };
}
