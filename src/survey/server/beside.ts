import { isDeepStrictEqual } from 'node:util';
import { keepOnly } from '../../base/keepOnly.ts';
import { t } from '../../base/language/translate.ts';
import { quietMs, startToleranceMs } from '../../diagnosis/stale/baseline.ts';
import { judgeRemovedBeside, judgeReplacedBeside } from '../../diagnosis/stale/replacedBeside.ts';
import type { Finding } from '../../model/finding.ts';
import type { PackageChange } from '../../model/package.ts';
import { identityKey } from '../../model/process.ts';
import type { RunningPackage } from '../../model/snapshot.ts';
import { missingEntryScript, missingModulePython } from '../../package/code/missingEntryScript.ts';
import { freshMs, isSameWay, searchedPaths, type WayState, waySignature, wayState, youngLink } from '../../package/resolve/commandPath.ts';
import { resolveCommand } from '../../package/resolve/resolveCommand.ts';
import { observedLaunch, observedWords } from '../../process/commandline/parseLaunch.ts';
import type { FactStore } from '../facts/factStore.ts';
import type { Attributed } from '../match/attributeServers.ts';
import { isSameCode } from './closures.ts';
import { commandEntries, type Followed, followCommands, held, judgeScripts } from './commandLeads.ts';
import { LeadReader, type PlacedLead } from './leadReader.ts';
import { runningServer, type ServerContext } from './serverContext.ts';
import { installedPackage, namesVersion, type RunningCode, runningCode, samePlace } from './serverVersions.ts';

/** At most this many paths on PATH are watched for all servers together: a program that appears in another one is found within a minute. */
const mostSearched = 256;

interface Kept extends Followed {
  /** The server, its details and its entries when its command was followed. */
  readonly for: readonly unknown[];
  /** The visited paths, as they were. */
  readonly way: WayState;
  /** The paths that were tried on PATH, as they were, and when they were last seen so, epoch ms; 0 when one of `paths` changed since. */
  readonly search: { readonly signature: string; readonly at: number; readonly paths: readonly string[] };
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
  /** What helps where its files are gone, instead of a restart. */
  readonly cure?: Finding['actions'] | undefined;
}

/**
 * Compares the place that the command of each server leads to on this disk now with what it runs. Followed again only when a link, a shim or a version file on the way
 * changed.
 */
export class Beside {
  readonly #platform: NodeJS.Platform;
  readonly #home: string;
  readonly #leads = new LeadReader();
  readonly #kept = new Map<string, Kept>();
  /** The paths on all ways that were looked at in this scan: copies of a server share theirs. Undefined between two scans. */
  #seen: Map<string, string> | undefined;

  constructor(platform: NodeJS.Platform, home: string) {
    this.#platform = platform;
    this.#home = home;
  }

  /** Begins a scan: a path is looked at once in it. */
  look(): void {
    this.#seen = new Map();
  }

  /** @param known the package by the files that the process itself names */
  judge(attributed: Attributed, server: ServerContext, known: RunningPackage | null, facts: FactStore): BesideVerdict {
    if (server.detail.elsewhere !== undefined) {
      return {};
    }
    const { undecided } = attributed;
    const verdict = this.#judge(attributed, server, known, facts);
    return undecided === undefined || verdict.finding || verdict.unknown !== undefined
      ? verdict
      : {
          ...verdict,
          unknown: t('the entry {0} may have started it, and what the command of that entry starts now cannot be read', undecided.name),
        };
  }

