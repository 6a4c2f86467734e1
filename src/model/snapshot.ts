import type { ClientId, Definition } from './definition.ts';
import type { HealthNote } from './entryHealth.ts';
import type { Confidence, Finding } from './finding.ts';
import type { Ecosystem, PackageChange } from './package.ts';
import type { Problem } from './problem.ts';

/** Version of the snapshot's shape; `schema/snapshot.schema.json` describes it. */
export const snapshotSchema = 1;

/** A client as one running process (a VS Code window's extension host, a Claude Code session). */
export interface ClientInstance {
  readonly id: ClientId;
  readonly name: string;
  readonly pid: number;
  /** The text of `identityKey`. */
  readonly identity: string;
}

export interface Launcher {
  readonly pid: number;
  /** `npm exec`, `npx`, `sh`, `uv`, … */
  readonly kind: string;
  /** Redacted command line. */
  readonly command: string;
}

export interface RunningPackage {
  readonly ecosystem: Ecosystem;
  readonly name: string;
  /** Directory of the environment. */
  readonly root: string;
  /** Version at the instance's start; null when unknown. */
  readonly running: string | null;
  /** Version on disk now; null when unknown or gone. */
  readonly installed: string | null;
  /** The change of this package since the start; absent when it is the same, or not known. */
  readonly direction?: PackageChange['direction'];
  /** `recorded`: the server or its guard recorded what was loaded. Absent: concluded from the files on disk while it ran. */
  readonly origin?: 'recorded';
  /** Newest version in its registry that fits this installation; absent when it is not known. */
  readonly latest?: string;
}

/** When the guard of a lazily started server (`--start lazy`) starts it. */
export interface LazyStart {
  /** `not-started`: no call needed it yet; `on-demand`: a call has started it; `at-once`: it was started with the session; `asleep`: ended because it was idle. */
  readonly state: 'not-started' | 'on-demand' | 'at-once' | 'asleep';
  /** Since when it sleeps, RFC 3339. */
  readonly since?: string;
  /** What keeps it awake although no request came for the time of `--sleep-after`. */
  readonly awake?: string;
  /** What needed it, or why it was started with the session. */
  readonly why?: string;
  /** Earlier sessions that ended without a start. */
  readonly spared: number;
  /** Resident memory of the server after an earlier start; bytes. */
  readonly memoryBytes?: number;
}

/** The record that a server, or its guard, published in the folder of the lock protocol. A hint: it is not taken as proof. */
export interface ServerRecord {
  /** The incarnation; `instances/<id>.json` is its file. */
  readonly id: string;
  readonly serverId: string;
  readonly state: 'starting' | 'running' | 'stopping' | 'compromised';
  /** How the kernel keeps its locks; `none`: other processes are not kept away. */
  readonly exclusion: 'flock' | 'share0' | 'none';
  readonly locks: readonly { readonly key: string; readonly kind: 'path' | 'port' | 'name'; readonly resource: string }[];
  /** Requests that it takes over its control endpoint; empty: it has none. */
  readonly control: readonly string[];
  readonly guardPid?: number;
  /** The guard is a relay: its session runs in the host with this PID. */
  readonly hostPid?: number;
  /** When it was last called; RFC 3339. */
  readonly idleSince?: string;
  /** Why the guard has no server, or why its last restart failed. */
  readonly problem?: string;
  /**
   * Writing calls that passed the guard while the server ran other code than was installed, since the guard started; 0 calls: none did. Absent: no guard compared the code,
   * so that it is not known. Of at most 16 tools the names; no arguments.
   */
  readonly staleWrites?: {
    readonly calls: number;
    readonly from?: string;
    readonly to?: string;
    readonly tools: readonly { readonly name: string; readonly calls: number }[];
  };
  /** Calls that the guard answered itself: how many, why the last one, and when (RFC 3339). */
  readonly refused?: { readonly calls: number; readonly last: string; readonly at: string };
  /** When servers of this guard ended by themselves after they had served, oldest first, and what the last one wrote last to standard error. */
  readonly ends?: {
    readonly last: readonly { readonly at: string; readonly code?: number; readonly signal?: string }[];
    readonly errors: readonly string[];
  };
  /** With `--start lazy`. */
  readonly start?: LazyStart;
  /** Why this client has a server of its own, where several could share one. */
  readonly unshared?: string;
}

/** Where an HTTP server is reached, and what it says of itself. */
interface ListeningPort {
  readonly port: number;
  /** The answer of its `/health`, only where that names a PID of the server itself. The version is what the server says. */
  readonly health?: { readonly status: string; readonly version?: string; readonly started?: string; readonly uptimeSeconds?: number };
}

/** A running program with a record that is no known MCP server. Named because it may hold a lock; never stopped. */
export interface OtherHolder {
  readonly pid: number;
  /** The kernel's short name of its program. */
  readonly program: string;
  readonly record: ServerRecord;
}

