import type { Disposable } from '../base/disposable.ts';
import { clientTable } from '../clients/clientTable.ts';
import { recogniseClient } from '../clients/recogniseClient.ts';
import type { ConfigReading } from '../config/discovery/discoverDefinitions.ts';
import { judgeCopies } from '../diagnosis/copies.ts';
import { judgeDuplicates } from '../diagnosis/duplicates.ts';
import type { ClientId, RawDefinition } from '../model/definition.ts';
import { identityKey, type ProcessIdentity, type ProcessRow, type ProcessTable } from '../model/process.ts';
import type { Instance, Snapshot } from '../model/snapshot.ts';
import { createProcessTable } from '../process/createProcessTable.ts';
import { type ProcessTree, processTree } from '../process/tree/processTree.ts';
import { fileRedactor, redactorOf } from '../redaction/definitionRedactor.ts';
import type { Redactor } from '../redaction/redactor.ts';
import { stateRefusal } from '../storage/privateFolder.ts';
import { assembleSnapshot } from './assembleSnapshot.ts';
import { buildInstances, type ServerObservation } from './buildInstances.ts';
import { Configuration } from './configuration.ts';
import { type Clock, systemClock } from './facts/bootClock.ts';
import { windowsFolder } from './facts/windows.ts';
import { HealthReader } from './health/healthReader.ts';
import { judgeLoad } from './judgeLoad.ts';
import { type Attributed, attributeServers } from './match/attributeServers.ts';
import { candidateFilter } from './match/candidateFilter.ts';
import { missingLaunchers } from './match/guardedEntries.ts';
import { restingGuards } from './match/restingGuards.ts';
import type { HttpState } from './ports/httpServers.ts';
import { joinPorts, listeningEntries } from './ports/joinPorts.ts';
import { LockFolder } from './records/lockFolder.ts';
import { relayHosts } from './records/relayHosts.ts';
import { DetailCache } from './server/detailCache.ts';
import { type SurveyOptions, type Surveyor, type SurveyReport, usualCopyLimits, usualLoadLimits } from './surveyor.ts';
import { SurveyState } from './surveyState.ts';
import { readNpxPackages } from './updates/npmInstallWay.ts';
import { RegistryClient } from './updates/registryClient.ts';
import type { WatchTarget } from './watch/fileWatch.ts';
import { type Interest, PidWatch } from './watch/pidWatch.ts';

/** The processes whose start or end makes a scan necessary: servers with their trees, clients, and new processes that may be either. */
function interestIn(rows: readonly ProcessRow[], definitions: readonly RawDefinition[], observed: readonly ServerObservation[]): Interest {
  const clients = new Set(rows.filter((row) => recogniseClient(row) !== undefined).map((row) => row.pid));
  const pids = new Set([
    ...clients,
    ...observed.flatMap(({ instance }) => [...instance.tree, ...(instance.client ? [instance.client.pid] : [])]),
  ]);
  const test = candidateFilter(definitions);
  return {
    pids,
    concerns: (row) =>
      test(row) !== undefined ||
      recogniseClient(row) !== undefined ||
      // A server that replaced its command line with a title is recognised only by its parent.
      (clients.has(row.ppid) && row.argv.length < 2),
  };
}

/** The running clients, with the PIDs of their recognised processes. */
function runningClients(rows: readonly ProcessRow[]): Map<ClientId, number[]> {
  const found = new Map<ClientId, number[]>();
  for (const row of rows) {
    const id = recogniseClient(row);
    if (id !== undefined) {
      found.set(id, [...(found.get(id) ?? []), row.pid]);
    }
  }
  return found;
}

/** The surveyor of this machine; `createSurveyor` makes it. */
class MachineSurveyor implements Surveyor {
  readonly #options: SurveyOptions;
  readonly #table: ProcessTable;
  readonly #clock: Clock;
  readonly #locks: LockFolder;
  readonly #config: Configuration;
  readonly #pidWatch: PidWatch;
  readonly #registry: RegistryClient;
  readonly #details = new DetailCache();
  readonly #health: HealthReader | undefined;
  /** Made in the first scan, which reads the boot id. */
  #state: SurveyState | undefined;
  #rows: readonly ProcessRow[] = [];
  #askAgainIn: number | undefined;

