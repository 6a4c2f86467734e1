import { realpathSync } from 'node:fs';
import { CodeRecorder } from '../../../../src/guard/stale/codeRecorder.ts';
import type { ServerCode } from '../../../../src/guard/stale/serverCode.ts';
import { type GateDecision, StaleGate } from '../../../../src/guard/stale/staleGate.ts';
import type { StaleMode } from '../../../../src/model/staleMode.ts';
import { createProcessTable } from '../../../../src/process/createProcessTable.ts';
import { type RunningServer, startServer } from '../../package/observe.ts';
import { stalePackages } from '../guardedServer.ts';

/** A real server with the gate beside it, as the guard wires them. */
export interface GatedServer {
  readonly gate: StaleGate;
  readonly child: ServerCode;
  readonly server: RunningServer;
  readonly log: readonly string[];
  /** What the gate says to a call; `asked` as after the question for the tools. */
  call(tool: string, asked?: boolean): GateDecision;
  /** What the server itself answers, without the gate. */
  ask(tool: string, args?: object): Promise<string>;
}

export interface Gated {
  readonly command: string;
  readonly args?: readonly string[];
  readonly cwd: string;
  readonly env: NodeJS.ProcessEnv;
  readonly policy?: StaleMode;
  /** Default: the tools are known from a list that passed by. */
  readonly toolsUnknown?: boolean;
  readonly writeTools?: readonly string[];
  readonly readTools?: readonly string[];
}

export async function startGated(wanted: Gated): Promise<GatedServer> {
  const log: string[] = [];
  const { command, args = [], env } = wanted;
  const cwd = realpathSync(wanted.cwd);
  const recorder = new CodeRecorder({ command, args, cwd, env });
  const gate = new StaleGate({
    policy: wanted.policy ?? 'refuse-writes',
    env,
    table: await createProcessTable(),
    restartHint: () => 'mcp-shepherd restart 4711',
    log: (line) => log.push(line),
    writeTools: wanted.writeTools ?? [],
    readTools: wanted.readTools ?? [],
  });
  const child = recorder.beforeStart();
  gate.serve(child);
  const server = await startServer(command, args, { cwd, env });
  await gate.firstAnswer(child, server.pid);
  if (!wanted.toolsUnknown) {
    gate.tools.sawPage(await server.request('tools/list'));
  }
  return {
    gate,
    child,
    server,
    log,
    call: (name, asked = false) => gate.call({ params: { name, arguments: {} }, asked }),
    async ask(name, args = {}) {
      const result = (await server.request('tools/call', { name, arguments: args })) as { content: { text: string }[] };
      return result.content[0]?.text ?? '';
    },
  };
}

/** What a refusal names, as `stalePackages`; [] when the call passes or something else is decided. */
export function refusedFor(decision: GateDecision): string[] {
  return decision.action === 'refuse' ? stalePackages(decision.answer as { result?: unknown }) : [];
}