/** One running server. */
export interface Instance {
  /** The text of `identityKey`. */
  readonly id: string;
  readonly pid: number;
  /** ISO 8601. */
  readonly startedAt: string;
  /** The definition's name, else the package, else the program. */
  readonly name: string;
  /** Ids of the definitions that it was started from; empty: unconfigured. */
  readonly definitions: readonly string[];
  /** Null when its client has exited or was never known. */
  readonly client: ClientInstance | null;
  /** From the client downwards. */
  readonly launchers: readonly Launcher[];
  /** Redacted command line of the server process. */
  readonly command: string;
  readonly cwd: string | null;
  readonly transport: 'stdio' | 'http' | 'unknown';
  /** Runs on its own on purpose: a listener, a service, a job with its input on the null device. */
  readonly background: boolean;
  /** It runs behind our guard, or is our guard for HTTP. */
  readonly guarded?: true;
  readonly package: RunningPackage | null;
  /** Why `package` or its versions are unknown, for a person; absent when all is known. */
  readonly unknown?: string;
  /** The record that it, or its guard, published; absent when neither did. */
  readonly record?: ServerRecord;
  readonly changedDependencies: readonly PackageChange[];
  /** Resident memory of the whole tree (launchers and children included), bytes. */
  readonly memoryBytes: number;
  /** Since when it and the processes below it used no processor time worth counting; absent when that is less than an hour, or not known. ISO 8601. */
  readonly idleSince?: string;
  /** All PIDs of the tree, server first. */
  readonly tree: readonly number[];
  /** Resident memory of each process of `tree`, in its order, bytes; 0: unknown. */
  readonly treeMemory?: readonly number[];
  /** HTTP servers whose port an entry names. */
  readonly listens?: ListeningPort;
  /** HTTP servers: the programs of this machine that are connected to the port now. A server that several clients share: these clients, each as often as it has it. */
  readonly usedBy?: readonly ClientInstance[];
  readonly findings: readonly Finding[];
  /** How all this is known; for `explain` and the details page. */
  readonly evidence?: InstanceEvidence;
}

/** How the facts of an instance are known, and from which file. Redacted. */
export interface InstanceEvidence {
  /** The first scan on this machine that saw it; ISO 8601. */
  readonly firstSeenAt: string;
  /** The program's file as the kernel names it; null when it cannot be read. */
  readonly program: string | null;
  /** Which parts of the process could not be read, each with the reason. */
  readonly unreadable: readonly string[];
  readonly match: {
    /** How sure the entry is; `unknown` when there is none. */
    readonly confidence: Confidence;
    readonly why: readonly string[];
  };
  /** Null when no package was found; `Instance.unknown` says why. */
  readonly source: {
    /** Where the code begins: the script, or what `-m` loads. Absolute. */
    readonly entry: string;
    /** How the package was found, for a person. */
    readonly how: string;
    /** The source is used in place. */
    readonly editable: boolean;
    /** The file that names the own package's version; null when it could not be read. */
    readonly metadata: string | null;
    /** How many packages of the closure were read. */
    readonly packages: number;
  } | null;
  /** The packages as first seen while the process ran, and how far they are trusted to be what it loaded. Null as long as none could be recorded. */
  readonly baseline: {
    /** ISO 8601. */
    readonly takenAt: string;
    readonly trust: 'before-start' | 'around-start' | 'after-start' | 'concluded';
    readonly packages: number;
    /** A file of them that was written between the start and the record. */
    readonly written?: string;
    /** The file that holds it. */
    readonly record: string;
  } | null;
  /** The other recorded facts of the process that are compared with the present ones. */
  readonly compared: readonly {
    readonly what: string;
    /** ISO 8601. */
    readonly recordedAt: string;
  }[];
}

/** A guard that answers its client and has not started the server, or has put it to sleep. */
export interface NotStarted {
  readonly guardPid: number;
  /** The definition's name, else the name in the record. */
  readonly name: string;
  /** Ids of the definitions that the guard was started from. */
  readonly definitions: readonly string[];
  /** Null when it is not known. */
  readonly client: ClientInstance | null;
  readonly record: ServerRecord;
}

/** A process that runs the guards of relays (`guard --relay`). It is no server; `ServerRecord.hostPid` names it. */
export interface RelayHost {
  readonly pid: number;
  /** ISO 8601. */
  readonly startedAt: string;
  /** Resident, bytes. */
  readonly memoryBytes: number;
}

/** The result of one scan, and the only thing that views read. Plain JSON, redacted. */
export interface Snapshot {
  readonly schema: typeof snapshotSchema;
  /** ISO 8601. */
  readonly at: string;
  readonly clients: readonly { readonly id: ClientId; readonly name: string }[];
  readonly definitions: readonly Definition[];
  readonly instances: readonly Instance[];
  /** Absent when there is none. */
  readonly notStarted?: readonly NotStarted[];
  /** Absent when there is none. */
  readonly hosts?: readonly RelayHost[];
  /** Absent when there is none. */
  readonly otherHolders?: readonly OtherHolder[];
  readonly problems: readonly Problem[];
  /** Remarks about entries as their files have them; only where they were asked for. */
  readonly health?: readonly HealthNote[];
}
