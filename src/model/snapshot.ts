import type { ClientId, Definition } from './definition.ts';
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
  /** What became of this package since the start; absent when it is the same, or not known. */
  readonly direction?: PackageChange['direction'];
  /** `recorded`: the server or its guard recorded what was loaded. Absent: concluded from the files on disk while it ran. */
  readonly origin?: 'recorded';
  /** Newest version in its registry that fits this installation; absent when it is not known. */
  readonly latest?: string;
}

/** What a server, or its guard, published in the folder of the lock protocol. A hint: it is not taken as proof. */
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
  /** When it was last called; RFC 3339. */
  readonly idleSince?: string;
  /** Why the guard has no server, or why its last restart failed. */
  readonly problem?: string;
  /** Calls that the guard answered itself: how many, why the last one, and when (RFC 3339). */
  readonly refused?: { readonly calls: number; readonly last: string; readonly at: string };
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
  /** It runs behind our guard. */
  readonly guarded?: true;
  readonly package: RunningPackage | null;
  /** Why `package` or its versions are unknown, for a person; absent when all is known. */
  readonly unknown?: string;
  /** What it, or its guard, published; absent when neither did. */
  readonly record?: ServerRecord;
  readonly changedDependencies: readonly PackageChange[];
  /** Resident memory of the whole tree (launchers and children included), bytes. */
  readonly memoryBytes: number;
  /** Since when it and the processes below it used no processor time worth counting; absent when that is less than an hour, or not known. ISO 8601. */
  readonly idleSince?: string;
  /** All PIDs of the tree, server first. */
  readonly tree: readonly number[];
  /** HTTP servers whose port an entry names. */
  readonly listens?: ListeningPort;
  /** HTTP servers: the programs of this machine that are connected to the port now. */
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
    readonly trust: 'before-start' | 'around-start' | 'after-start';
    readonly packages: number;
    /** A file of them that was written between the start and the record. */
    readonly written?: string;
    /** The file that holds it. */
    readonly record: string;
  } | null;
  /** What else was recorded of the process and is compared with what is there now. */
  readonly compared: readonly {
    readonly what: string;
    /** ISO 8601. */
    readonly recordedAt: string;
  }[];
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
  readonly otherHolders?: readonly OtherHolder[];
  readonly problems: readonly Problem[];
}