  #judge(attributed: Attributed, server: ServerContext, known: RunningPackage | null, facts: FactStore): BesideVerdict {
    const own = runningCode(server, known, facts);
    if (own === undefined) {
      return this.#removedBefore(attributed, server, facts);
    }
    const followed = this.#follow(attributed, server, own);
    const { visited, way, unknown } = followed;
    // Another process may have been started by the entry.
    const running = { ...(followed.running ?? own), ...(attributed.concluded ? { by: 'concluded' as const } : {}) };
    const scripts = judgeScripts(server, followed, running, facts);
    if (scripts) {
      return scripts;
    }
    if (followed.leads.length === 0 && followed.later?.length) {
      return this.#onlyLater(followed, server, running, known);
    }
    if (unknown !== undefined) {
      // Where the version that runs is not known either, that is said already.
      return known?.running == null ? {} : { unknown: t('what its command leads to now is not known: {0}', unknown) };
    }
    const leads = this.#leads.versionsAt(followed.leads, server, running);
    const [first] = leads;
    if (first === undefined) {
      // A formula or an extension may have another name than the package in it, and the old one may be gone.
      return 'unknown' in server.loaded ? this.#removedBefore(attributed, server, facts) : {};
    }
    if (
      leads.slice(1).some(({ version, dependencies }) => version !== first.version || !isDeepStrictEqual(dependencies, first.dependencies))
    ) {
      return { unknown: t('several entries fit it equally, and they lead to different versions') };
    }
    const { changedAt } = way;
    const quietFor = server.now - Math.max(changedAt, first.changedAt);
    if (quietFor >= 0 && quietFor < quietMs) {
      return { askAgainIn: quietMs - quietFor };
    }
    const entryLeads = first.followed === 'entry' ? ({ entryLeads: true } as const) : {};
    if (!isHere(running, first.place)) {
      return this.#compared(server, running, first, { known, changedAt });
    }
    const later = this.#leads.versionsAt(followed.later ?? [], server, running).find(({ place }) => !isHere(running, place));
    const held = later === undefined ? {} : this.#compared(server, running, later, { known, changedAt });
    if (held.finding) {
      return held;
    }
    const switched = this.#switchedBefore(server, known, facts, visited);
    if (switched !== undefined && known?.origin === 'recorded' && known.running !== null) {
      // Which version ran before is known: its record names it.
      return { ...entryLeads, ...this.#compared(server, { ...running, place: switched.path }, first, { known, changedAt }) };
    }
    return switched === undefined || known === null
      ? entryLeads
      : {
          ...entryLeads,
          package: { ...known, running: null },
          unknown: t(
            '{0} was made after it started and before MCP Shepherd first saw it: which version it runs is not known',
            switched.path,
          ),
        };
  }

