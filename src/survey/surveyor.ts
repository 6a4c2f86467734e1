import { clientTable } from '../config/clients.ts';
import { type ConfigReading, discoverDefinitions } from '../config/discover.ts';
import { judgeDuplicates } from '../diagnosis/duplicates.ts';
import type { RunDocker } from '../process/dockerImages.ts';
import { createListenerTable, type ListenerTable } from '../process/listeners.ts';
import { processTree } from '../process/processTree.ts';
import { createProcessTable } from '../process/table.ts';
import type { ClientId, RawDefinition } from '../types/definition.ts';
import type { Disposable } from '../types/disposable.ts';
import type { Log } from '../types/log.ts';
import type { Problem } from '../types/problem.ts';
import { identityKey, type ProcessDetail, type ProcessIdentity, type ProcessRow, type ProcessTable } from '../types/process.ts';
import { createRedactor, type Redactor, redactDefinition } from '../types/redaction.ts';
import { type Snapshot, snapshotSchema } from '../types/snapshot.ts';
import { type Attributed, attribute } from './attribution.ts';
import { BootClock, type Clock, systemClock } from './bootClock.ts';
import { Closures, type PackageSight } from './closures.ts';
import { Containers } from './containers.ts';
import { entryKey } from './entryPrint.ts';
import { FactStore } from './factStore.ts';
import { fileRedactor } from './fileRedactor.ts';
import type { WatchTarget } from './fileWatch.ts';
import { isGuarded, missingLaunchers } from './guarded.ts';
import { type HttpLook, HttpServers } from './httpServers.ts';
import { clientName } from './instances.ts';
import { LockFacts } from './lockFacts.ts';
import { readNpxPackages } from './npxPackages.ts';
import { isServer, type Memory, observeServer, type ServerObservation } from './observation.ts';
import { Owners } from './owner.ts';
import { joinPorts, listeningEntries } from './portJoin.ts';
import { Programs } from './programs.ts';
import { RegistryDesk, type RegistryMode } from './registryDesk.ts';
import { Respawns } from './respawns.ts';
import { runningClients } from './runningClients.ts';
import { Sources } from './sources.ts';
import { UpdateNotes } from './updateNotes.ts';
import { Updates } from './updates.ts';
import { openWindows } from './windows.ts';

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
  /** Replaced in tests only. */
  readonly clock?: Clock;
  /** For one question to a registry, ms; default 2,000. */
  readonly registryLimitMs?: number;
  readonly table?: ProcessTable;
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

/** Facts of processes that are gone are cleared away this often. */
const forgetMs = 60_000;

/** @throws when the system has no process table we can read */
export async function createSurveyor(options: SurveyOptions): Promise<Surveyor> {
  const table = options.table ?? (await createProcessTable(options.platform));
  return new MachineSurveyor(options, table);
}

class MachineSurveyor implements Surveyor {
  readonly #options: SurveyOptions;
  readonly #table: ProcessTable;
  readonly #clock: Clock;
  readonly #locks: LockFacts;
  #folders: readonly string[];
  #workspaceFiles: readonly string[];
  #memory: Memory | undefined;
  #config: ConfigReading | undefined;
  /** What the configuration was read for; other roots mean another reading. */
  #configKey = '';
  /** Directories of running servers and clients: where their projects' files are. */
  #workingDirs: ReadonlySet<string> = new Set();
  #pids: ReadonlySet<number> = new Set();
  #askAgainIn: number | undefined;
  #rows: readonly ProcessRow[] = [];
  #forgotAt = 0;
  readonly #desk: RegistryDesk;

