import { t, translated } from '../../base/language/translate.ts';
import { clientById } from '../../clients/clientTable.ts';
import { startToleranceMs } from '../../diagnosis/stale/baseline.ts';
import { judgeMissingPackageScript, judgeOtherEntry } from '../../diagnosis/stale/packageScripts.ts';
import type { BesideEvidence } from '../../diagnosis/stale/replacedBeside.ts';
import type { RawDefinition } from '../../model/definition.ts';
import type { Finding } from '../../model/finding.ts';
import type { PackageRef } from '../../model/package.ts';
import { pnpFile, pnpVersion, yarnArchive } from '../../package/npm/yarnArchive.ts';
import { environmentBeforeShims, environmentNow, replacedBundle } from '../../package/resolve/clientHeld.ts';
import { findProgram, followLinks } from '../../package/resolve/commandPath.ts';
import type { PackageScript } from '../../package/resolve/packageScript.ts';
import { type ClientCommand, type CommandLead, resolveCommand, type Searches } from '../../package/resolve/resolveCommand.ts';
import { standInsOf } from '../../package/resolve/shimText.ts';
import { observedWords, parseLaunch } from '../../process/commandline/parseLaunch.ts';
import { statPath } from '../../storage/boundedFile.ts';
import type { FactStore } from '../facts/factStore.ts';
import type { Attributed } from '../match/attributeServers.ts';
import { extensionFolder, hasVariable, isAbsolutePath, namesPluginFolder, type VariableValues, wordPattern } from '../match/wordPattern.ts';
import { lastChange } from '../watch/watchPlan.ts';
import { runningServer, type ServerContext } from './serverContext.ts';
import { comparedName, type RunningCode } from './serverVersions.ts';

/** Where commands lead, with the versions there. */
interface Lead {
  readonly ref: PackageRef;
  readonly followed: BesideEvidence['followed'];
}

/** A version that a list or a map names: the package itself need not be read. */
interface ListedVersion {
  readonly followed: BesideEvidence['followed'];
  readonly version: string;
  readonly place: string;
}

export interface Followed extends Searches {
  /** Empty when no command leads to a package that can be read. */
  readonly leads: readonly (Lead | ListedVersion)[];
  /** Where the same commands lead in a new session of the client, when that is somewhere else. */
  readonly later?: readonly Lead[];
  /** The version that runs, where the path of a client's bundle has it. */
  readonly running?: RunningCode;
  /** Why the target of a command is not known. */
  readonly unknown?: string;
  /** Links, lists, shims and version files on the way. */
  readonly visited: readonly string[];
}

/** The machine on which commands are followed. */
interface Machine {
  readonly platform: NodeJS.Platform;
  readonly home: string;
}

/** The entries that hold the command of a server. */
export function commandEntries({ definitions, byPort }: Attributed): readonly RawDefinition[] {
  return definitions.filter((one) => one.command !== undefined && !byPort.includes(one));
}

/** The places that the command of a server leads to now: of its entries, else of its topmost launcher, else of what its client brought. Reads files and runs nothing. */
export function followCommands(
  attributed: Attributed,
  server: ServerContext,
  running: Pick<RunningCode, 'name'>,
  machine: Machine,
): Followed {
  const entries = commandEntries(attributed);
  const { detail, outer = detail } = attributed;
  const base = { environment: outer.environment, platform: machine.platform };
  const given = ({ env }: RawDefinition) =>
    outer.environment && environmentBeforeShims(outer.environment, attributed.clientEnvironment, env);
  const map = mapLead(server, entries.length > 0);
  if (map) {
    return map;
  }
  const commands = entries.flatMap((entry): ClientCommand[] => {
    const command = commandOf(entry, outer.cwd, machine);
    return command ? [{ ...base, environment: given(entry), ...command }] : [];
  });
  if (commands.length > 0) {
    return withSession(commands, attributed);
  }
  const top = attributed.launchers[0] ?? attributed.server;
  const words = top.argvExact ? observedWords(top) : [];
  const own: ClientCommand[] = words.length === 0 ? [] : [{ ...base, cwd: outer.cwd, words }];
  const bundle = bundleLead(words, detail.cwd, own);
  if (bundle) {
    return bundle;
  }
  const folders = new Set<string>();
  const shims = standInsOf(attributed.server.argv, detail.cwd, running.name, folders).map((path) => ({
    ...base,
    cwd: outer.cwd,
    words: [path],
  }));
  const followed = leadsOf(
    (shims.length > 0 ? shims : own).map((command) => resolveCommand(command)),
    'command line',
  );
  return { ...followed, visited: [...followed.visited, ...folders] };
}