  constructor(options: SurveyOptions, table: ProcessTable) {
    this.#options = options;
    this.#table = table;
    this.#pidWatch = new PidWatch(table);
    this.#clock = options.clock ?? systemClock;
    this.#config = new Configuration(options, table);
    this.#locks = new LockFolder(options.runDir);
    const { runDir, log, registry = () => 'off', registryLimitMs, health, home, platform, env } = options;
    this.#health = health && new HealthReader({ home, platform, env, inTerminal: health === 'terminal' });
    this.#registry = new RegistryClient({
      runDir,
      log,
      mode: registry,
      now: () => this.#clock.now(),
      ...(registryLimitMs === undefined ? {} : { limitMs: registryLimitMs }),
    });
  }

  async survey(): Promise<Snapshot> {
    // Before the processes are listed: a process that starts in between must not look dead.
    this.#locks.read();
    const rows = await this.#table.list();
    const now = this.#clock.now();
    this.#rows = rows;
    this.#state ??= new SurveyState(this.#options, rows[0]?.identity.bootId ?? '', this.#clock, this.#registry);
    const state = this.#state;
    state.look();

    const processes = processTree(rows);
    const { config, found, http } = await this.#find(processes, state);
    state.updates.restrict(this.#config.restricted);
    const redactor = redactorOf(config.definitions);
    const ports = await joinPorts(http, found, {
      servers: state.http,
      processes,
      redactor,
      loaded: (one) => state.loadedPackage(one, now),
      now,
    });
    const running = ports.attributed.filter((one) => !one.detail.missing.includes('gone'));
    const locks = await this.#locks.join(processes, running);
    const { observed, problems } = buildInstances(running, {
      processes,
      redactor,
      state,
      now,
      locks,
      ports: ports.ports,
      log: this.#options.log,
    });
    const instances = observed.map((one) => one.instance);
    const living = observed.map((one) => one.copy);
    const duplicates = judgeDuplicates(living, now);
    const copies = judgeCopies(living, duplicates.findings, this.#options.copyLimits?.() ?? usualCopyLimits, now);
    state.processorTimes.record(copies.watched);
    const load = judgeLoad(
      observed,
      processes,
      state,
      { uptime: this.#clock.uptime(), now },
      this.#options.loadLimits?.() ?? usualLoadLimits,
    );
    const waits = [...observed.map((one) => one.askAgainIn), duplicates.askAgainIn, this.#config.askAgainIn()].filter(
      (wait) => wait !== undefined,
    );
    this.#askAgainIn = waits.length === 0 ? undefined : Math.min(...waits);
    this.#pidWatch.seen(rows, interestIn(rows, config.definitions, observed), now);
    this.#keep(rows, instances, state, now);

    const { home, platform } = this.#options;
    const guardDetail = this.#details.reader(rows, (row) => this.#table.detail(row));
    const notStarted = await restingGuards(locks.resting(redactor), processes, config.definitions, guardDetail, {
      home,
      platform,
      redactor,
    });
    return assembleSnapshot(
      {
        definitions: config.definitions,
        ports,
        instances,
        copies: [duplicates.findings, copies.findings, load.instances],
        storms: load.definitions,
        conflicts: locks.conflicts(instances, redactor, now),
        notStarted,
        hosts: relayHosts(rows, this.#options.runDir),
        otherHolders: locks.others(redactor),
        problems: [
          ...config.problems,
          ...missingLaunchers(config.definitions),
          // The state folder's own problem says the same reason.
          ...(locks.refused && locks.refused.reason !== stateRefusal(this.#options.runDir) ? [locks.refused.problem] : []),
          ...locks.problems,
          ...locks.serverless(redactor),
          ...problems,
          ...[state.facts.problem()].filter((problem) => problem !== undefined),
        ],
        health: await this.#health?.read(config.definitions, rows, guardDetail),
        redactor,
      },
      now,
    );
  }

  askAgainIn(): number | undefined {
    return this.#askAgainIn;
  }

  async processesChanged(): Promise<boolean> {
    return (await this.#pidWatch.changed(this.#clock.now())) || ((await this.#state?.http.changed()) ?? false);
  }

  watched(): readonly WatchTarget[] {
    const used = this.#state?.watchedFiles() ?? [];
    const files: WatchTarget[] = [...this.#config.watched(), ...used].map((path) => ({ path, kind: 'file' }));
    const folders: WatchTarget[] = (this.#state?.closures.watched() ?? []).map((path) => ({ path, kind: 'directory' }));
    // Other windows open and close, with their folders.
    const windows: WatchTarget = { path: windowsFolder(this.#options.runDir), kind: 'directory' };
    return [...files, ...folders, windows, this.#locks.watched()];
  }

  tidy(): Promise<void> {
    return this.#locks.tidy(this.#table);
  }

  changed(path: string): void {
    this.#config.changed(path);
    this.#state?.changed(path);
  }

  allChanged(): void {
    this.#config.allChanged();
    this.#state?.allChanged();
  }

  setFolders(folders: readonly string[], workspaceFiles: readonly string[] = [], restricted = false): void {
    this.#config.setFolders(folders, workspaceFiles, restricted);
  }

  asking(): Promise<void> | undefined {
    return this.#registry.asking();
  }

  onAnswer(listener: () => void): Disposable {
    return this.#registry.onAnswer(listener);
  }

  report(): SurveyReport {
    const here = this.#rows[0]?.identity;
    const present = this.#config.last?.present ?? [];
    return {
      processSource: this.#table.source,
      processCount: this.#rows.length,
      bootId: here?.bootId ?? '',
      pidNamespace: here?.pidNamespace ?? '',
      folders: this.#config.last?.folders ?? [],
      files: this.#config.last?.looked() ?? [],
      clients: clientTable.filter((row) => row.files.length > 0).map(({ id, name }) => ({ id, name, present: present.includes(id) })),
    };
  }

  definition(id: string): RawDefinition | undefined {
    return this.#config.current?.definitions.find((definition) => definition.id === id);
  }

  running(): ReadonlyMap<ClientId, readonly number[]> {
    return runningClients(this.#rows);
  }

  redactor(): Redactor {
    return fileRedactor(this.#config.last?.definitions ?? []);
  }

  dispose(): void {
    this.#registry.dispose();
    this.#config.forget();
    this.#state = undefined;
  }

  /** The running servers, matched with the configuration of all folders that they and their clients run in. */
  async #find(
    processes: ProcessTree,
    state: SurveyState,
  ): Promise<{ readonly config: ConfigReading; readonly found: readonly Attributed[]; readonly http: HttpState }> {
    const { rows } = processes;
    const { home, platform } = this.#options;
    const here = rows[0]?.identity ?? { bootId: '', pidNamespace: '' };
    const detail = this.#details.reader(rows, (row) => this.#table.detail(row));
    const withEntry = state.facts.known('entry');
    const remembered = (identity: ProcessIdentity): string | undefined =>
      withEntry.has(identityKey(identity)) ? state.facts.fact(identity, 'entry')?.definition : undefined;
    const relays = await this.#locks.relays(processes);
    const matching = { home, platform, npxPackages: readNpxPackages, remembered, relays };
    const find = async (config: ConfigReading) => {
      const http = await state.http.read(config.definitions, processes);
      const found = await attributeServers(rows, config.definitions, detail, { ...matching, listening: listeningEntries(http) });
      return { config, found, http };
    };
    const seen = await find(await this.#config.read(here));
    return (await this.#config.learn(seen.found, detail)) ? find(await this.#config.read(here)) : seen;
  }

  /** Ends a scan: drops what is kept of processes that have ended. */
  #keep(rows: readonly ProcessRow[], instances: readonly Instance[], state: SurveyState, now: number): void {
    const alive = new Set(rows.map((row) => identityKey(row.identity)));
    state.keep(new Set(instances.map(({ id }) => id)), alive, rows[0]?.identity, now);
    this.#details.keep(alive, new Set(instances.filter(({ client }) => client === null).map(({ id }) => id)));
  }
}

/** @throws when the system has no process table that can be read */
export async function createSurveyor(options: SurveyOptions): Promise<Surveyor> {
  const table = options.table ?? (await createProcessTable(options.platform));
  return new MachineSurveyor(options, table);
}