  constructor(options: SurveyOptions, table: ProcessTable) {
    this.#options = options;
    this.#table = table;
    this.#clock = options.clock ?? systemClock;
    this.#folders = options.folders;
    this.#workspaceFiles = options.workspaceFiles ?? [];
    this.#locks = new LockFacts(options.runDir);
    const { runDir, log, registry = () => 'off', registryLimitMs } = options;
    this.#desk = new RegistryDesk({
      runDir,
      log,
      mode: registry,
      now: () => this.#clock.now(),
      ...(registryLimitMs === undefined ? {} : { limitMs: registryLimitMs }),
    });
  }

  async survey(): Promise<Snapshot> {
    // Before the processes: one that starts between the two must not look dead.
    this.#locks.read();
    const rows = await this.#table.list();
    const now = this.#clock.now();
    this.#rows = rows;
    this.#pids = new Set(rows.map((row) => row.pid));
    const memory = this.#remember(rows);
    memory.bootClock.observe();

    const details = new Map<string, Promise<ProcessDetail>>();
    const detail = (row: ProcessRow): Promise<ProcessDetail> => {
      const key = identityKey(row.identity);
      const known = details.get(key) ?? this.#table.detail(row);
      details.set(key, known);
      return known;
    };

    let config = await this.#readConfig(rows);
    const { home, platform } = this.#options;
    const withEntry = memory.facts.known('entry');
    const remembered = (identity: ProcessIdentity): string | undefined =>
      withEntry.has(identityKey(identity)) ? memory.facts.fact(identity, 'entry')?.definition : undefined;
    const processes = processTree(rows);
    const matching = { home, platform, npxPackages: readNpxPackages, remembered };
    const find = async (): Promise<{ readonly found: readonly Attributed[]; readonly http: HttpLook }> => {
      const http = await memory.http.look(config.definitions, processes);
      return { http, found: await attribute(rows, config.definitions, detail, { ...matching, listening: listeningEntries(http) }) };
    };
    let seen = await find();
    if (await this.#learnWorkingDirs(seen.found, detail)) {
      config = await this.#readConfig(rows);
      seen = await find();
    }

    const redactor = createRedactor(config.definitions.flatMap((item) => item.secrets));
    const problems: Problem[] = [...config.problems, ...missingLaunchers(config.definitions)];
    const observed: ServerObservation[] = [];
    const sight = ({ server, detail: known }: Attributed): PackageSight =>
      memory.closures.sight(server, known, now, memory.facts.baseline(server.identity)?.ref);
    const joined = await joinPorts(seen.http, seen.found, { http: memory.http, processes, redactor, sight, now });
    const { ports, states, findings } = joined;
    const running = joined.attributed.filter((one) => !one.detail.missing.includes('gone'));
    const locks = await this.#locks.look(processes, running);
    problems.push(...locks.problems);
    for (const one of running) {
      try {
        if (isServer(one, memory, now)) {
          const port = ports.get(identityKey(one.server.identity));
          observed.push(observeServer(one, processes, redactor, memory, now, locks.recordsOf(one), port));
        }
      } catch (error) {
        // One server that cannot be judged never hides the others.
        problems.push({ source: 'facts', message: `PID ${one.server.pid} could not be judged: ${redactor.text(String(error))}` });
      }
    }
    const duplicates = judgeDuplicates(
      observed.map((one) => one.copy),
      now,
    );
    const waits = [...observed.map((one) => one.askAgainIn), duplicates.askAgainIn].filter((wait) => wait !== undefined);
    this.#askAgainIn = waits.length === 0 ? undefined : Math.min(...waits);
    this.#forget(new Set(observed.map((one) => one.instance.id)), rows, memory, now);

    const unkept = memory.facts.problem();
    if (unkept) {
      problems.push(unkept);
    }
    const others = locks.others(redactor);
    const conflicts = locks.conflicts(
      observed.map((one) => one.instance),
      redactor,
      now,
    );
    const instances = observed.map(({ instance }) => {
      const more = [duplicates.findings.get(instance.id), conflicts.get(instance.id)].filter((finding) => finding !== undefined);
      return more.length > 0 ? { ...instance, findings: [...instance.findings, ...more] } : instance;
    });
    const clients = new Set([...config.definitions.map((item) => item.client), ...instances.flatMap((item) => item.client?.id ?? [])]);
    return {
      schema: snapshotSchema,
      at: new Date(now).toISOString(),
      clients: [...clients].map((id) => ({ id, name: clientName(id) })),
      definitions: config.definitions.map((raw) => {
        const port = states.get(raw.id);
        return {
          ...redactDefinition(raw, redactor),
          ...(isGuarded(raw) ? { guarded: true } : {}),
          ...(port ? { port } : {}),
          findings: findings.get(raw.id) ?? [],
        };
      }),
      instances,
      ...(others.length === 0 ? {} : { otherHolders: others }),
      problems,
    };
  }

  askAgainIn(): number | undefined {
    return this.#askAgainIn;
  }

  async processesChanged(): Promise<boolean> {
    const pids = await this.#table.pids();
    if (await this.#memory?.http.changed()) {
      return true;
    }
    return pids.length !== this.#pids.size || pids.some((pid) => !this.#pids.has(pid));
  }

  watched(): readonly WatchTarget[] {
    const used = [...(this.#memory?.programs.watched() ?? []), ...(this.#memory?.sources.watched() ?? [])];
    const files: WatchTarget[] = [...(this.#config?.candidates ?? []), ...used].map((path) => ({ path, kind: 'file' }));
    const folders: WatchTarget[] = (this.#memory?.closures.watched() ?? []).map((path) => ({ path, kind: 'directory' }));
    return [...files, ...folders, this.#locks.watched()];
  }

  tidy(): Promise<void> {
    return this.#locks.tidy(this.#table);
  }

  changed(path: string): void {
    if (this.#config?.candidates.includes(path)) {
      this.#config = undefined;
    }
    this.#memory?.closures.changed(path);
  }

  allChanged(): void {
    this.#config = undefined;
    this.#memory?.updates?.allChanged();
    this.#memory?.closures.allChanged();
    this.#memory?.respawns.allChanged();
    this.#memory?.containers.allChanged();
  }

  setFolders(folders: readonly string[], workspaceFiles: readonly string[] = []): void {
    this.#folders = folders;
    this.#workspaceFiles = workspaceFiles;
  }

  asking(): Promise<void> | undefined {
    return this.#desk.asking();
  }

  onAnswer(listener: () => void): Disposable {
    return this.#desk.onAnswer(listener);
  }

  report(): SurveyReport {
    const here = this.#rows[0]?.identity;
    return {
      processSource: this.#table.source,
      processCount: this.#rows.length,
      bootId: here?.bootId ?? '',
      pidNamespace: here?.pidNamespace ?? '',
      folders: this.#config?.folders ?? [],
      files: this.#config?.looked ?? [],
      clients: clientTable.filter((row) => row.files.length > 0).map(({ id, name }) => ({ id, name })),
    };
  }

  definition(id: string): RawDefinition | undefined {
    return this.#config?.definitions.find((definition) => definition.id === id);
  }

  running(): ReadonlyMap<ClientId, readonly number[]> {
    return runningClients(this.#rows);
  }

  redactor(): Redactor {
    return fileRedactor(this.#config?.definitions ?? []);
  }

  dispose(): void {
    this.#desk.dispose();
    this.#config = undefined;
    this.#memory = undefined;
  }

  #remember(rows: readonly ProcessRow[]): Memory {
    this.#memory ??= {
      facts: new FactStore(this.#options.runDir),
      bootClock: new BootClock(this.#options.runDir, rows[0]?.identity.bootId ?? '', this.#clock),
      closures: new Closures(),
      owners: new Owners(),
      programs: new Programs(),
      entryKey: entryKey(this.#options.runDir),
      sources: new Sources(),
      respawns: new Respawns(),
      containers: new Containers(this.#options.docker),
      updates: new Updates(this.#desk, this.#options, new UpdateNotes(this.#options.runDir)),
      observations: new Map(),
      http: new HttpServers(this.#options.listeners ?? createListenerTable(this.#options.platform), this.#options.runDir),
    };
    return this.#memory;
  }

  async #readConfig(rows: readonly ProcessRow[]): Promise<ConfigReading> {
    const { home, platform, env, runDir, vscodeUserDirs } = this.#options;
    const here = rows[0]?.identity ?? { bootId: '', pidNamespace: '' };
    const windows = await openWindows(runDir, here, (identity) => this.#table.isAlive(identity));
    const folders = unique([...this.#folders, ...windows.flatMap((window) => window.folders), ...this.#workingDirs]);
    const userDirs = unique([...vscodeUserDirs, ...windows.flatMap((window) => window.userDirs)]);
    const workspaceFiles = unique([...this.#workspaceFiles, ...windows.flatMap((window) => window.workspaceFiles)]);
    const key = JSON.stringify([folders, userDirs, workspaceFiles]);
    if (!this.#config || key !== this.#configKey) {
      const reading = await discoverDefinitions({ home, platform, env, folders, vscodeUserDirs: userDirs, workspaceFiles });
      this.#config = { ...reading, definitions: [...reading.definitions, ...(this.#options.entries ?? [])] };
      this.#configKey = key;
    }
    return this.#config;
  }

  /** @returns whether there are directories that the configuration was not read for */
  async #learnWorkingDirs(attributed: readonly Attributed[], detail: (row: ProcessRow) => Promise<ProcessDetail>): Promise<boolean> {
    const found = new Set<string>();
    for (const one of attributed) {
      for (const { cwd } of one.client ? [one.detail, await detail(one.client.row)] : [one.detail]) {
        if (cwd !== undefined && cwd !== '/') {
          found.add(cwd);
        }
      }
    }
    const fresh = [...found].some((folder) => !this.#workingDirs.has(folder));
    this.#workingDirs = found;
    return fresh;
  }

  #forget(alive: ReadonlySet<string>, rows: readonly ProcessRow[], memory: Memory, now: number): void {
    memory.closures.keep(alive);
    memory.http.keep(new Set(rows.map((row) => identityKey(row.identity))));
    memory.owners.keep(alive);
    memory.programs.keep(alive);
    memory.sources.keep(alive);
    memory.respawns.keep(alive);
    memory.updates?.keep(alive);
    for (const key of memory.observations.keys()) {
      if (!alive.has(key)) {
        memory.observations.delete(key);
      }
    }
    const here = rows[0]?.identity;
    if (here && now - this.#forgotAt > forgetMs) {
      this.#forgotAt = now;
      memory.facts.forget(here, new Set(rows.map((row) => identityKey(row.identity))), now);
    }
  }
}

function unique(values: readonly string[]): string[] {
  return [...new Set(values)];
}
