import { t } from '../../base/language/translate.ts';
import { clientById, isVscode, isVscodeEditor, scopeRank } from '../../clients/clientTable.ts';
import type { RawDefinition } from '../../model/definition.ts';
import type { Confidence } from '../../model/finding.ts';
import type { ProcessDetail } from '../../model/process.ts';
import { followLinks, youngLink } from '../../package/resolve/commandPath.ts';
import { isGuarded, runsGuarded } from './guardedEntries.ts';
import { definitionLaunches, fitLaunch } from './launchFit.ts';
import type { LaunchFit, MatchContext, MatchInput } from './matchInput.ts';
import { possibleEntries } from './possibleEntries.ts';
import { leadsToItsPackage, sharedFolders } from './runnerFit.ts';
import { hasVariable, isAbsolutePath, isInside, pathFrom, type VariableValues, wordPattern } from './wordPattern.ts';

/** The definitions that a running server was started from. */
export interface MatchResult {
  /** The best matches: normally one entry, several when they are equal, none when nothing fits. */
  readonly definitions: readonly RawDefinition[];
  /** `proven`: launch, client and environment agree. `likely`: one of them was concluded. `unknown`: no match. */
  readonly confidence: Confidence;
  /** Concluded from where the command of the entry leads now, because it or its folder was changed since the start. */
  readonly concluded?: true;
  /** How it is known, for a person. No arguments, no values. */
  readonly why: readonly string[];
}

interface Candidate {
  readonly definition: RawDefinition;
  readonly launch: LaunchFit;
  readonly variables: number;
  readonly folder: number;
  readonly distance: number;
}

/**
 * Finds the definitions of one running server. The launch must fit, and an entry with a different variable or folder is excluded. Then the client that started
 * the server decides, then how much of the environment, the folder and the words is equal.
 */
export function matchDefinitions(observed: MatchInput, definitions: readonly RawDefinition[], context: MatchContext): MatchResult {
  const candidates: Candidate[] = [];
  for (const definition of possibleEntries(observed, definitions, context)) {
    const launch = fitLaunch(definition, observed, context);
    const variables = launch && fitEnvironment(definition, observed, context);
    const here = variables === undefined ? undefined : fitFolder(definition, observed, context);
    const moved = launch && variables !== undefined && here === undefined ? movedFolder(definition, observed, context) : undefined;
    const folder = moved === undefined ? here : 0;
    const distance = clientDistance(definition, observed.client?.id);
    const concluded = moved !== undefined || launch?.concluded;
    if (launch && variables !== undefined && folder !== undefined && !(concluded && !isConnected(distance, observed))) {
      candidates.push({
        definition,
        launch: concluded ? { ...launch, ...moved, strength: 'likely', concluded } : launch,
        variables,
        folder,
        distance,
      });
    }
  }
  const guarded = runsGuarded(observed.launchers);
  const best = bestOf(candidates, [
    (one) => one.distance,
    (one) => (one.launch.strength === 'same' ? 0 : 1),
    (one) => (isGuarded(one.definition) === guarded ? 0 : 1),
    (one) => -one.variables,
    (one) => -one.folder,
    (one) => one.launch.wildcards,
    (one) => -(one.launch.shared ?? 0),
    (one) => (one.definition.enabled ? 0 : 1),
  ]);
  const named = oneOfEachName(best, observed.client?.id);
  const first = named[0];
  if (!first) {
    return { definitions: [], confidence: 'unknown', why: [] };
  }
  return {
    definitions: named.map((one) => one.definition),
    confidence: first.distance === 0 && first.launch.strength === 'same' && observed.client !== undefined ? 'proven' : 'likely',
    ...(first.launch.concluded ? { concluded: true } : {}),
    why: whyLines(first, named.length, observed),
  };
}

function whyLines(best: Candidate, equals: number, observed: MatchInput): string[] {
  const { definition } = best;
  const lines = [`${best.launch.why} (${definition.name})`];
  if (best.variables > 0) {
    lines.push(
      best.variables === 1
        ? t('it has the environment variable of the entry')
        : t('it has the {0} environment variables of the entry', best.variables),
    );
  }
  if (best.folder > 0) {
    lines.push(t('it runs in the folder of the entry'));
  }
  if (observed.client === undefined) {
    lines.push(t('the client that started it is not known'));
  } else if (best.distance === 2) {
    lines.push(t('the client that started it does not read this file: another entry with the same command may be meant'));
  }
  if (equals > 1) {
    lines.push(t('{0} entries say exactly the same', equals));
  }
  return lines;
}

