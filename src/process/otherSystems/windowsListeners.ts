import * as v from 'valibot';
import { isLoopbackAddress } from '../../base/loopback.ts';
import { powerShellJson, powerShellList, runPowerShell, systemFolder } from '../../base/powerShell.ts';
import { type RunProgram, runProgram } from '../../base/runProgram.ts';
import type { Listener, ListenerTable, PortClient, PortState } from '../../model/process.ts';

/** The query. States are numbers (2 listens, 5 is established), because their names depend on the language. */
export function connectionScript(ports: ReadonlySet<number>): string {
  const list = [...ports].join(',');
  return `
$ErrorActionPreference = 'Stop'
$ProgressPreference = 'SilentlyContinue'
try { [Console]::OutputEncoding = New-Object System.Text.UTF8Encoding $false } catch { }
$ports = @(${list})
$all = @(Get-NetTCPConnection -State Listen, Established | Where-Object { $ports -contains $_.LocalPort -or $ports -contains $_.RemotePort } | ForEach-Object {
  [pscustomobject]@{ state = [int]$_.State; local = $_.LocalAddress; port = $_.LocalPort; remote = $_.RemoteAddress; remotePort = $_.RemotePort; pid = $_.OwningProcess }
})
ConvertTo-Json -Compress -Depth 3 -InputObject ([pscustomobject]@{ connections = $all })
`;
}

const connectionSchema = v.object({
  state: v.number(),
  local: v.string(),
  port: v.number(),
  remote: v.nullish(v.string(), ''),
  remotePort: v.nullish(v.number(), 0),
  pid: v.number(),
});
const listenState = 2;
const establishedState = 5;

/** Windows: one query of `Get-NetTCPConnection` for all ports. */
export class WindowsListeners implements ListenerTable {
  readonly source = 'windows';
  readonly #run: RunProgram;
  readonly #system: string;

  constructor(run: RunProgram = runProgram, env: Readonly<Record<string, string | undefined>> = process.env) {
    this.#run = run;
    this.#system = systemFolder(env);
  }

  async read(ports: ReadonlySet<number>): Promise<PortState | undefined> {
    if (ports.size === 0) {
      return { listeners: [], clients: [] };
    }
    try {
      return parseConnections(await runPowerShell(this.#run, this.#system, connectionScript(ports)), ports);
    } catch {
      return undefined;
    }
  }
}

/** Parses the query's answer. @throws when it is not JSON of this shape */
export function parseConnections(text: string, ports: ReadonlySet<number>): PortState {
  const answer = powerShellJson(text);
  const { connections } = v.parse(v.object({ connections: v.unknown() }), answer);
  const listeners: Listener[] = [];
  const clients: PortClient[] = [];
  for (const entry of powerShellList(connections)) {
    const parsed = v.safeParse(connectionSchema, entry);
    if (!parsed.success) {
      continue;
    }
    const { state, local, port, remote, remotePort, pid } = parsed.output;
    if (state === listenState && ports.has(port)) {
      // PID 0: the process has ended, and the system still has its socket.
      listeners.push({ port, address: local, pids: pid > 0 ? [pid] : [] });
    } else if (state === establishedState && ports.has(remotePort) && pid > 0 && isLoopbackAddress(remote)) {
      clients.push({ port: remotePort, pid });
    }
  }
  return { listeners, clients };
}
