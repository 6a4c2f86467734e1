import type { FileNumbers, ProcessRow } from '../../model/process.ts';
import { type ProcessTree, processTree } from '../tree/processTree.ts';
import { attempt, orNothing, type ProcFs } from './procFs.ts';
import { parseTcpSockets, type TcpSockets } from './procNetTcp.ts';
import { parseUnixSockets, type UnixSockets } from './procSockets.ts';

/** All sockets of one network namespace. */
export interface NetworkSockets {
  readonly unix: UnixSockets;
  /** Read at the first call, because the kernel walks its whole table: 33 ms instead of 0.1 ms for UNIX sockets (measured with 300 sockets). */
  tcp(): TcpSockets;
}

/** Our own mount namespace and root directory; undefined where the system does not tell. */
export interface OwnView {
  readonly mounts: string | undefined;
  readonly top: string | undefined;
}

/** Bytes of a table that are read; later sockets are unknown. */
const socketTableLimit = 32 * 1024 * 1024;

interface OpenFiles {
  /** The processes that have a pipe or a named file open, by the link's text (`pipe:[123]`). */
  readonly holders: ReadonlyMap<string, readonly { readonly pid: number; readonly fd: string }[]>;
  /** Running processes whose open files may not be read. */
  readonly hidden: ReadonlySet<number>;
  /** Whether the list of processes was read. */
  readonly complete: boolean;
}

/**
 * `/proc` at one moment: the list, and what the detail of a process needs to know of all others. The latter costs a read of every open file of the machine, so it
 * is done once, when it is first needed.
 */
export class ProcSnapshot {
  readonly rows: readonly ProcessRow[];
  /** Milliseconds of the monotonic clock. */
  readonly at: number;
  readonly #fs: ProcFs;
  readonly #root: string;
  readonly #byPid: ReadonlyMap<number, ProcessRow>;
  #tree: ProcessTree | undefined;
  #openFiles: OpenFiles | undefined;
  readonly #networks = new Map<string, NetworkSockets>();
  #ownNetwork: NetworkSockets | undefined;
  #ownView: OwnView | undefined;
  readonly #files = new Map<string, FileNumbers | undefined>();

  constructor(fs: ProcFs, root: string, rows: readonly ProcessRow[], at: number) {
    this.#fs = fs;
    this.#root = root;
    this.rows = rows;
    this.at = at;
    this.#byPid = new Map(rows.map((row) => [row.pid, row]));
  }

  /**
   * Whether a pipe or FIFO has a writer other than the reader and its descendants, which have their copies from the reader.
   * @param link text of the descriptor's link
   * @returns `hidden` when no writer was found, but a process that may be one cannot be read
   */
  writerOf(link: string, reader: ProcessRow): 'seen' | 'hidden' | 'none' {
    this.#openFiles ??= this.#readOpenFiles();
    let unclear = !this.#openFiles.complete;
    this.#tree ??= processTree(this.rows);
    const own = new Set(this.#tree.treeOf(reader).map((row) => row.pid));
    for (const { pid, fd } of this.#openFiles.holders.get(link) ?? []) {
      // A process that entered our PID namespace from outside brought the pipe along: its other end may be outside.
      unclear ||= this.#byPid.get(pid)?.ppid === 0;
      if (own.has(pid)) {
        continue;
      }
      const mode = attempt(() => this.#fs.linkMode(`${this.#root}/${pid}/fd/${fd}`));
      if ('failure' in mode) {
        unclear ||= mode.failure !== 'gone';
      } else if ((mode.value & 0o200) !== 0) {
        // Owner's write bit of the link: the descriptor is open for writing (proc_pid_fd(5)).
        return 'seen';
      }
    }
    return unclear || this.#mayHide(reader, this.#openFiles.hidden) ? 'hidden' : 'none';
  }

  /** Sockets of our own network namespace, in which nearly all clients run. */
  ownNetwork(): NetworkSockets {
    this.#ownNetwork ??= this.#network('self');
    return this.#ownNetwork;
  }

  /** The file at one of our own paths, read once for the snapshot: servers share most of their mapped files. */
  fileAt(path: string): FileNumbers | undefined {
    if (!this.#files.has(path)) {
      this.#files.set(
        path,
        orNothing(() => this.#fs.file(path)),
      );
    }
    return this.#files.get(path);
  }

  /** Read once for the snapshot. */
  ownView(): OwnView {
    const link = (name: string): string | undefined => orNothing(() => this.#fs.link(`${this.#root}/self/${name}`));
    this.#ownView ??= { mounts: link('ns/mnt'), top: link('root') };
    return this.#ownView;
  }

  /** Sockets of the network namespace of a process. */
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
    let tcp: TcpSockets | undefined;
    const sockets: NetworkSockets = {
      unix: parseUnixSockets(text('unix')),
      tcp: () => {
        tcp ??= parseTcpSockets(text('tcp'), text('tcp6'));
        return tcp;
      },
    };
    this.#networks.set(key, sockets);
    return sockets;
  }

  #readOpenFiles(): OpenFiles {
    const holders = new Map<string, { pid: number; fd: string }[]>();
    const hidden = new Set<number>();
    const names = orNothing(() => this.#fs.names(this.#root));
    for (const name of names ?? []) {
      const pid = Number(name);
      if (!Number.isInteger(pid)) {
        continue;
      }
      const fds = attempt(() => this.#fs.names(`${this.#root}/${name}/fd`));
      if ('failure' in fds) {
        if (fds.failure !== 'gone') {
          hidden.add(pid);
        }
        continue;
      }
      for (const fd of fds.value) {
        const link = attempt(() => this.#fs.link(`${this.#root}/${name}/fd/${fd}`));
        if ('failure' in link) {
          if (link.failure !== 'gone') {
            hidden.add(pid);
          }
        } else if (!/^(socket:|anon_inode:|\/dev\/(?!shm\/))/.test(link.value)) {
          const known = holders.get(link.value);
          if (known) {
            known.push({ pid, fd });
          } else {
            holders.set(link.value, [{ pid, fd }]);
          }
        }
      }
    }
    return { holders, hidden, complete: names !== undefined };
  }

  /**
   * Whether a process whose files may not be read could hold the other end. An anonymous pipe is passed from parent to child. So the holder may be an ancestor (a
   * service manager, sudo), a process outside our PID namespace when the ancestors lead out of it, or a process of the same user and control group: children stay
   * in their parent's group unless a service manager moves them. On every desktop some of the user's processes are unreadable (`(sd-pam)`, key rings), each in
   * a group of its own.
   */
  #mayHide(reader: ProcessRow, hidden: ReadonlySet<number>): boolean {
    let above: ProcessRow | undefined = reader;
    for (let depth = 0; depth < 200 && above?.pid !== 1; depth += 1) {
      above = above && this.#byPid.get(above.ppid);
      if (!above || (hidden.has(above.pid) && !isSystemInit(above))) {
        return true;
      }
    }
    const group = hidden.size === 0 ? undefined : this.#controlGroup(reader.pid);
    for (const pid of hidden) {
      const other = this.#byPid.get(pid);
      // Kernel threads and zombies are not in the list and hold no files.
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

/** The first process of a machine adopts orphans and passes no pipe on. The first process of a container may pass on a pipe from outside. */
function isSystemInit(row: ProcessRow): boolean {
  return row.pid === 1 && /^(systemd|init|runit|openrc-init|finit|dinit)$/.test(row.name);
}
