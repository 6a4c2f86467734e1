import type { Disposable } from '../base/disposable.ts';
import type { Log } from '../base/log.ts';
import type { LookedFile } from '../config/discovery/discoverDefinitions.ts';
import type { RunawayLimits } from '../diagnosis/runaway.ts';
import type { ClientId, RawDefinition } from '../model/definition.ts';
import type { ListenerTable, ProcessTable } from '../model/process.ts';
import type { Snapshot } from '../model/snapshot.ts';
import type { RunDocker } from '../process/dockerImages.ts';
import type { Redactor } from '../redaction/redactor.ts';
import type { Clock } from './facts/bootClock.ts';
import type { RegistryMode } from './updates/registryClient.ts';
import type { WatchTarget } from './watch/fileWatch.ts';

/** From which number of idle copies of one entry under one client, or from which memory of them, on they count for the badge and for `--check`. */
export interface CopyLimits {
  readonly copies: number;
  readonly memoryBytes: number;
}

export const usualCopyLimits: CopyLimits = { copies: 10, memoryBytes: 1024 ** 3 };

/** From where on a server that is started again and again, or that uses a core or much memory, is a finding. */
export interface LoadLimits extends RunawayLimits {
  /** So many starts within ten minutes. */
  readonly starts: number;
}

export const usualLoadLimits: LoadLimits = { starts: 5, busyMs: 600_000, grownBytes: 500 * 1024 ** 2 };

export interface SurveyOptions {
  readonly home: string;
  readonly platform: NodeJS.Platform;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** The run folder (`runDirFor`). */
  readonly runDir: string;
  /** Workspace folders or the working directory; their parents are searched too. */
  readonly folders: readonly string[];
  /** `User` folders of VS Code that only the extension knows. */
  readonly vscodeUserDirs: readonly string[];
  readonly workspaceFiles?: readonly string[];
  /** These folders are those of a window in Restricted Mode: no registry is asked for servers that run there or have settings from there. */
  readonly restricted?: boolean;
  /** Entries from the command line, in addition to those in files. */
  readonly entries?: readonly RawDefinition[];
  readonly log: Log;
  /** Whether registries may be asked for newer versions; called in each scan. Default: no registry is asked, and no updates are reported. */
  readonly registry?: () => RegistryMode;
  /** From where on idle copies count; called in each scan. Default: `usualCopyLimits`. */
  readonly copyLimits?: () => CopyLimits;
  /** Entries are judged as their files have them. `terminal`: this program has the environment of a shell; `window`: of an editor. */
  readonly health?: 'terminal' | 'window';
  /** Called in each scan. Default: `usualLoadLimits`. */
  readonly loadLimits?: () => LoadLimits;
  /** Default: the table of this system. */
  readonly table?: ProcessTable;
  /** Tests replace it. */
  readonly clock?: Clock;
  /** For one question to a registry, ms; default 2,000. */
  readonly registryLimitMs?: number;
  readonly docker?: RunDocker;
  readonly listeners?: ListenerTable;
}

/** The sources that a scan read, for `doctor`. */
export interface SurveyReport {
  readonly processSource: string;
  readonly processCount: number;
  readonly bootId: string;
  readonly pidNamespace: string;
  readonly folders: readonly string[];
  /** Every configuration file that was searched for, with the id of its client. */
  readonly files: readonly LookedFile[];
  /** Every client with configuration files; `present`: it was installed or used on this machine. */
  readonly clients: readonly { readonly id: string; readonly name: string; readonly present: boolean }[];
}

/** Scans the machine: joins configuration, processes, packages and stored facts to a snapshot. */
export interface Surveyor {
  /** One scan. @throws when the system gives no process list */
  survey(): Promise<Snapshot>;
  /** Milliseconds after which the result of the last scan may change without any event; undefined = never. */
  askAgainIn(): number | undefined;
  /** Whether since the last scan a process that matters started or ended, or a listener at an entry's port changed; costs one list of PIDs. */
  processesChanged(): Promise<boolean>;
  /** Files and directories whose change makes another scan necessary. */
  watched(): readonly WatchTarget[];
  /** Something changed at this path: the next scan reads it again. */
  changed(path: string): void;
  /** The next scan reads everything again. */
  allChanged(): void;
  setFolders(folders: readonly string[], workspaceFiles?: readonly string[], restricted?: boolean): void;
  /** Deletes some of the records of dead servers in the folder of the lock protocol. Called by live surveys, never within a scan. @throws on I/O errors */
  tidy(): Promise<void>;
  /** Resolves when all requests to registries have ended; undefined when there is none. No scan waits for it. */
  asking(): Promise<void> | undefined;
  /** Called when a registry has answered: another scan shows more. */
  onAnswer(listener: () => void): Disposable;
  /** About the last scan. */
  report(): SurveyReport;
  /** An entry of the last scan as its file has it. It holds secrets: never show, log or store it. */
  definition(id: string): RawDefinition | undefined;
  /** Clients that ran in the last scan, with the PIDs of their processes. */
  running(): ReadonlyMap<ClientId, readonly number[]>;
  /** Redacts the secrets of all entries of the last scan. */
  redactor(): Redactor;
  dispose(): void;
}
