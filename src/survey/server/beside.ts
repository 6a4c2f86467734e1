import { dirname } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { keepOnly } from '../../base/keepOnly.ts';
import { quietMs, startToleranceMs } from '../../diagnosis/stale/baseline.ts';
import { type BesideEvidence, judgeReplacedBeside } from '../../diagnosis/stale/replacedBeside.ts';
import type { RawDefinition } from '../../model/definition.ts';
import type { Finding, FindingAction } from '../../model/finding.ts';
import type { ClosureReading, PackageChange, PackageRef } from '../../model/package.ts';
import { identityKey } from '../../model/process.ts';
import type { RunningPackage } from '../../model/snapshot.ts';
import { diffReadings } from '../../package/closureDiff.ts';
import { ClosureReader } from '../../package/closureReader.ts';
import { pnpFile, pnpVersion, yarnArchive } from '../../package/npm/yarnArchive.ts';
import { newestChange, waySignature, youngLink } from '../../package/resolve/commandPath.ts';
import { type ClientCommand, type CommandLead, resolveCommand, standInsOf } from '../../package/resolve/resolveCommand.ts';
import { updatedExtensionFile } from '../../package/resolve/versionManagers.ts';
import { observedWords } from '../../process/commandline/parseLaunch.ts';
import { changeDirection } from '../../version/compareVersions.ts';
import { normalizePythonName } from '../../version/pythonSpec.ts';
import type { FactStore } from '../facts/factStore.ts';
import type { Attributed } from '../match/attributeServers.ts';
import { hasVariable, isAbsolutePath, type VariableValues, wordPattern } from '../match/wordPattern.ts';
import { runningServer, type ServerContext } from './serverContext.ts';
import { type RunningCode, runningCode } from './serverVersions.ts';

/** Followed again after this long, even if nothing on the way changed: a file may have appeared earlier on PATH. */
const freshMs = 60_000;
/** Two changes within one tick of the file system's clock have the same times. */
const unsettledMs = 2_000;

/** The extension that brings a server starts the old version until its window is loaded again. */
const reloadWindow: FindingAction = {
  kind: 'manual',
  step: 'Run "Developer: Reload Window" in the window that started it: until then its extension starts the old version again.',
};

/** Where commands lead, with the versions there. */
interface Lead {
  readonly ref: PackageRef;
  readonly followed: BesideEvidence['followed'];
  /** Known without reading the package: Yarn's map names the archive. */
  readonly inMap?: { readonly version: string; readonly place: string };
}

interface Followed {
  /** Empty when no command leads to a package that can be read. */
  readonly leads: readonly Lead[];
  readonly visited: readonly string[];
}

interface Kept extends Followed {
  readonly for: string;
  readonly at: number;
  /** Of the visited paths; undefined while one of them is too young to be sure of. */
  readonly signature: string | undefined;
}

interface BesideVerdict {
  /** The command of its entry leads to its package: which version a restart starts is a fact of this disk. */
  readonly entryLeads?: true;
  readonly finding?: Finding;
  /** The package with the version that is installed now. */
  readonly package?: RunningPackage;
  /** Dependencies whose version differs between the two places. */
  readonly dependencies?: readonly PackageChange[];
  readonly unknown?: string;
  readonly askAgainIn?: number;
}

/**
 * What the command of each server leads to on this disk now, compared with what it runs. Followed again only when a link, a stand-in or a version file on the way
 * changed.
 */
export class Beside {
  readonly #platform: NodeJS.Platform;
  readonly #home: string;
  readonly #reader = new ClosureReader();
  readonly #kept = new Map<string, Kept>();
  /** When each difference was first seen, epoch ms. */
  readonly #seen = new Map<string, { readonly what: string; readonly at: number }>();
  #readings = new Set<ClosureReading>();

  constructor(platform: NodeJS.Platform, home: string) {
    this.#platform = platform;
    this.#home = home;
  }

