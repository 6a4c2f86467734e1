import { isLoopbackAddress } from '../../base/loopback.ts';
import { type RunProgram, runProgram } from '../../base/runProgram.ts';
import type { Listener, ListenerTable, PortClient, PortState } from '../../model/process.ts';

/**
 * lsof exits with 1 when it finds nothing, which is an answer; the shell exits with 127 when there is no lsof. Unless it runs as root, lsof sees the sockets of
 * this user's processes only.
 */
const tolerant = 'lsof "$@"; [ $? -le 1 ]';

/** POSIX without `/proc` (macOS): one call of `lsof` for all ports. */
export class LsofListeners implements ListenerTable {
  readonly source = 'lsof';
  readonly #run: RunProgram;

  constructor(run: RunProgram = runProgram) {
    this.#run = run;
  }

  async read(ports: ReadonlySet<number>): Promise<PortState | undefined> {
    if (ports.size === 0) {
      return { listeners: [], clients: [] };
    }
    try {
      const args = ['-nP', `-iTCP:${[...ports].join(',')}`, '-F', 'pfnT'];
      return parseLsofPorts(await this.#run('sh', ['-c', tolerant, 'sh', ...args]), ports);
    } catch {
      return undefined;
    }
  }
}

/**
 * Parses `lsof -nP -iTCP:PORTS -F pfnT` (lsof(8), OUTPUT FOR OTHER PROGRAMS): `p` begins a process, `f` one of its files, `n` has
 * `address:port` or `local->remote`, `TST=` the state.
 */
export function parseLsofPorts(text: string, ports: ReadonlySet<number>): PortState {
  const files: { readonly pid: number; name: string; state: string }[] = [];
  let pid = 0;
  for (const line of text.split('\n')) {
    const file = files.at(-1);
    if (line.startsWith('p')) {
      pid = Number(line.slice(1));
    } else if (line.startsWith('f')) {
      files.push({ pid, name: '', state: '' });
    } else if (file && line.startsWith('n')) {
      file.name = line.slice(1);
    } else if (file && line.startsWith('TST=')) {
      file.state = line.slice(4);
    }
  }
  const listeners = new Map<string, Listener>();
  const clients: PortClient[] = [];
  for (const { pid: holder, name, state } of files) {
    const [local = '', remote] = name.split('->');
    const near = endOf(local);
    const far = remote === undefined ? undefined : endOf(remote);
    if (state === 'LISTEN' && near && ports.has(near.port)) {
      const key = `${near.address} ${near.port}`;
      const known = listeners.get(key);
      listeners.set(key, { ...near, pids: [...new Set([...(known?.pids ?? []), holder])] });
    } else if (state === 'ESTABLISHED' && far && ports.has(far.port) && isLoopbackAddress(far.address)) {
      clients.push({ port: far.port, pid: holder });
    }
  }
  return { listeners: [...listeners.values()], clients };
}

/** `*:8700`, `127.0.0.1:8700`, `[::1]:8700`. lsof prints `*` for IPv4 and IPv6 alike. */
function endOf(text: string): { readonly address: string; readonly port: number } | undefined {
  const [, address = '', port = ''] = /^(.*):(\d+)$/.exec(text) ?? [];
  if (address === '') {
    return undefined;
  }
  return { address: address === '*' ? '0.0.0.0' : address.replace(/^\[(.*)\]$/, '$1'), port: Number(port) };
}