/** Keeps the smallest items by the first measure, of these the smallest by the second, and so on. */
function bestOf<T>(items: readonly T[], measures: readonly ((item: T) => number)[]): readonly T[] {
  return measures.reduce<readonly T[]>((left, measure) => {
    const measured = left.map(measure);
    const least = measured.reduce((smallest, one) => Math.min(smallest, one), Infinity);
    return left.filter((_, index) => measured[index] === least);
  }, items);
}

/** Of entries with one name, a client uses the one in its own file, in the narrowest scope. */
function oneOfEachName(candidates: readonly Candidate[], client: string | undefined): readonly Candidate[] {
  const nameOf = ({ definition }: Candidate): string => JSON.stringify([definition.name, client ?? definition.client]);
  const best = new Map<string, number>();
  for (const one of candidates) {
    const name = nameOf(one);
    best.set(name, Math.min(best.get(name) ?? Infinity, preference(one, client)));
  }
  return candidates.filter((one) => preference(one, client) === best.get(nameOf(one)));
}

/** Of entries that a client keeps apart, the narrowest is the likeliest too. */
function narrowness({ client, scope }: RawDefinition): number {
  return scopeRank(client, scope) ?? scopeRank('unknown', scope) ?? 0;
}

function preference(one: Candidate, client: string | undefined): number {
  return (client === undefined || one.definition.client === client ? 0 : 10) + narrowness(one.definition);
}

interface Remembered {
  readonly definitions: readonly RawDefinition[];
  readonly circumstances: string;
  readonly match: MatchResult;
}

/** By the details of the process: when they are read again, the process is compared again. */
const matches = new WeakMap<ProcessDetail, Remembered>();

/** Caches the match of a server with all entries, the most expensive step of a scan, until either changes. */
export function rememberedMatch(observed: MatchInput, definitions: readonly RawDefinition[], context: MatchContext): MatchResult {
  const { server, launchers, client, npxPackages, detail } = observed;
  const circumstances = JSON.stringify([server.commandLine, launchers.map((row) => row.commandLine), client, npxPackages]);
  const known = detail && matches.get(detail);
  if (known && known.definitions === definitions && known.circumstances === circumstances) {
    return known.match;
  }
  const match = matchDefinitions(observed, definitions, context);
  if (detail) {
    matches.set(detail, { definitions, circumstances, match });
  }
  return match;
}

/** Variables that shells and package managers overwrite: their values in a definition are not compared. */
const rewritten = /^(PWD|OLDPWD|SHLVL|_|NODE|INIT_CWD|npm_.*)$/i;

/**
 * How many of the definition's variables the process has with equal values. Values are compared in memory and never shown.
 * @returns undefined when one differs or is missing: the same command with another environment is another server. An environment that cannot be read, and
 * values that the client fills in, are accepted.
 */
export function fitEnvironment(definition: RawDefinition, observed: MatchInput, context: MatchContext): number | undefined {
  const environment = observed.detail?.environment;
  const entries = Object.entries(definition.env).filter(([name]) => !rewritten.test(name));
  if (!environment) {
    return 0;
  }
  const fold = context.platform === 'win32';
  const folded = fold ? new Map([...environment].map(([name, value]) => [name.toUpperCase(), value])) : environment;
  let equal = 0;
  for (const [name, value] of entries) {
    const seen = folded.get(fold ? name.toUpperCase() : name);
    if (value === null) {
      if (seen !== undefined) {
        return undefined;
      }
    } else if (seen === undefined) {
      return undefined;
    } else if (/^path$/i.test(name)) {
      // VS Code appends, package managers prepend, mise leaves out what is there twice.
      if (!hasVariable(value) && !folderList(seen, fold).includes(folderList(value, fold))) {
        return undefined;
      }
    } else if (!hasVariable(value) && value !== seen) {
      return undefined;
    }
    equal++;
  }
  return equal;
}

