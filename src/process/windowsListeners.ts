import { win32 } from 'node:path';
import * as v from 'valibot';
import type { Listener, ListenerTable, PortClient, PortLook } from './listeners.ts';
import { type RunProgram, runProgram } from './runProgram.ts';

/** Numbers of `Microsoft.PowerShell…NetTCPConnection.State`: 2 listens, 5 is established. As numbers they are the same in every language. */
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

/** Windows: `Get-NetTCPConnection`, in one query for all ports that are asked for. */
export class WindowsListeners implements ListenerTable {
  readonly source = 'windows';
  readonly #run: RunProgram;
  readonly #system: string;

  constructor(run: RunProgram = runProgram, env: Readonly<Record<string, string | undefined>> = process.env) {
    this.#run = run;
    this.#system = win32.join(env.SystemRoot ?? env.windir ?? 'C:\\Windows', 'System32');
  }

  async look(ports: ReadonlySet<number>): Promise<PortLook | undefined> {
    if (ports.size === 0) {
      return { listeners: [], clients: [] };
    }
    const shell = win32.join(this.#system, 'WindowsPowerShell', 'v1.0', 'powershell.exe');
    const script = Buffer.from(connectionScript(ports), 'utf16le').toString('base64');
    try {
      return parseConnections(await this.#run(shell, ['-NoLogo', '-NoProfile', '-NonInteractive', '-EncodedCommand', script]), ports);
    } catch {
      return undefined;
    }
  }
}

/** Reads the query's answer. @throws when it is no such JSON at all */
export function parseConnections(text: string, ports: ReadonlySet<number>): PortLook {
  const answer: unknown = JSON.parse(text.replace(/^\uFEFF/, ''));
  const { connections } = v.parse(v.object({ connections: v.unknown() }), answer);
  const listeners: Listener[] = [];
  const clients: PortClient[] = [];
  for (const entry of asList(connections)) {
    const parsed = v.safeParse(connectionSchema, entry);
    if (!parsed.success) {
      continue;
    }
    const { state, local, port, remote, remotePort, pid } = parsed.output;
    if (state === listenState && ports.has(port)) {
      // PID 0: the process has ended, and the system still holds its socket.
      listeners.push({ port, address: local, pids: pid > 0 ? [pid] : [] });
    } else if (state === establishedState && ports.has(remotePort) && pid > 0 && (remote === '::1' || remote.startsWith('127.'))) {
      clients.push({ port: remotePort, pid });
    }
  }
  return { listeners, clients };
}

/** A list of one comes as the one from some versions, and Windows PowerShell 5 may wrap a list as `{ value, Count }`. */
function asList(value: unknown): readonly unknown[] {
  if (Array.isArray(value)) {
    return value;
  }
  if (typeof value !== 'object' || value === null) {
    return [];
  }
  return 'value' in value && Array.isArray(value.value) ? value.value : [value];
}
