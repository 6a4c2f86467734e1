import type { Definition } from '../../model/definition.ts';
import { type Finding, isHeadline } from '../../model/finding.ts';
import type { Instance, Snapshot } from '../../model/snapshot.ts';
import { compareFindings, countFindings, findingLabels, findingWord, isUndecided } from '../../presentation/findingLabels.ts';
import { counted, memory } from '../../presentation/quantities.ts';
import type { Tone } from './paint.ts';

/** The state of one line of the table, in words. */
export interface State {
  readonly words: string;
  /** The same without the versions of the own package. */
  readonly short: string;
  readonly tone: Tone;
  /** The finding that counts and ranks highest. */
  readonly worst?: Finding;
  /** Whether it counts for `--check`. */
  readonly alarm: boolean;
  /** The facts that the words leave out, a line each. */
  readonly notes: readonly string[];
}

/** The state of one running server. @param definitions the entries it was started from; their findings are included */
export function instanceState(instance: Instance, definitions: readonly Definition[] = []): State {
  const findings = [...instance.findings, ...definitions.flatMap((definition) => definition.findings)]
    .filter((finding) => finding.kind !== 'copies' || isHeadline(finding))
    .sort(compareFindings);
  const worst = findings[0];
  if (worst && isHeadline(worst)) {
    const told = headlineWords(worst, instance);
    return {
      words: told.words,
      short: told.short,
      worst,
      tone: worst.confidence === 'proven' && worst.kind !== 'duplicate' && worst.kind !== 'orphan' ? 'bad' : 'warning',
      alarm: true,
      notes: [...(told.complete ? [] : [worst.message]), ...findings.slice(1).map(noteOf)],
    };
  }
  const { reason, ...state } = quietState(instance);
  return { ...state, short: state.words, alarm: false, notes: [...reason, ...findings.map(noteOf)] };
}

/** The running servers that need attention, worst first, then by name. */
export function troubledServers(snapshot: Snapshot): Instance[] {
  return snapshot.instances
    .flatMap((instance) => {
      const { worst } = instanceState(
        instance,
        snapshot.definitions.filter(({ id }) => instance.definitions.includes(id)),
      );
      return worst ? [{ instance, worst }] : [];
    })
    .sort((a, b) => compareFindings(a.worst, b.worst) || compareNames(a.instance.name, b.instance.name) || a.instance.pid - b.instance.pid)
    .map(({ instance }) => instance);
}

