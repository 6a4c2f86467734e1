import { isLoopbackAddress } from '../../base/loopback.ts';
import type { ListenerTable, PortState } from '../../model/process.ts';
import { attempt, kernelProcFs, orNothing, type ProcFs } from './procFs.ts';
import { readProcNetTcp, type TcpSocket } from './procNetTcp.ts';
import { socketInode } from './procSockets.ts';

/** Linux: `/proc/net/tcp` and `tcp6` of our own network namespace, and the processes whose descriptors lead to the sockets. */
export class ProcListeners implements ListenerTable {
  readonly source = 'proc';
  readonly #fs: ProcFs;
  readonly #root: string;
  /** The holders of the last reading. Most still hold their socket, and a new search reads every open file of the machine. */
  #holders: ReadonlyMap<string, readonly number[]> = new Map();

  constructor(fs: ProcFs = kernelProcFs, root = '/proc') {
    this.#fs = fs;
    this.#root = root;
  }

  async read(ports: ReadonlySet<number>): Promise<PortState | undefined> {
    const sockets = readProcNetTcp(this.#fs, `${this.#root}/self`);
    if (!sockets) {
      return undefined;
    }
    const listening = sockets.filter((one) => one.state === 'listening' && ports.has(one.localPort));
    const clients = sockets.filter((one) => one.state === 'established' && ports.has(one.remotePort) && isOwnAddress(one, sockets));
    const holders = this.#holdersOf(new Set([...listening, ...clients].map((one) => one.inode).filter((inode) => inode !== '0')));
    return {
      listeners: listening.map((one) => ({ port: one.localPort, address: one.localAddress, pids: holders.get(one.inode) ?? [] })),
      clients: clients.flatMap((one) => (holders.get(one.inode) ?? []).map((pid) => ({ port: one.remotePort, pid }))),
    };
  }

  #holdersOf(inodes: ReadonlySet<string>): ReadonlyMap<string, readonly number[]> {
    const found = new Map<string, number[]>();
    const known = [...inodes].flatMap((inode) => this.#holders.get(inode) ?? []);
    // The last holders are enough only when every socket still has one.
    const all = [...inodes].every((inode) => this.#holders.has(inode));
    for (const pid of all ? new Set(known) : this.#pids()) {
      this.#collect(pid, inodes, found);
    }
    const complete = [...inodes].every((inode) => found.has(inode));
    if (all && !complete) {
      found.clear();
      for (const pid of this.#pids()) {
        this.#collect(pid, inodes, found);
      }
    }
    this.#holders = found;
    return found;
  }

  #collect(pid: number, inodes: ReadonlySet<string>, found: Map<string, number[]>): void {
    const fds = attempt(() => this.#fs.names(`${this.#root}/${pid}/fd`));
    for (const fd of 'value' in fds ? fds.value : []) {
      const link = orNothing(() => this.#fs.link(`${this.#root}/${pid}/fd/${fd}`));
      const inode = link === undefined ? undefined : socketInode(link);
      if (inode !== undefined && inodes.has(inode)) {
        const list = found.get(inode) ?? [];
        found.set(inode, list.includes(pid) ? list : [...list, pid]);
      }
    }
  }

  #pids(): number[] {
    const names = orNothing(() => this.#fs.names(this.#root)) ?? [];
    return names.map(Number).filter((pid) => Number.isInteger(pid) && pid > 0);
  }
}

/** Whether a connection goes to this machine: to a loopback address, or to an address on which a socket of ours listens. */
function isOwnAddress(socket: TcpSocket, sockets: readonly TcpSocket[]): boolean {
  const { remoteAddress } = socket;
  return isLoopbackAddress(remoteAddress) || sockets.some((one) => one.state === 'listening' && one.localAddress === remoteAddress);
}

/**
 * The ports on which one process accepts connections: those of its descriptors where the system shows them (Linux), and those in its arguments
 * (`--port 4096`, `--port=4096`). Never throws.
 */
export function ownPorts(pid: number, argv: readonly string[], fs: ProcFs = kernelProcFs, root = '/proc'): number[] {
  const fds = orNothing(() => fs.names(`${root}/${pid}/fd`)) ?? [];
  const inodes = new Set(fds.map((fd) => socketInode(orNothing(() => fs.link(`${root}/${pid}/fd/${fd}`)) ?? '')));
  const sockets = readProcNetTcp(fs, `${root}/${pid}`) ?? [];
  const listening = sockets.filter((socket) => socket.state === 'listening' && inodes.has(socket.inode));
  const named = argv.flatMap((word, index) => /^--port(?:=(\d+))?$/.exec(word)?.[1] ?? (argv[index - 1] === '--port' ? word : []));
  return [...new Set([...listening.map((socket) => socket.localPort), ...named.map(Number)])].filter((port) => port > 0 && port < 65_536);
}
