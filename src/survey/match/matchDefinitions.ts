import type { DefinitionScope, RawDefinition } from '../../model/definition.ts';
import type { Confidence } from '../../model/finding.ts';
import type { ProcessDetail } from '../../model/process.ts';
import { clientDistance, fitEnvironment, fitFolder } from './definitionFit.ts';
import { isGuarded, runsGuarded } from './guardedEntries.ts';
import { fitLaunch } from './launchFit.ts';
import type { LaunchFit, MatchContext, MatchInput } from './matchInput.ts';

/** The definitions that a running server was started from. */
export interface MatchResult {
  /** The best matches: normally one entry, several when they are equal, none when nothing fits. */
  readonly definitions: readonly RawDefinition[];
  /** `proven`: launch, client and environment agree. `likely`: one of them was concluded. `unknown`: no match. */
  readonly confidence: Confidence;
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

/** Which entry of one name a client uses: the smallest number. */
const narrowness: Readonly<Record<DefinitionScope, number>> = { managed: 0, local: 1, project: 2, workspace: 2, profile: 3, user: 4 };

/**
 * Finds the definitions of one running server. The launch must fit, and an entry with a different variable or folder is excluded. Then the client that started
 * the server decides, then how much of the environment, the folder and the words is equal.
 */
export function matchDefinitions(observed: MatchInput, definitions: readonly RawDefinition[], context: MatchContext): MatchResult {
  const candidates: Candidate[] = [];
  for (const definition of definitions) {
    const launch = fitLaunch(definition, observed, context);
    const variables = launch && fitEnvironment(definition, observed, context);
    const folder = variables === undefined ? undefined : fitFolder(definition, observed, context);
    if (launch && variables !== undefined && folder !== undefined) {
      candidates.push({ definition, launch, variables, folder, distance: clientDistance(definition, observed.client?.id) });
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
    why: whyLines(first, named.length, observed),
  };
}

function whyLines(best: Candidate, equals: number, observed: MatchInput): string[] {
  const { definition } = best;
  const lines = [`${best.launch.why} (${definition.name})`];
  if (best.variables > 0) {
    lines.push(`it has the ${best.variables === 1 ? 'environment variable' : `${best.variables} environment variables`} of the entry`);
  }
  if (best.folder > 0) {
    lines.push('it runs in the folder of the entry');
  }
  if (observed.client === undefined) {
    lines.push('the client that started it is not known');
  } else if (best.distance === 2) {
    lines.push('the client that started it does not read this file: another entry with the same command may be meant');
  }
  if (equals > 1) {
    lines.push(`${equals} entries say exactly the same`);
  }
  return lines;
}

/** Keeps the smallest items by the first measure, of these the smallest by the second, and so on. */
function bestOf<T>(items: readonly T[], measures: readonly ((item: T) => number)[]): readonly T[] {
  return measures.reduce<readonly T[]>((left, measure) => {
    const least = Math.min(...left.map(measure));
    return left.filter((item) => measure(item) === least);
  }, items);
}

/** Of entries with one name, a client uses the one in its own file, in the narrowest scope. */
function oneOfEachName(candidates: readonly Candidate[], client: string | undefined): readonly Candidate[] {
  const reader = (one: Candidate): string => client ?? one.definition.client;
  return candidates.filter((one) =>
    candidates.every(
      (other) =>
        other === one ||
        other.definition.name !== one.definition.name ||
        reader(other) !== reader(one) ||
        preference(one, client) <= preference(other, client),
    ),
  );
}

function preference(one: Candidate, client: string | undefined): number {
  return (client === undefined || one.definition.client === client ? 0 : 10) + narrowness[one.definition.scope];
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
