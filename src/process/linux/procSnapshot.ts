import type { FileNumbers, ProcessRow } from '../../model/process.ts';
import { type ProcessTree, processTree } from '../tree/processTree.ts';
import { attempt, orNothing, type ProcFs } from './procFs.ts';
import { parseTcpSockets, type TcpSockets } from './procNetTcp.ts';
import { parseUnixSockets, type UnixSockets } from './procSockets.ts';

/** All sockets of one network namespace. */
export interface NetworkSockets {
  readonly unix: UnixSockets;
  /** Read when it is first asked for: the kernel walks its whole table, many times the cost of the other (33 ms to 0.1 ms, measured with 300 sockets). */
  tcp(): TcpSockets;
}

/** Under which mounts and below which directory we see files ourselves; undefined where the system does not tell. */
export interface OwnView {
  readonly mounts: string | undefined;
  readonly top: string | undefined;
}

/** Bigger tables are cut; what is not found in them is unknown. */
const socketTableLimit = 32 * 1024 * 1024;

interface OpenFiles {
  /** Who has a pipe or a named file open, by the link's text (`pipe:[123]`). */
  readonly holders: ReadonlyMap<string, readonly { readonly pid: number; readonly fd: string }[]>;
  /** Processes that live and do not let us see their files. */
  readonly hidden: ReadonlySet<number>;
  /** All processes were asked. */
  readonly complete: boolean;
}

/**
 * One moment of `/proc`: the list, and what a detail of any of its processes may need of all others. That part is costly (a look at
 * every open file of the machine), so it is read on first demand and once for all.
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
   * Whether a pipe or FIFO has somebody to write to it who is not the reader itself or below it (they got their copies from the reader).
   * @param link text of the descriptor's link
   * @returns `hidden` when nobody is seen who does, but somebody who might be cannot be looked at
   */
  writerOf(link: string, reader: ProcessRow): 'seen' | 'hidden' | 'nobody' {
    this.#openFiles ??= this.#readOpenFiles();
    let unclear = !this.#openFiles.complete;
    this.#tree ??= processTree(this.rows);
    const own = new Set(this.#tree.treeOf(reader).map((row) => row.pid));
    for (const { pid, fd } of this.#openFiles.holders.get(link) ?? []) {
      // Whoever came into our PID namespace from outside has brought it along: the other end is out of sight.
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
    return unclear || this.#mayHide(reader, this.#openFiles.hidden) ? 'hidden' : 'nobody';
  }

  /** Sockets of our own network namespace, where a client that starts servers nearly always lives. */
  ownNetwork(): NetworkSockets {
    this.#ownNetwork ??= this.#network('self');
    return this.#ownNetwork;
  }

  /** The file under a path that we see, asked once for all details of this moment: servers share most of what they have mapped. */
  fileAt(path: string): FileNumbers | undefined {
    if (!this.#files.has(path)) {
      this.#files.set(
        path,
        orNothing(() => this.#fs.file(path)),
      );
    }
    return this.#files.get(path);
  }

  /** Read once for all details of this moment. */
  ownView(): OwnView {
    const link = (name: string): string | undefined => orNothing(() => this.#fs.link(`${this.#root}/self/${name}`));
    this.#ownView ??= { mounts: link('ns/mnt'), top: link('root') };
    return this.#ownView;
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
   * Whether a process that we may not look into could hold the other end. The end of an anonymous pipe is passed down from parent to
   * child, so it could be an ancestor (a service manager, sudo), somebody outside our PID namespace when the line of ancestors leaves
   * it, or a process of the same user and control group: children stay in their parent's group unless a service manager moves them.
   * On every desktop some process of the user's own is unreadable (`(sd-pam)`, key rings), in groups of their own.
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

/** The first process of a machine adopts orphans and passes no pipe on. That of a container may pass on what came from outside. */
function isSystemInit(row: ProcessRow): boolean {
  return row.pid === 1 && /^(systemd|init|runit|openrc-init|finit|dinit)$/.test(row.name);
}
