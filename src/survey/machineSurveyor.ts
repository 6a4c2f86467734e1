import { clientTable } from '../config/clients.ts';
import { type ConfigReading, discoverDefinitions } from '../config/discover.ts';
import { judgeDuplicates } from '../diagnosis/duplicates.ts';
import { createListenerTable } from '../process/listeners.ts';
import { processTree } from '../process/processTree.ts';
import type { ClientId, RawDefinition } from '../types/definition.ts';
import type { Disposable } from '../types/disposable.ts';
import type { Problem } from '../types/problem.ts';
import { identityKey, type ProcessDetail, type ProcessIdentity, type ProcessRow, type ProcessTable } from '../types/process.ts';
import { createRedactor, type Redactor, redactDefinition } from '../types/redaction.ts';
import { type Snapshot, snapshotSchema } from '../types/snapshot.ts';
import { type Attributed, attribute } from './attribution.ts';
import { BootClock, type Clock, systemClock } from './bootClock.ts';
import { Closures, type PackageSight } from './closures.ts';
import { Containers } from './containers.ts';
import { DetailCache } from './detailCache.ts';
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
import { PidWatch } from './pidWatch.ts';
import { joinPorts, listeningEntries } from './portJoin.ts';
import { interestIn } from './processInterest.ts';
import { Programs } from './programs.ts';
import { RegistryDesk } from './registryDesk.ts';
import { Respawns } from './respawns.ts';
import { runningClients } from './runningClients.ts';
import { Sources } from './sources.ts';
import type { SurveyOptions, Surveyor, SurveyReport } from './surveyor.ts';
import { UpdateNotes } from './updateNotes.ts';
import { Updates } from './updates.ts';
import { openWindows, windowsFolder } from './windows.ts';
import { workingDirs } from './workingDirs.ts';

/** Facts of processes that are gone are cleared away this often. */
const forgetMs = 60_000;

/** The surveyor of the machine it runs on; `createSurveyor` makes it. */
export class MachineSurveyor implements Surveyor {
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
  readonly #pidWatch: PidWatch;
  #askAgainIn: number | undefined;
  #rows: readonly ProcessRow[] = [];
  #forgotAt = 0;
  readonly #desk: RegistryDesk;
  readonly #details = new DetailCache();

  constructor(options: SurveyOptions, table: ProcessTable) {
    this.#options = options;
    this.#table = table;
    this.#pidWatch = new PidWatch(table);
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
    const memory = this.#remember(rows);
    memory.bootClock.observe();

    const detail = this.#details.reader(rows, (row) => this.#table.detail(row));
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
    this.#pidWatch.seen(rows, interestIn(rows, config.definitions, observed), now);
    const unowned = observed.filter((one) => one.instance.client === null).map((one) => one.instance.id);
    this.#details.keep(new Set(rows.map((row) => identityKey(row.identity))), new Set(unowned));

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
    return (await this.#pidWatch.changed(this.#clock.now())) || ((await this.#memory?.http.changed()) ?? false);
  }

  watched(): readonly WatchTarget[] {
    const used = [...(this.#memory?.programs.watched() ?? []), ...(this.#memory?.sources.watched() ?? [])];
    const files: WatchTarget[] = [...(this.#config?.candidates ?? []), ...used].map((path) => ({ path, kind: 'file' }));
    const folders: WatchTarget[] = (this.#memory?.closures.watched() ?? []).map((path) => ({ path, kind: 'directory' }));
    // Other windows come and go, and bring their folders.
    const windows: WatchTarget = { path: windowsFolder(this.#options.runDir), kind: 'directory' };
    return [...files, ...folders, windows, this.#locks.watched()];
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
    const found = await workingDirs(attributed, detail);
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