  /** @param known the package by the files that the process itself names */
  judge(attributed: Attributed, server: ServerContext, known: RunningPackage | null, facts: FactStore): BesideVerdict {
    const running = runningCode(server, known, facts);
    if (running === undefined || server.detail.elsewhere !== undefined) {
      return {};
    }
    const { leads, visited } = this.#follow(attributed, server, running);
    const found = leads.flatMap((lead) => {
      const one = this.#versionAt(lead, server, running);
      return one ? [one] : [];
    });
    const [first, ...others] = found;
    if (first === undefined) {
      return {};
    }
    if (others.some((other) => other.version !== first.version)) {
      return { unknown: 'several entries fit it equally, and they lead to different versions' };
    }
    const changedAt = newestChange(visited);
    const quietFor = server.now - Math.max(changedAt, first.changedAt);
    if (quietFor >= 0 && quietFor < quietMs) {
      return { askAgainIn: quietMs - quietFor };
    }
    const entryLeads = first.followed === 'entry' ? ({ entryLeads: true } as const) : {};
    if (first.place === running.place || samePlace(running, first.place)) {
      return { ...entryLeads, ...this.#switchedBefore(server, known, facts, visited) };
    }
    const finding = judgeReplacedBeside({
      ...runningServer(server),
      ...(first.followed === 'client' ? { actions: [reloadWindow] } : {}),
      ecosystem: running.ecosystem,
      name: running.name,
      running: { version: running.version, place: running.place, by: running.by },
      leads: { version: first.version, place: first.place },
      dependencies: first.dependencies,
      followed: first.followed,
      ...(changedAt > 0 ? { changedAt } : {}),
      seenAt: this.#firstSeen(identityKey(server.row.identity), `${first.version} ${first.place}`, server.now),
    });
    return finding ? { finding, package: installedPackage(running, first.version, known), dependencies: first.dependencies } : {};
  }

  /** A link in the path that is newer than the process and older than the first scan. Its target at the start is unknown. */
  #switchedBefore(
    { row, loaded }: ServerContext,
    known: RunningPackage | null,
    facts: FactStore,
    visited: readonly string[],
  ): BesideVerdict {
    const baseline = facts.baseline(row.identity);
    const settled = baseline?.trust === 'before-start' || (!('unknown' in loaded) && loaded.ref.editable === true);
    const link = settled ? youngLink(visited, row.startedAt + startToleranceMs) : undefined;
    return link === undefined || known === null || baseline === undefined || link.madeAt > baseline.takenAt
      ? {}
      : {
          package: { ...known, running: null },
          unknown: `${link.path} was made after it started and before MCP Shepherd first saw it: which version it runs is not known`,
        };
  }

  /** Whether a path is on the way of a command. */
  isOnTheWay(path: string): boolean {
    return [...this.#kept.values()].some(({ visited }) => visited.includes(path));
  }

  /** Links, stand-ins and version files on the way: their change makes another scan necessary. */
  watched(): string[] {
    return [...new Set([...this.#kept.values()].flatMap(({ visited }) => visited))];
  }

  allChanged(): void {
    this.#kept.clear();
    this.#reader.doubt();
  }

  keep(alive: ReadonlySet<string>): void {
    keepOnly(this.#kept, alive);
    keepOnly(this.#seen, alive);
    this.#reader.keep(this.#readings);
    this.#readings = new Set();
  }

  #firstSeen(key: string, what: string, now: number): number {
    const known = this.#seen.get(key);
    const at = known?.what === what ? known.at : now;
    this.#seen.set(key, { what, at });
    return at;
  }

  #follow(attributed: Attributed, server: ServerContext, running: RunningCode): Followed {
    const key = identityKey(server.row.identity);
    const entries = attributed.definitions.filter((one) => one.command !== undefined && !attributed.byPort.includes(one));
    const state = JSON.stringify([
      entries.map(({ command, args, cwd, env }) => [command, args, cwd, env.PATH]),
      running.name,
      attributed.outer?.cwd ?? server.detail.cwd,
    ]);
    const kept = this.#kept.get(key);
    if (kept && kept.for === state && server.now - kept.at < freshMs && kept.signature !== undefined) {
      if (kept.signature === waySignature(kept.visited)) {
        return kept;
      }
    }
    const followed = mapLead(server, entries.length > 0) ?? this.#followAgain(attributed, entries, running);
    const settled = server.now - newestChange(followed.visited) > unsettledMs;
    this.#kept.set(key, {
      ...followed,
      for: state,
      at: server.now,
      signature: settled ? waySignature(followed.visited) : undefined,
    });
    return followed;
  }

  #followAgain(attributed: Attributed, entries: readonly RawDefinition[], running: RunningCode): Followed {
    const { server, launchers, detail, outer = detail } = attributed;
    const base = { environment: outer.environment, platform: this.#platform };
    const commands = entries.flatMap((entry): ClientCommand[] => {
      const command = this.#commandOf(entry, outer.cwd);
      return command ? [{ ...base, ...command }] : [];
    });
    if (commands.length > 0) {
      return leadsOf(
        commands.map((command) => resolveCommand(command)),
        'entry',
      );
    }
    const shims = standInsOf(server.argv, running.name).map((path) => ({ ...base, cwd: outer.cwd, words: [path] }));
    const top = launchers[0] ?? server;
    const own: ClientCommand[] = top.argvExact ? [{ ...base, cwd: outer.cwd, words: observedWords(top) }] : [];
    const lists = new Set<string>();
    const updated = own.map((command) => ({ ...command, words: command.words.map((word) => updatedExtensionFile(word, lists) ?? word) }));
    if (lists.size > 0) {
      const { leads, visited } = leadsOf(
        updated.map((command) => resolveCommand(command)),
        'client',
      );
      return { leads, visited: [...visited, ...lists] };
    }
    return leadsOf(
      (shims.length > 0 ? shims : own).map((command) => resolveCommand(command)),
      'command line',
    );
  }

  /** The command of an entry with its known variables filled in. Undefined when the client fills in a part that decides. */
  #commandOf(entry: RawDefinition, cwd: string | undefined): Pick<ClientCommand, 'words' | 'cwd'> | undefined {
    const values: VariableValues = {
      windows: this.#platform === 'win32',
      home: this.#home,
      ...(entry.folder === undefined ? {} : { folder: entry.folder }),
    };
    const [command = '', ...args] = [entry.command ?? '', ...entry.args].map((word) => wordPattern(word, values).text);
    const own = entry.cwd === undefined ? undefined : wordPattern(entry.cwd, values).text;
    // The client resolves a relative directory by rules of its own; the process shows the result.
    return command === '' || hasVariable(command)
      ? undefined
      : { words: [command, ...args], cwd: own !== undefined && isAbsolutePath(own) && !hasVariable(own) ? own : cwd };
  }

  /** The version where a command leads, when that is the package that runs. */
  #versionAt({ ref, followed, inMap }: Lead, server: ServerContext, running: RunningCode) {
    const same = ref.ecosystem === running.ecosystem && plainName(ref) === plainName(running);
    if (!same) {
      return undefined;
    }
    if (inMap) {
      return { ...inMap, followed, dependencies: [], changedAt: 0 };
    }
    const { loaded } = server;
    const reading = 'unknown' in loaded || !isDeepStrictEqual(loaded.ref, ref) ? this.#reader.read(ref, server.now) : loaded.reading;
    this.#readings.add(reading);
    const own = reading.status === 'ok' ? reading.packages[0] : undefined;
    if (reading.status !== 'ok' || own?.version === undefined) {
      return undefined;
    }
    const dependencies = running.packages === undefined ? [] : diffReadings(running.packages, reading).dependencies.filter(isVersionChange);
    return { version: own.version, place: own.root, followed, dependencies, changedAt: reading.changedAt };
  }
}

