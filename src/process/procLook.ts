import type { ProcessRow } from '../types/process.ts';
import { treeOf } from './parentage.ts';
import { attempt, orNothing, type ProcFs } from './procFs.ts';
import { parseTcpSockets, parseUnixSockets, type TcpSockets, type UnixSockets } from './procSockets.ts';

/** All sockets of one network namespace. */
export interface NetworkSockets {
  readonly unix: UnixSockets;
  readonly tcp: TcpSockets;
}

/** Bigger tables are cut; what is not found in them is unknown. */
const socketTableLimit = 32 * 1024 * 1024;

interface OpenFiles {
  /** Who has a pipe or a named file open, by the link's text (`pipe:[123]`). */
  readonly holders: ReadonlyMap<string, readonly { readonly pid: number; readonly fd: string }[]>;
  /** Processes that live and do not let us see their files. */
  readonly hidden: readonly number[];
}

/**
 * One moment of `/proc`: the list, and what a detail of any of its processes may need of all others. That part is costly (a look at
 * every open file of the machine), so it is read on first demand and once for all.
 */
export class ProcLook {
  readonly rows: readonly ProcessRow[];
  /** Milliseconds of the monotonic clock. */
  readonly at: number;
  readonly #fs: ProcFs;
  readonly #root: string;
  #openFiles: OpenFiles | undefined;
  readonly #networks = new Map<string, NetworkSockets>();

  constructor(fs: ProcFs, root: string, rows: readonly ProcessRow[], at: number) {
    this.#fs = fs;
    this.#root = root;
    this.rows = rows;
    this.at = at;
  }

  /**
   * Whether a pipe or FIFO has somebody to write to it who is not the reader itself or below it (they got their copies from the reader).
   * @param link text of the descriptor's link
   * @returns `hidden` when nobody is seen who does, but somebody who might be cannot be looked at
   */
  writerOf(link: string, reader: ProcessRow): 'seen' | 'hidden' | 'nobody' {
    this.#openFiles ??= this.#readOpenFiles();
    const own = new Set([reader.pid, ...treeOf(reader.pid, this.rows).map((row) => row.pid)]);
    for (const { pid, fd } of this.#openFiles.holders.get(link) ?? []) {
      // Owner's write bit of the link: the descriptor is open for writing (proc_pid_fd(5)).
      const mode = own.has(pid) ? 0 : (orNothing(() => this.#fs.linkMode(`${this.#root}/${pid}/fd/${fd}`)) ?? 0);
      if ((mode & 0o200) !== 0) {
        return 'seen';
      }
    }
    return this.#mayHide(reader, new Set(this.#openFiles.hidden)) ? 'hidden' : 'nobody';
  }

  /** Sockets of our own network namespace, where a client that starts servers nearly always lives. */
  ownNetwork(): NetworkSockets {
    return this.#network('self');
  }

  /** Sockets of the namespace that a process lives in. */
  networkOf(pid: number): NetworkSockets {
    return this.#network(String(pid));
  }

  #network(who: string): NetworkSockets {
    const key = orNothing(() => this.#fs.link(`${this.#root}/${who}/ns/net`)) ?? who;
    const known = this.#networks.get(key);
    if (known) {
      return known;
    }
    const text = (file: string): string => orNothing(() => this.#fs.read(`${this.#root}/${who}/net/${file}`, socketTableLimit).text) ?? '';
    const sockets: NetworkSockets = { unix: parseUnixSockets(text('unix')), tcp: parseTcpSockets(text('tcp'), text('tcp6')) };
    this.#networks.set(key, sockets);
    return sockets;
  }

  #readOpenFiles(): OpenFiles {
    const holders = new Map<string, { pid: number; fd: string }[]>();
    const hidden: number[] = [];
    for (const name of orNothing(() => this.#fs.names(this.#root)) ?? []) {
      const pid = Number(name);
      if (!Number.isInteger(pid)) {
        continue;
      }
      const fds = attempt(() => this.#fs.names(`${this.#root}/${name}/fd`));
      if ('failure' in fds) {
        if (fds.failure === 'denied') {
          hidden.push(pid);
        }
        continue;
      }
      for (const fd of fds.value) {
        const link = orNothing(() => this.#fs.link(`${this.#root}/${name}/fd/${fd}`));
        if (link === undefined || link.startsWith('socket:') || link.startsWith('anon_inode:') || link.startsWith('/dev/')) {
          continue;
        }
        const known = holders.get(link);
        if (known) {
          known.push({ pid, fd });
        } else {
          holders.set(link, [{ pid, fd }]);
        }
      }
    }
    return { holders, hidden };
  }

  /**
   * Whether a process that we may not look into could hold the other end. The end of an anonymous pipe is passed down from parent to
   * child, so it could be an ancestor (a service manager, sudo), somebody outside our PID namespace when the line of ancestors leaves
   * it, or a process of the same user and control group: children stay in their parent's group unless a service manager moves them.
   * On every desktop some process of the user's own is unreadable (`(sd-pam)`, key rings), in groups of their own.
   */
  #mayHide(reader: ProcessRow, hidden: ReadonlySet<number>): boolean {
    const byPid = new Map(this.rows.map((row) => [row.pid, row]));
    let above: ProcessRow | undefined = reader;
    for (let depth = 0; above && above.pid !== 1 && depth < 200; depth += 1) {
      if (above.ppid === 0) {
        return true;
      }
      above = byPid.get(above.ppid);
      if (above && hidden.has(above.pid) && !(above.pid === 1 && isInit(above))) {
        return true;
      }
    }
    if (hidden.size === 0) {
      return false;
    }
    const group = this.#controlGroup(reader.pid);
    for (const pid of hidden) {
      const other = byPid.get(pid);
      // Kernel threads and zombies are not in the list and hold nothing.
      if (other && other.uid === reader.uid && (group === undefined || this.#controlGroup(pid) === group)) {
        return true;
      }
    }
    return false;
  }

  #controlGroup(pid: number): string | undefined {
    return orNothing(() => this.#fs.read(`${this.#root}/${pid}/cgroup`, 16 * 1024).text.trim()) || undefined;
  }
}

/** A first process that adopts orphans and starts nothing with a pipe of its own. */
function isInit(row: ProcessRow): boolean {
  return /^(systemd|init|tini|dumb-init|docker-init|catatonit|s6-svscan|runit|openrc-init)/.test(row.name);
}