/** The commands of entries, now and in a new session of the client. */
function withSession(commands: readonly ClientCommand[], { server, launchers, client }: Attributed): Followed {
  const resolved = commands.map((command) => resolveCommand(command));
  const now = leadsOf(resolved, 'entry');
  const startedAt = (client?.row ?? launchers[0] ?? server).startedAt;
  const deciding = new Set<string>();
  const versions = new Set<string>();
  const later = commands.flatMap((command, index) => {
    const { tried = [], searched = false } = resolved[index] ?? {};
    // Where nothing was searched for, another PATH leads to the same file.
    const environment = tried.length > 0 || searched ? environmentNow({ ...command, searched: versions }, startedAt, deciding) : undefined;
    return environment ? [resolveCommand({ ...command, environment })] : [];
  });
  const next = leadsOf(later, 'session');
  return {
    ...now,
    ...(later.length === commands.length ? { later: next.leads.filter((lead): lead is Lead => 'ref' in lead) } : {}),
    visited: [...new Set([...now.visited, ...next.visited, ...deciding])],
    tried: [...new Set([...now.tried, ...next.tried])],
    searched: now.searched || next.searched || versions.size > 0,
  };
}

/** Code that the client brought in a versioned folder. Undefined where the command line names no such folder, or its client has no list of them. */
function bundleLead(words: readonly string[], cwd: string | undefined, own: readonly ClientCommand[]): Followed | undefined {
  const lists = new Set<string>();
  const replaced = words.flatMap((word) => replacedBundle(word, cwd, lists) ?? [])[0];
  if (lists.size === 0) {
    return undefined;
  }
  if (replaced && 'unknown' in replaced) {
    return { leads: [], unknown: replaced.unknown, visited: [...lists], tried: [], searched: false };
  }
  if (replaced !== undefined && !/(^|[\\/])(node_modules|site-packages)[\\/]/.test(replaced.old.rest)) {
    const { old, now } = replaced;
    const { name, version, place } = old;
    return {
      leads: [{ followed: old.kind, version: now.version, place: now.place }],
      running: { ecosystem: 'npm', name, version, place, by: 'path' },
      visited: [...lists],
      tried: [],
      searched: false,
    };
  }
  const swap = (word: string): string =>
    replaced && word.startsWith(replaced.old.place) ? word.replace(replaced.old.place, () => replaced.now.place) : word;
  const followed = leadsOf(
    own.map((command) => resolveCommand({ ...command, words: command.words.map((word) => swap(word)) })),
    replaced?.old.kind ?? 'command line',
  );
  return { ...followed, visited: [...followed.visited, ...lists] };
}

/** The command of an entry with its known variables filled in. Undefined when the client fills in a part that decides. */
function commandOf(
  entry: RawDefinition,
  cwd: string | undefined,
  { platform, home }: Machine,
): Pick<ClientCommand, 'words' | 'cwd'> | undefined {
  if ([entry.command ?? '', ...entry.args].some(namesPluginFolder)) {
    return undefined;
  }
  const extension = extensionFolder(entry);
  const values: VariableValues = {
    windows: platform === 'win32',
    home,
    ...(entry.folder === undefined ? {} : { folder: entry.folder }),
    ...(extension === undefined ? {} : { extension }),
  };
  const [command = '', ...args] = [entry.command ?? '', ...entry.args].map((word) => wordPattern(word, values).text);
  const own = entry.cwd === undefined ? undefined : wordPattern(entry.cwd, values).text;
  // The client resolves a relative directory by rules of its own; the process shows the result.
  return command === '' || hasVariable(command) || hasVariable(parseLaunch(command, args).target ?? '')
    ? undefined
    : { words: [command, ...args], cwd: own !== undefined && isAbsolutePath(own) && !hasVariable(own) ? own : cwd };
}

function leadsOf(resolved: readonly CommandLead[], followed: Lead['followed']): Followed {
  const reasons = resolved.flatMap((one) => ('found' in one && 'unknown' in one.found ? [one.found.unknown] : []));
  const [only, ...more] = resolved;
  return {
    ...(only?.scripts && more.length === 0 ? { scripts: only.scripts } : {}),
    leads: resolved.flatMap((one) => ('found' in one && 'ref' in one.found ? [{ ref: one.found.ref, followed }] : [])),
    ...(reasons[0] === undefined ? {} : { unknown: reasons[0] }),
    visited: [...new Set(resolved.flatMap(({ visited }) => visited))],
    tried: [...new Set(resolved.flatMap(({ tried }) => tried))],
    searched: resolved.some(({ searched }) => searched),
  };
}

/**
 * The verdict on the package scripts by which a server was started: one that is gone, or that starts something else now. How they were at the start is recorded when
 * they are first seen, unless their file was written after the start.
 * @param running undefined when the package that runs is not known
 * @returns undefined when they say nothing
 */
