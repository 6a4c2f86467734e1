import type { Disposable } from '../base/disposable.ts';
import type { Log } from '../base/log.ts';
import type { ConfigReading } from '../config/discovery/discoverDefinitions.ts';
import type { ClientId, RawDefinition } from '../model/definition.ts';
import type { ProcessTable } from '../model/process.ts';
import type { Snapshot } from '../model/snapshot.ts';
import type { RunDocker } from '../process/dockerImages.ts';
import type { ListenerTable } from '../process/listenerTable.ts';
import type { Redactor } from '../redaction/redactor.ts';
import type { Clock } from './facts/bootClock.ts';
import type { RegistryMode } from './updates/registryClient.ts';
import type { WatchTarget } from './watch/fileWatch.ts';

export interface SurveyOptions {
  readonly home: string;
  readonly platform: NodeJS.Platform;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** The run folder (`runDirFor`). */
  readonly runDir: string;
  /** Workspace folders or the working directory; their parents are searched too. */
  readonly folders: readonly string[];
  /** `User` folders of VS Code that the extension knows and the file system does not tell. */
  readonly vscodeUserDirs: readonly string[];
  readonly workspaceFiles?: readonly string[];
  /** Entries that no file holds: what somebody said on the command line. */
  readonly entries?: readonly RawDefinition[];
  readonly log: Log;
  /** Whether registries may be asked for newer versions, at each look. Default: nothing goes on line, and nothing is said of updates. */
  readonly registry?: () => RegistryMode;
  /** For those who have one already. */
  readonly table?: ProcessTable;
  /** Replaced in tests only. */
  readonly clock?: Clock;
  /** For one question to a registry, ms; default 2,000. */
  readonly registryLimitMs?: number;
  readonly docker?: RunDocker;
  readonly listeners?: ListenerTable;
}

/** What was looked at, for `doctor`. */
export interface SurveyReport {
  readonly processSource: string;
  readonly processCount: number;
  readonly bootId: string;
  readonly pidNamespace: string;
  readonly folders: readonly string[];
  /** Every configuration file that was looked for, with the id of the client whose file it is. */
  readonly files: ConfigReading['looked'];
  /** Every client that has files at all. */
  readonly clients: readonly { readonly id: string; readonly name: string }[];
}

/** Looks at the machine and says what is there: the one place where configuration, processes, packages and facts are joined. */
export interface Surveyor {
  /** One complete look. @throws when the system gives no process list */
  survey(): Promise<Snapshot>;
  /** Milliseconds after which the last survey's answer may change without any event; undefined = never. */
  askAgainIn(): number | undefined;
  /** Whether processes came or went since the last survey, or began to listen where an entry reaches them; costs one list of PIDs. */
  processesChanged(): Promise<boolean>;
  /** Files and directories whose change makes a new survey worth while. */
  watched(): readonly WatchTarget[];
  /** Something changed at this path: it is read again at the next survey. */
  changed(path: string): void;
  /** Everything is read again at the next survey. */
  allChanged(): void;
  setFolders(folders: readonly string[], workspaceFiles?: readonly string[]): void;
  /** Clears a little of what dead servers left in the lock protocol's folder. For those who watch; never in the way of a survey. @throws on I/O errors */
  tidy(): Promise<void>;
  /** Done when no registry is being asked any more; undefined when none is. No survey ever waits for it. */
  asking(): Promise<void> | undefined;
  /** A registry has answered: another survey says more. */
  onAnswer(listener: () => void): Disposable;
  /** Of the last survey. */
  report(): SurveyReport;
  /** An entry of the last survey with everything that its file says of it. It holds secrets: never to be shown, logged or stored. */
  definition(id: string): RawDefinition | undefined;
  /** Clients that ran at the last survey, with the PIDs of their processes. */
  running(): ReadonlyMap<ClientId, readonly number[]>;
  /** Hides the secrets of all entries of the last survey. */
  redactor(): Redactor;
  dispose(): void;
}