function isVersionChange({ direction }: PackageChange): boolean {
  return direction === 'upgrade' || direction === 'downgrade' || direction === 'changed';
}

function leadsOf(resolved: readonly CommandLead[], followed: Lead['followed']): Followed {
  return {
    leads: resolved.flatMap((one) => ('found' in one && 'ref' in one.found ? [{ ref: one.found.ref, followed }] : [])),
    visited: [...new Set(resolved.flatMap(({ visited }) => visited))],
  };
}

/** Yarn Plug'n'Play: each start takes the archive that the project's map names. */
function mapLead({ loaded, detail }: ServerContext, byEntry: boolean): Followed | undefined {
  const archive = 'unknown' in loaded ? undefined : yarnArchive(loaded.ref.entry);
  const map = archive === undefined || detail.cwd === undefined ? undefined : pnpFile(detail.cwd);
  if ('unknown' in loaded || archive === undefined || map === undefined) {
    return undefined;
  }
  const version = pnpVersion(map, archive);
  const lead: Lead = { ref: loaded.ref, followed: byEntry ? 'entry' : 'command line', inMap: { version: version ?? '', place: map } };
  return { leads: version === undefined ? [] : [lead], visited: [map] };
}

/** Python's metadata directories have the version in their names: in one site directory, another name is an upgrade in place. */
function samePlace({ ecosystem, place }: RunningCode, other: string): boolean {
  return ecosystem === 'python' && dirname(place) === dirname(other);
}

function installedPackage(running: RunningCode, installed: string, known: RunningPackage | null): RunningPackage {
  const { ecosystem, name, version, place } = running;
  const direction = changeDirection(ecosystem, version, installed);
  return {
    ...(known ?? { ecosystem, name, root: place }),
    running: version,
    installed,
    ...(direction === undefined ? {} : { direction }),
  };
}

function plainName({ ecosystem, name }: Pick<RunningCode, 'ecosystem' | 'name'>): string {
  return ecosystem === 'python' ? normalizePythonName(name) : name;
}
