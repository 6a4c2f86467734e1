import { keepOnly } from '../base/keepOnly.ts';
import type { ProcessIdentity } from '../model/process.ts';
import { createListenerTable } from '../process/createListenerTable.ts';
import { BootClock, type Clock } from './facts/bootClock.ts';
import { FactStore } from './facts/factStore.ts';
import { ServerLives, type StartedEntry } from './facts/serverLives.ts';
import type { Attributed } from './match/attributeServers.ts';
import { HttpServers } from './ports/httpServers.ts';
import { Beside } from './server/beside.ts';
import { BusyTimes } from './server/busyTimes.ts';
import { Closures, type LoadedPackage } from './server/closures.ts';
import { Containers } from './server/containers.ts';
import { entryKey } from './server/entryChange.ts';
import { ProcessorTimes } from './server/processorTimes.ts';
import { Programs } from './server/programs.ts';
import { ServerOwners } from './server/serverOwners.ts';
import { Sources } from './server/sources.ts';
import type { SurveyOptions } from './surveyor.ts';
import type { RegistryClient } from './updates/registryClient.ts';
import { Respawns } from './updates/respawns.ts';
import { UpdateNotes } from './updates/updateNotes.ts';
import { Updates } from './updates/updates.ts';

/** Facts of processes that are gone are deleted this often. */
const forgetMs = 60_000;

/** The state that a surveyor keeps from one scan to the next. */
export class SurveyState {
  readonly facts: FactStore;
  readonly bootClock: BootClock;
  readonly closures = new Closures();
  readonly owners = new ServerOwners();
  readonly programs = new Programs();
  readonly sources = new Sources();
  readonly respawns = new Respawns();
  readonly processorTimes: ProcessorTimes;
  readonly busyTimes: BusyTimes;
  readonly lives: ServerLives;
  /** By client process and entry. */
  readonly startedEntries = new Map<string, StartedEntry>();
  readonly beside: Beside;
  readonly containers: Containers;
  /** Key of the hashes of entries. */
  readonly entryKey: string;
  /** Newest versions in registries. */
  readonly updates: Updates;
  /** In how many scans each process was seen, by `identityKey`. */
  readonly observations = new Map<string, number>();
  readonly http: HttpServers;
  #forgotAt = 0;

  constructor(options: SurveyOptions, bootId: string, clock: Clock, registry: RegistryClient) {
    const { runDir, platform, home, docker, listeners } = options;
    this.facts = new FactStore(runDir);
    this.bootClock = new BootClock(runDir, bootId, clock);
    this.processorTimes = new ProcessorTimes(this.facts, clock);
    this.busyTimes = new BusyTimes(this.facts, clock);
    this.lives = new ServerLives(this.facts, clock);
    this.beside = new Beside(platform, home);
    this.containers = new Containers(docker);
    this.entryKey = entryKey(runDir);
    this.updates = new Updates(registry, options, new UpdateNotes(runDir));
    this.http = new HttpServers(listeners ?? createListenerTable(platform), runDir);
  }

  /** Begins a scan. */
  look(): void {
    this.bootClock.observe();
    this.facts.look();
    this.programs.look();
    this.beside.look();
  }

  /** The package that a server was loaded from, as it is on disk. @param now epoch ms */
  loadedPackage({ server, detail }: Attributed, now: number): LoadedPackage {
    return this.closures.current(server, detail, now, this.facts.baseline(server.identity)?.ref);
  }

  /** Files whose change makes another scan necessary. */
  watchedFiles(): readonly string[] {
    return [...this.programs.watched(), ...this.sources.watched(), ...this.closures.watchedFiles(), ...this.beside.watched()];
  }

  /** Something changed at a watched path. */
  changed(path: string): void {
    this.closures.changed(path);
    if (this.beside.changed(path)) {
      // A link may lead to another package now, in a directory that no watch covers.
      this.closures.allChanged();
    }
  }

  allChanged(): void {
    this.beside.allChanged();
    this.updates.allChanged();
    this.closures.allChanged();
    this.respawns.allChanged();
    this.containers.allChanged();
  }

  /**
   * Ends a scan: drops the servers and processes that are gone.
   * @param servers `identityKey` of the servers found @param alive `identityKey` of all processes @param now epoch ms
   */
  keep(servers: ReadonlySet<string>, alive: ReadonlySet<string>, here: ProcessIdentity | undefined, now: number): void {
    this.closures.keep(servers);
    this.http.keep(alive);
    this.owners.keep(servers);
    this.processorTimes.keep(servers);
    this.busyTimes.keep(alive);
    this.programs.keep(servers);
    this.sources.keep(servers);
    this.respawns.keep(servers);
    this.beside.keep(servers);
    this.updates.keep(servers);
    keepOnly(this.observations, servers);
    if (here && now - this.#forgotAt > forgetMs) {
      this.#forgotAt = now;
      this.facts.forget(here, alive, now);
    }
  }
}