  /** The client cannot start it again: the version that it keeps on PATH was removed, and only a new session of the client has another one. */
  #onlyLater({ later = [], way }: Kept, server: ServerContext, running: RunningCode, known: RunningPackage | null): BesideVerdict {
    const [lead] = this.#leads.versionsAt(later, server, running);
    const compared = lead && this.#compared(server, running, lead, { known, changedAt: way.changedAt });
    return lead === undefined || compared?.finding ? (compared ?? {}) : { cure: held(lead.followed, server)?.actions };
  }

  #compared(
    server: ServerContext,
    running: RunningCode,
    lead: PlacedLead,
    { known, changedAt }: { readonly known: RunningPackage | null; readonly changedAt: number },
  ): BesideVerdict {
    const { version, place, followed, dependencies } = lead;
    const { ecosystem, name } = running;
    const finding = judgeReplacedBeside({
      ...runningServer(server),
      ...held(followed, server),
      ecosystem,
      name,
      running: { version: running.version, place: running.place, by: running.by },
      leads: { version, place },
      dependencies,
      followed,
      ...(changedAt > 0 ? { changedAt } : {}),
    });
    return finding ? { finding, package: installedPackage(running, version, known), dependencies } : {};
  }

  /** Its script was removed before the first scan. Where its entry leads to another place now, that is the rest of an upgrade. */
  #removedBefore(attributed: Attributed, server: ServerContext, facts: FactStore): BesideVerdict {
    const { row, detail, loaded } = server;
    const script = 'unknown' in loaded ? (missingEntryScript(row, detail) ?? missingModulePython(row, detail)) : undefined;
    const byScript = attributed.launchers.some((launcher) => observedLaunch(launcher).launcher === 'npm-run');
    const followed = script === undefined && !byScript ? undefined : this.#follow(attributed, server, { name: '' });
    const scripts = script === undefined && followed ? judgeScripts(server, followed, undefined, facts) : undefined;
    if (scripts) {
      return scripts;
    }
    const { later = [], way } = followed ?? {};
    const leads = followed?.leads.length ? followed.leads : later;
    const [lead] = leads;
    const reading =
      lead !== undefined && leads.length === 1 && lead.followed !== 'command line' && 'ref' in lead
        ? this.#leads.read(lead.ref, server)
        : undefined;
    const own = reading?.status === 'ok' ? reading.packages[0] : undefined;
    if (script === undefined || lead === undefined || own?.version === undefined || namesVersion(script, own.version)) {
      return {};
    }
    const { ecosystem, name, root, version } = own;
    const { followed: by } = lead;
    const changedAt = way?.changedAt ?? 0;
    const evidence = {
      ...runningServer(server),
      ...held(by, server),
      script,
      name,
      leads: { version, place: root },
      followed: by,
      changedAt,
    };
    return { finding: judgeRemovedBeside(evidence), package: { ecosystem, name, root, running: null, installed: version } };
  }

  /**
   * A link in the path that is newer than the process and older than the first scan. Its target at the start is unknown, unless the process names a path without that
   * link: then the wrapper that started it had followed it.
   */
  #switchedBefore(
    { row, detail, loaded }: ServerContext,
    known: RunningPackage | null,
    facts: FactStore,
    visited: readonly string[],
  ): ReturnType<typeof youngLink> {
    const baseline = facts.baseline(row.identity);
    const settled = baseline?.trust === 'before-start' || (!('unknown' in loaded) && loaded.ref.editable === true);
    const link = settled ? youngLink(visited, row.startedAt + startToleranceMs) : undefined;
    const { cwd, environment } = detail;
    const own = link && resolveCommand({ words: observedWords(row), cwd, environment, platform: this.#platform });
    const direct = own && 'found' in own && 'ref' in own.found && youngLink(own.visited, row.startedAt + startToleranceMs) === undefined;
    return link === undefined || direct === true || known === null || baseline === undefined || link.madeAt > baseline.takenAt
      ? undefined
      : link;
  }

  /** Something changed at a watched path. @returns whether it is on the way of a command */
  changed(path: string): boolean {
    let onTheWay = false;
    for (const [key, kept] of this.#kept) {
      onTheWay ||= kept.visited.includes(path);
      if (kept.search.paths.includes(path)) {
        this.#kept.set(key, { ...kept, search: { ...kept.search, at: 0 } });
      }
    }
    return onTheWay;
  }

  /** Links, shims and version files on the way, and where a program on PATH would come first: their change makes another scan necessary. */
  watched(): string[] {
    const all = [...this.#kept.values()];
    const searched = new Set(all.flatMap(({ search }) => search.paths));
    return [...new Set([...all.flatMap(({ visited }) => visited), ...[...searched].slice(0, mostSearched)])];
  }

  allChanged(): void {
    for (const [key, kept] of this.#kept) {
      // What was on the way stays known.
      this.#kept.set(key, { ...kept, way: { ...kept.way, signature: undefined } });
    }
    this.#leads.doubt();
  }

  keep(alive: ReadonlySet<string>): void {
    keepOnly(this.#kept, alive);
    this.#leads.keep();
    this.#seen = undefined;
  }

  #follow(attributed: Attributed, server: ServerContext, running: Pick<RunningCode, 'name'>): Kept {
    const key = identityKey(server.row.identity);
    // Unchanged details and entries are the same objects in each scan.
    const top = attributed.launchers[0] ?? attributed.server;
    const words = [attributed.server.commandLine, top.commandLine];
    const subject = [running.name, ...words, attributed.outer ?? server.detail, ...commandEntries(attributed)];
    const kept = this.#kept.get(key);
    const plain = kept !== undefined && !kept.searched && kept.unknown === undefined && kept.leads.length > 0;
    if (kept && isSameList(kept.for, subject) && isSameWay(kept.visited, kept.way, server.now, plain, this.#seen)) {
      if (Math.abs(server.now - kept.search.at) < freshMs) {
        return kept;
      }
      if (kept.search.signature === waySignature(kept.tried, this.#seen)) {
        const seen = { ...kept, search: { ...kept.search, at: server.now } };
        this.#kept.set(key, seen);
        return seen;
      }
    }
    const { loaded } = server;
    const led = followCommands(attributed, server, running, { platform: this.#platform, home: this.#home });
    // The reference of what runs is the same object: comparing it costs nothing in later scans, and it is not read a second time.
    const own = (lead: Followed['leads'][number]) =>
      'ref' in lead && !('unknown' in loaded) && isSameCode(lead.ref, loaded.ref) ? { ...lead, ref: loaded.ref } : lead;
    const found = { ...led, leads: led.leads.map(own) };
    // In the middle of an install a link or a shim is missing: what was on the way decides when it is followed again.
    const followed = found.leads.length > 0 ? found : { ...found, visited: [...new Set([...(kept?.visited ?? []), ...found.visited])] };
    const fresh = {
      ...followed,
      for: subject,
      way: wayState(followed.visited, server.now),
      search: { signature: waySignature(followed.tried), at: server.now, paths: searchedPaths(followed.tried) },
    };
    this.#kept.set(key, fresh);
    return fresh;
  }
}

function isSameList(one: readonly unknown[], other: readonly unknown[]): boolean {
  return one.length === other.length && one.every((item, index) => item === other[index]);
}

function isHere(running: RunningCode, other: string): boolean {
  return running.place === other || samePlace(running, other);
}