/** The folders of a PATH, each once. */
function folderList(path: string, windows: boolean): string {
  const delimiter = windows ? ';' : ':';
  return [...new Set(path.split(delimiter))].join(delimiter);
}

/**
 * Whether the server runs in the folder of the definition.
 * @returns the depth of that folder; 0 where the definition names none or the server's directory is not known; undefined when it runs elsewhere
 */
function fitFolder(definition: RawDefinition, observed: MatchInput, context: MatchContext): number | undefined {
  const cwd = observed.detail?.cwd;
  const home = context.home ?? observed.detail?.environment?.get('HOME');
  const values: VariableValues = {
    windows: context.platform === 'win32',
    ...(home === undefined ? {} : { home }),
    ...(definition.folder === undefined ? {} : { folder: definition.folder }),
  };
  const own =
    directoryOf(definition.cwd, definition.folder, values) ??
    directoryOf(definitionLaunches(definition)[0]?.cwd, definition.folder, values);
  if (cwd !== undefined && own !== undefined) {
    // The kernel shows a process's directory without the links that led to it.
    return isInside(cwd, own) || isInside(cwd, followLinks(own, new Set()) ?? own) ? depth(own) + 1 : undefined;
  }
  const folder = definition.folder;
  if (folder === undefined || cwd === undefined) {
    const client = observed.client?.folder;
    return folder !== undefined && client !== undefined && isInside(client, folder) ? depth(folder) : 0;
  }
  const fits = isInside(cwd, folder) || (observed.client?.folder !== undefined && isInside(observed.client.folder, folder));
  // A definition whose directory is filled in by the client may run anywhere.
  return fits ? depth(folder) : definition.cwd !== undefined && own === undefined ? 0 : undefined;
}

/** Whether what is concluded counts: the client reads the entry, or it is not known and is connected. A user starts the same program in a terminal. */
function isConnected(distance: number, { client, detail }: MatchInput): boolean {
  return distance === 0 && (client !== undefined || detail?.stdin === 'connected');
}

/** Where the directory of a definition leads elsewhere since the server started, by a link, and its command to the same package there. */
function movedFolder(
  definition: RawDefinition,
  observed: MatchInput,
  context: MatchContext,
): Required<Pick<LaunchFit, 'shared'>> | undefined {
  const { home } = context;
  const { folder, command } = definition;
  const values = {
    windows: context.platform === 'win32',
    ...(home === undefined ? {} : { home }),
    ...(folder === undefined ? {} : { folder }),
  };
  const own = directoryOf(definition.cwd, folder, values);
  const links = new Set<string>();
  const now = own === undefined ? undefined : followLinks(own, links);
  if (own === undefined || now === undefined || command === undefined) {
    return undefined;
  }
  const words = [command, ...definition.args].map((word) => wordPattern(word, values).text);
  return youngLink([...links], observed.server.startedAt) !== undefined &&
    leadsToItsPackage(words, observed, { values, windows: values.windows, bases: [own] })
    ? { shared: sharedFolders(now, observed.detail?.cwd ?? '') }
    : undefined;
}

function directoryOf(cwd: string | undefined, folder: string | undefined, values: VariableValues): string | undefined {
  const pattern = cwd === undefined ? undefined : wordPattern(cwd, values);
  if (!pattern || pattern.pieces || (!isAbsolutePath(pattern.text) && folder === undefined)) {
    return undefined;
  }
  return pathFrom(folder ?? '/', pattern.text);
}

function depth(folder: string): number {
  return folder.split(/[\\/]+/).filter((part) => part !== '').length;
}

/**
 * How close a definition is to the client that started the server: 0 the client reads its file (or the client is unknown), 1 a variant of the same editor reads
 * it, 2 only other clients read it.
 */
export function clientDistance(definition: RawDefinition, client: string | undefined): number {
  if (client === undefined || definition.client === client || definition.readBy.includes(client)) {
    return 0;
  }
  if (clientById(definition.client)?.inEditors && isVscodeEditor(client)) {
    return 0;
  }
  return isVscode(client) && [definition.client, ...definition.readBy].some(isVscode) ? 1 : 2;
}
