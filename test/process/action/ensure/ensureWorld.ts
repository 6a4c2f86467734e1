import type { EnsureRequest, EnsureResult } from '../../../../src/action/ensure/ensureDecision.ts';
import { ensureServer } from '../../../../src/action/ensure/ensureServer.ts';
import { ensureSystem } from '../../../../src/action/ensure/ensureSystem.ts';
import type { ShutdownWay } from '../../../../src/action/execute/shutdownRequest.ts';
import type { RawDefinition } from '../../../../src/model/definition.ts';
import { ProcListeners } from '../../../../src/process/linux/procListeners.ts';
import { createRedactor } from '../../../../src/redaction/redactor.ts';
import { until } from '../../../until.ts';
import { findPython } from '../../package/pythonWheels.ts';
import { imitation } from '../../survey/ports/httpServer.ts';
import type { World } from '../../survey/world.ts';

export interface EnsureAsk {
  readonly port: number;
  readonly version?: string;
  /** What the started command really is; default: the wanted version. */
  readonly starts?: string;
  readonly args?: readonly string[];
  readonly passive?: boolean;
  readonly package?: string;
  readonly shutdown?: ShutdownWay;
  readonly limitMs?: number;
  readonly command?: string;
  readonly leaveMs?: number;
}

/** One caller of `ensure` with a surveyor of its own, as a process of its own would have. */
export async function ensure(world: World, ask: EnsureAsk): Promise<EnsureResult> {
  const { port, version } = ask;
  const python = await findPython();
  const definition: RawDefinition = {
    id: `ensure-${port}`,
    client: 'mcp-shepherd',
    readBy: ['mcp-shepherd'],
    scope: 'project',
    file: '(test)',
    line: 1,
    name: 'notes',
    transport: 'http',
    args: [],
    env: {},
    url: `http://127.0.0.1:${port}/mcp`,
    secrets: [],
    enabled: true,
  };
  const surveyor = await world.observer({ entries: [definition] });
  const request: EnsureRequest = {
    name: 'notes',
    port,
    passive: ask.passive ?? false,
    launch: {
      command: ask.command ?? python ?? 'python3',
      args: [imitation, '{port}', '--version', ask.starts ?? version ?? '1.0.0', ...(ask.args ?? [])],
    },
    ...(version === undefined ? {} : { version }),
    ...(ask.package === undefined ? {} : { package: ask.package }),
  };
  try {
    const system = await ensureSystem({
      request,
      definition: definition.id,
      surveyor,
      runDir: world.runDir,
      explicitRunDir: true,
      platform: process.platform,
      env: process.env,
      redactor: createRedactor([]),
      by: 'test',
      limitMs: ask.limitMs ?? 60_000,
      leaveMs: ask.leaveMs ?? 60_000,
      ...(ask.shutdown ? { shutdown: ask.shutdown } : {}),
    });
    return await ensureServer(request, system);
  } finally {
    surveyor.dispose();
  }
}

/** Who listens on a port now. */
export async function listenersOf(port: number): Promise<readonly number[]> {
  return (await new ProcListeners().read(new Set([port])))?.listeners.flatMap((one) => one.pids) ?? [];
}

/** Ends the servers that a test has left on its own port, by PID. */
export async function clearPort(port: number): Promise<void> {
  for (const pid of await listenersOf(port)) {
    process.kill(pid, 'SIGKILL');
  }
  await until('the port is free', async () => (await listenersOf(port)).length === 0);
}
