/**
 * The identity of a process. The PID alone is reused by the system, a wall-clock start moves when the clock is set:
 * the start is the kernel's own count (`lx:<clock ticks since boot>`, `ps:<epoch seconds>`, `win:<100 ns>`).
 */
export interface ProcessIdentity {
  /** Names the start of the running kernel. Linux: /proc/sys/kernel/random/boot_id. Elsewhere it is a text made from the boot time. */
  readonly bootId: string;
  /** Linux: inode of the PID namespace; elsewhere `-`. */
  readonly pidNamespace: string;
  readonly pid: number;
  readonly start: string;
}

/** One process as the table shows it: what every user may read, in one pass. */
export interface ProcessRow {
  readonly identity: ProcessIdentity;
  readonly pid: number;
  readonly ppid: number;
  /** Best estimate of the start, epoch ms; exact to `startErrorMs`. For display, and for comparing with file times when the process is first seen. */
  readonly startedAt: number;
  readonly startErrorMs: number;
  /** Effective user; undefined where the system does not tell cheaply. */
  readonly uid?: number;
  /** Kernel's short name (comm); may be cut to 15 characters. */
  readonly name: string;
  /**
   * The arguments. `argvExact` is false where the system gives one string only (ps, a rewritten title): then `argv` is that
   * string split on white space: paths with spaces are split, too.
   */
  readonly argv: readonly string[];
  readonly argvExact: boolean;
  /** The command line as one string, as the system gave it (NULs as spaces, padding cut). */
  readonly commandLine: string;
  /** Resident memory in bytes; 0 when unknown. */
  readonly rssBytes: number;
  /** Processor time used since the start by its own threads, ms; absent where the system does not tell. Steps: 10 ms on Linux and macOS, 1 s with ps of Linux. */
  readonly processorMs?: number;
  /** Linux: the first process of a PID namespace (a container's init). Absent where it is not, or not known. */
  readonly namespaceInit?: true;
  /** Kernel threads, zombies (Z) and dead (X) never reach the table; everything else does. */
  readonly state: string;
}

/** Facts that only the owner of a process may read, read on demand. Every part may be missing, with the reason. */
export interface ProcessDetail {
  readonly exe?: string;
  readonly cwd?: string;
  /** In memory only: names may be shown, values are never shown, logged or stored. */
  readonly environment?: ReadonlyMap<string, string>;
  /** The other end of standard input. `none`: it is closed, so no process can write to it again. */
  readonly stdin: 'connected' | 'none' | 'null-device' | 'file' | 'terminal' | 'unknown';
  /** The process accepts connections (a listening TCP or UNIX socket). */
  readonly listens: boolean | 'unknown';
  /** Why something is missing ("permission denied", "gone"), if so. */
  readonly missing: readonly string[];
  /** The running file as the kernel holds it, even if its path now leads to another file. Linux only. */
  readonly program?: FileNumbers;
  /** Set when its paths may lead to other files than ours. */
  readonly elsewhere?: OtherView;
  /** Native code whose file was removed or replaced since it was loaded. Linux only. */
  readonly deletedCode?: readonly DeletedCode[];
}

/** Identifies a file of a machine while it exists. */
export interface FileNumbers {
  readonly device: number;
  readonly inode: number;
  /** Bytes. */
  readonly size: number;
}

/** A process that sees other files under the same paths (a container, a sandbox), or may do so. */
export interface OtherView {
  /** For a person. */
  readonly reason: string;
  /** Our path to the root directory as the process sees it; undefined when it may not be read. */
  readonly root?: string;
}

/** Native code that a process has mapped and whose file was removed or replaced since. */
export interface DeletedCode {
  /** As the kernel names it, without " (deleted)"; an installer may have renamed the file or a directory above it before the removal. */
  readonly path: string;
  readonly pieces: readonly MappedPiece[];
}

/** One piece of a file that a process has mapped into its memory. */
export interface MappedPiece {
  readonly executable: boolean;
  /** In the file, bytes. */
  readonly offset: number;
  /** Bytes, whole pages. */
  readonly length: number;
}

/** The process table of one system behind one interface. */
export interface ProcessTable {
  /** For messages: 'proc', 'ps', 'cim'. */
  readonly source: string;
  /** All processes that can be seen, at one moment. Throws only when the system gives no list at all. */
  list(): Promise<readonly ProcessRow[]>;
  /** PIDs only, as cheaply as the system allows; what a tick compares. */
  pids(): Promise<readonly number[]>;
  /** The rows of a few PIDs, where that is cheaper than a list; those that are gone or do not belong into a list are left out. */
  rowsOf?(pids: readonly number[]): Promise<readonly ProcessRow[]>;
  /** Details of one process; the caller must have seen it in a list. A process that is gone yields `missing: ['gone']`. */
  detail(row: ProcessRow): Promise<ProcessDetail>;
  /** Whether exactly this process still runs (not another one with its PID). */
  isAlive(identity: ProcessIdentity): Promise<boolean>;
}

/** An identity as text, for file names and maps. */
export function identityKey(identity: ProcessIdentity): string {
  return `${identity.bootId}:${identity.pidNamespace}:${identity.pid}:${identity.start}`;
}

/** A TCP port that accepts connections. */
export interface Listener {
  readonly port: number;
  /** As the system writes it: `127.0.0.1`, `::1`; `0.0.0.0` and `::` for all addresses. */
  readonly address: string;
  /** The processes that hold it: several where a parent has passed it to its children. Empty when their open files may not be read. */
  readonly pids: readonly number[];
}

/** The client's end of one established connection of this machine to one of its own ports. */
export interface PortClient {
  readonly port: number;
  readonly pid: number;
}

/** The listeners and the connected clients of some ports, at one moment. */
export interface PortState {
  readonly listeners: readonly Listener[];
  readonly clients: readonly PortClient[];
}

/** Reads the listening ports of a system. Never connects to a port. */
export interface ListenerTable {
  /** For messages: 'proc', 'lsof', 'windows'. */
  readonly source: string;
  /** Reads the state of these ports. Undefined when the system gives no answer. */
  read(ports: ReadonlySet<number>): Promise<PortState | undefined>;
}