/** By code unit: the same order in every language, as a table that is redrawn needs. */
export function compareNames(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** The state of an entry from which no known server runs. */
export function definitionState(definition: Definition): State {
  const findings = [...definition.findings].sort(compareFindings);
  const alarm = findings.some(isHeadline);
  const resting = restingWords(definition);
  const worst = findings[0];
  const words = worst && alarm ? findingLabels[worst.kind].word : `${resting}${definition.guarded ? ', guarded' : ''}`;
  return { words, short: words, tone: alarm ? 'warning' : 'dim', alarm, notes: findings.map(noteOf) };
}

function restingWords({ enabled, transport, port, url }: Definition): string {
  if (!enabled) {
    return 'switched off';
  }
  if (transport === 'stdio') {
    return 'not running';
  }
  switch (port?.holder) {
    case 'nobody':
      return `not running: no program listens on port ${port.number}`;
    case 'stranger':
      return `not running: port ${port.number} is held by PID ${port.pid}`;
    case 'hidden':
      return port.pid === undefined
        ? `port ${port.number} is held by a process that cannot be read`
        : `runs in PID ${port.pid}, as part of another program`;
    case 'forwarder':
      return `port ${port.number} is forwarded by PID ${port.pid} to an unknown target`;
    default:
      return `remote${url ? `: ${url}` : ''}`;
  }
}

function noteOf(finding: Finding): string {
  return `${findingWord(finding)}: ${finding.message}`;
}

/** Words for the table. `complete` = the message of the finding adds nothing important. */
function headlineWords(finding: Finding, instance: Instance): { words: string; short: string; complete: boolean } {
  const words = findingWord(finding);
  const { kind, subKind } = finding;
  if (kind === 'copies') {
    // Its message is about all copies: the view says it once, at the end.
    return { words, short: words, complete: true };
  }
  // Messages about source, interpreter and program do not depend on versions.
  if (kind !== 'stale' || !(subKind === undefined || subKind === 'package' || subKind === 'dependency' || subKind === 'replaced-beside')) {
    return { words, short: words, complete: false };
  }
  const own = instance.package;
  const dependencies = instance.changedDependencies;
  if (subKind !== 'dependency' && own?.running && own.installed && own.running !== own.installed) {
    const older = own.direction === 'downgrade' ? ' (downgrade)' : '';
    const more =
      dependencies.length === 0
        ? ''
        : `, and ${dependencies.length === 1 ? '1 dependency' : `${dependencies.length} dependencies`} changed`;
    return {
      words: `${words}: runs ${own.running}, installed ${own.installed}${older}${more}`,
      short: `${words}${older}${more}`,
      complete: true,
    };
  }
  const [first, ...others] = dependencies;
  if (first?.running && first.installed && first.running !== first.installed) {
    const more = others.length === 0 ? '' : ` and ${others.length} more`;
    const older = first.direction === 'downgrade' ? ' (downgrade)' : '';
    const told = `${words}: ${first.name} ${first.running} → ${first.installed}${older}${more}`;
    return { words: told, short: told, complete: true };
  }
  return { words, short: words, complete: false };
}

/** A longer reason (with a path) is a note below the row, so that the column of states stays narrow. */
const longestReason = 48;

function quietState(instance: Instance): { words: string; tone: Tone; reason: readonly string[] } {
  const background = `${instance.background ? ', in the background' : ''}${instance.guarded ? ', guarded' : ''}`;
  const long = (instance.unknown?.length ?? 0) > longestReason;
  const reason = instance.unknown !== undefined && long ? [instance.unknown] : [];
  const told = long ? undefined : instance.unknown;
  if (instance.package?.running == null) {
    return { words: `running${background}; version unknown${told === undefined ? '' : `: ${told}`}`, tone: 'dim', reason };
  }
  if (instance.unknown === undefined) {
    return { words: `ok${background}`, tone: 'good', reason };
  }
  return { words: `unknown${background}${told === undefined ? '' : `: ${told}`}`, tone: 'plain', reason };
}

interface Headline {
  /** "12 servers, 1.2 GB, 2 stale, 1 duplicate" */
  readonly text: string;
  /** "2 stale, 1 duplicate"; empty when nothing counts. */
  readonly counts: string;
  /** Servers and entries with at least one finding that counts. */
  readonly alarms: number;
  /** Servers without one, of which something is not known. */
  readonly unknown: number;
}

/** One line that says whether anything is wrong; that nothing is, only where everything is known. */
export function headline(snapshot: Snapshot): Headline {
  const troubled = [...snapshot.instances, ...snapshot.definitions].map(
    (item) => new Set(item.findings.filter(isHeadline).map((finding) => finding.kind)),
  );
  const alarms = troubled.filter((kinds) => kinds.size > 0).length;
  const counts = countFindings(troubled.flatMap((kinds) => [...kinds]));
  const servers = snapshot.instances.length === 0 ? 'no servers running' : counted(snapshot.instances.length, 'server');
  const bytes = snapshot.instances.reduce((sum, { memoryBytes }) => sum + memoryBytes, 0);
  const used = bytes > 0 ? [memory(bytes)] : [];
  const unknown = snapshot.instances.filter(isUndecided).length;
  const trouble = counts !== '' ? [counts] : snapshot.instances.length > 0 && unknown === 0 ? ['nothing wrong'] : [];
  const undecided = unknown === 0 ? [] : [`${unknown} unknown`];
  const problems = snapshot.problems.length === 0 ? [] : [counted(snapshot.problems.length, 'problem')];
  return { text: [servers, ...used, ...trouble, ...undecided, ...problems].join(', '), counts, alarms, unknown };
}

/** The text with a capital first letter. */
export function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

/** One short line for a status line of a shell, an editor or Claude Code: what counts, else how many servers run. Ends in a line break. */
export function renderStatusLine(snapshot: Snapshot): string {
  const { counts, alarms, unknown } = headline(snapshot);
  const running = snapshot.instances.length;
  const quiet = running === 0 ? 'none running' : unknown === 0 ? `${running} ok` : `${running} running, ${unknown} unknown`;
  return `MCP: ${alarms > 0 ? counts : quiet}\n`;
}