export function judgeScripts(
  server: ServerContext,
  { scripts = [], leads }: Pick<Followed, 'scripts' | 'leads'>,
  running: RunningCode | undefined,
  facts: FactStore,
): { readonly finding?: Finding; readonly unknown?: string; readonly askAgainIn?: number } | undefined {
  const { row, loaded, now } = server;
  if (scripts.length === 0) {
    return undefined;
  }
  const isOld = ({ file }: PackageScript): boolean => lastChange(file) <= row.startedAt + startToleranceMs;
  const recorded = facts.fact(row.identity, 'script');
  if (recorded === undefined && scripts.every(isOld)) {
    const known = scripts.flatMap(({ line, ...one }) => (line === undefined ? [] : [{ ...one, line }]));
    facts.recordFact(row.identity, 'script', { takenAt: now, scripts: known });
    return undefined;
  }
  const before = (script: PackageScript, index: number) => {
    const was = recorded?.scripts[index];
    return recorded && was?.file === script.file && was.name === script.name ? { line: was.line, takenAt: recorded.takenAt } : undefined;
  };
  const changed = scripts.findIndex((script, index) => (recorded ? before(script, index)?.line !== script.line : !isOld(script)));
  const script = scripts[changed];
  if (script === undefined) {
    return undefined;
  }
  const was = before(script, changed);
  const { file, name } = script;
  const evidence = { ...runningServer(server), file, name, changedAt: lastChange(file) };
  if (script.line === undefined) {
    const missing = judgeMissingPackageScript({ ...evidence, ...(was ? { before: was } : {}) });
    return missing.finding ? missing : { ...missing, unknown: t('{0} has no script {1}', file, name) };
  }
  const [lead] = leads;
  if (lead === undefined || !('ref' in lead) || running === undefined) {
    return undefined;
  }
  if (comparedName(lead.ref) !== comparedName(running)) {
    return {
      unknown: t('its package script “{0}” was written after it started, and leads to another package now ({1})', name, lead.ref.name),
    };
  }
  const [own, other] = ['unknown' in loaded ? undefined : loaded.ref.entry, lead.ref.entry].map(
    (path) => path && followLinks(path, new Set<string>()),
  );
  return was && own && other && own !== other && !('unknown' in loaded) && loaded.ref.editable === true
    ? { finding: judgeOtherEntry({ ...evidence, before: was }, [own, other]) }
    : undefined;
}

/** Yarn Plug'n'Play: each start takes the archive that the project's map names. */
function mapLead({ loaded, detail }: ServerContext, byEntry: boolean): Followed | undefined {
  const archive = 'unknown' in loaded ? undefined : yarnArchive(loaded.ref.entry);
  const map = archive === undefined || detail.cwd === undefined ? undefined : pnpFile(detail.cwd);
  if (archive === undefined || map === undefined) {
    return undefined;
  }
  const version = pnpVersion(map, archive);
  const leads = version === undefined ? [] : [{ followed: byEntry ? ('entry' as const) : ('command line' as const), version, place: map }];
  return { leads, visited: [map], tried: [], searched: true };
}

/** The only action where the client itself starts the old version again. */
export function held(followed: BesideEvidence['followed'], { startedBy }: ServerContext): Pick<Finding, 'actions'> | undefined {
  const step = heldStep(followed, startedBy);
  return step === undefined ? undefined : { actions: [{ kind: 'manual', step, held: true }] };
}

/** The folder of a version in nvm, mise, asdf and the like, and that of a shell in fnm. */
const versionFolder = /^\/.*\/(versions\/(node\/)?v?\d[^/]*|fnm_multishells\/[^/]+|installs\/[^/]+\/[^/]+)\/bin\/?$/;

/**
 * The only action where files are gone and the client cannot start the program of its entry: it keeps a folder on PATH that went with an uninstalled version, and no other
 * folder there has the program. Undefined where a restart may find it.
 */
export function heldPath(attributed: Attributed, { detail, startedBy }: ServerContext): Finding['actions'] | undefined {
  const { environment, cwd } = attributed.outer ?? detail;
  const entries = commandEntries(attributed);
  const folders = environment?.get('PATH')?.split(':') ?? [];
  const isHeld =
    folders.some((folder) => versionFolder.test(folder) && statPath(folder).status === 'absent') &&
    entries.length > 0 &&
    entries.every(
      ({ command = '' }) => !command.includes('/') && findProgram(command, { environment, cwd, platform: process.platform }) === undefined,
    );
  const step = t(
    'Quit {0} and start it again, from a new terminal where a terminal started it: until then it looks for the program in a folder that was removed, because it keeps the PATH of its start.',
    startedBy?.name ?? t('its client'),
  );
  return isHeld ? [{ kind: 'manual', step, held: true }] : undefined;
}

/** The step of the user where the client itself starts the old version again; undefined where a restart starts the new one. */
function heldStep(followed: BesideEvidence['followed'], startedBy: ServerContext['startedBy']): string | undefined {
  const client = startedBy?.name ?? t('its client');
  switch (followed) {
    case 'extension':
      return t(
        'Run “Developer: Reload Window” in the window of {0} that started it: until then its extension starts the old version again.',
        client,
      );
    case 'plugin': {
      const step = startedBy && clientById(startedBy.id)?.newSessionStep;
      const restart = step ? translated(step) : t('End this session of {0} and start it again', client);
      return t('{0}: until then the session starts the old version of its plugin again.', restart);
    }
    case 'session':
      return t(
        'Quit {0} and start it again, from a new terminal where a terminal started it: until then it starts the old version again, because it keeps the PATH of its start.',
        client,
      );
    default:
      return undefined;
  }
}
