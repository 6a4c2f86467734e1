import { type HistoryEntry, requesterText } from '../../../action/execute/actionHistory.ts';
import { isUpgradable } from '../../../action/plan/upgradePlan.ts';
import { guardWouldHelp } from '../../../action/protect/guardArguments.ts';
import { type Finding, isHeadline } from '../../../model/finding.ts';
import type { Instance, Snapshot } from '../../../model/snapshot.ts';
import type { ExplanationSection } from '../../../presentation/explanation.ts';
import { compareFindings, findingLabels } from '../../../presentation/findingLabels.ts';
import { counted, homePath, localTime, roundedMemory } from '../../../presentation/quantities.ts';
import { type CommandName, commands } from '../../manifestNames.ts';
import { hasOutput, isRestartable, ownerText, type WindowFacts } from '../../window/windowFacts.ts';
import { type FixKind, fixOf, isIgnored } from '../attention.ts';
import { evidenceSections } from '../evidenceText.ts';
import { changeSummary, versionsText } from '../instanceText.ts';

/** A button of the page. */
interface DetailsButton {
  readonly label: string;
  readonly command: CommandName;
  /** Id of the server. */
  readonly argument: string;
}

/** A line with a name. */
interface NamedText {
  readonly name: string;
  readonly text: string;
}

/** The page of one server as plain data. Texts of others are in it as they are: `detailsHtml` escapes them. */
export interface DetailsPage {
  readonly title: string;
  /** One sentence. */
  readonly verdict: string;
  readonly tone: 'good' | 'warning' | 'unknown';
  /** The button that fixes the problem comes first. */
  readonly buttons: readonly DetailsButton[];
  readonly versions: readonly NamedText[];
  readonly dependencies: readonly { readonly name: string; readonly running: string; readonly installed: string }[];
  /** Oldest first. */
  readonly times: readonly NamedText[];
  /** From the client down; `depth` counts from 0. */
  readonly processes: readonly { readonly depth: number; readonly text: string }[];
  readonly facts: readonly NamedText[];
  readonly evidence: readonly ExplanationSection[];
}

/** What the page is made from. */
interface DetailsSubject {
  readonly instance: Instance;
  readonly snapshot: Snapshot;
  readonly facts: WindowFacts;
  /** The actions of this machine, oldest first. */
  readonly history: readonly HistoryEntry[];
  /** IANA name; default: where this runs. */
  readonly timeZone?: string;
}

/** Everything about one running server, for its page. Pure. */
export function detailsPage(subject: DetailsSubject): DetailsPage {
  const { instance, snapshot, facts } = subject;
  const findings = [...instance.findings].sort(compareFindings);
  const told = findings.filter(({ confidence }) => confidence !== 'unknown');
  const worst = told.find(isHeadline);
  const doing = facts.busy.get(instance.id);
  return {
    title: instance.name,
    verdict: doing
      ? `It is ${doing}.`
      : verdictText(instance, worst, worst !== undefined && isIgnored(worst, { instance, name: instance.name }, facts)),
    tone: worst ? 'warning' : instance.package?.running == null ? 'unknown' : 'good',
    buttons: buttonsOf(subject, worst, doing !== undefined),
    versions: versionRows(instance, told),
    dependencies: instance.changedDependencies.map(({ name, running, installed }) => ({
      name,
      running: running ?? 'not installed',
      installed: installed ?? 'not installed',
    })),
    times: timeLine(subject),
    processes: processRows(instance, facts),
    facts: factRows(instance, snapshot, facts),
    evidence: evidenceSections(instance, snapshot, facts),
  };
}

/** "It still runs 1.0.0, but 1.1.0 is installed." */
function verdictText(instance: Instance, worst: Finding | undefined, ignored: boolean): string {
  const suffix = ignored ? ' You ignore this problem.' : '';
  if (worst?.kind === 'stale') {
    return `It ${worst.confidence === 'proven' ? '' : 'probably '}${changeSummary(instance)}. A restart is needed.${suffix}`;
  }
  if (worst) {
    return `${findingLabels[worst.kind].heading}: ${worst.message.replace(/\.$/, '')}.${suffix}`;
  }
  const { package: own, unknown } = instance;
  if (own?.running == null) {
    return `Its version is not known${unknown === undefined ? '' : `: ${unknown.replace(/\.$/, '')}`}.`;
  }
  return `It ${versionsText(instance)}. No problem was found.`;
}

const fixes: Readonly<Record<Exclude<FixKind, 'open'>, Omit<DetailsButton, 'argument'>>> = {
  restart: { label: 'Restart', command: commands.restartInstance },
  upgrade: { label: 'Upgrade and Restart…', command: commands.upgradeInstance },
  stop: { label: 'Stop…', command: commands.stopInstance },
  step: { label: 'How to Restart', command: commands.howToRestart },
};

function buttonsOf({ instance, snapshot, facts }: DetailsSubject, worst: Finding | undefined, busy: boolean): DetailsButton[] {
  const fix = worst && fixOf(worst, { instance, name: instance.name }, snapshot, facts);
  const acts = [
    ...(fix === undefined || fix === 'open' ? [] : [fixes[fix]]),
    ...(isRestartable(instance, snapshot, facts) ? [fixes.restart] : []),
    ...(isUpgradable(instance) ? [fixes.upgrade] : []),
    fixes.stop,
    ...(guardWouldHelp(instance, snapshot) ? [{ label: 'Launch Through Guard…', command: commands.launchThroughGuard }] : []),
  ];
  const looks = [
    ...(instance.definitions.length > 0 ? [{ label: 'Open Entry', command: commands.revealDefinition }] : []),
    ...(hasOutput(instance, snapshot, facts) ? [{ label: 'Show Output', command: commands.showOutput }] : []),
    { label: 'Copy for a Bug Report', command: commands.copyReport },
  ];
  const all = [...(busy ? [] : acts), ...looks];
  return all
    .filter(({ command }, index) => all.findIndex((other) => other.command === command) === index)
    .map((button) => ({ ...button, argument: instance.id }));
}

function versionRows({ package: own, findings }: Instance, told: readonly Finding[]): NamedText[] {
  if (!own) {
    return [];
  }
  const gone = findings.some(({ kind }) => kind === 'files-gone');
  const installed = own.installed ?? (gone ? 'uninstalled' : 'unknown');
  // Without a finding it is not known what its command would start.
  const restarted =
    told.find(({ kind }) => kind === 'respawn-differs')?.message ?? (told.some(({ kind }) => kind === 'stale') ? own.installed : null);
  return [
    { name: 'Package', text: own.name },
    { name: 'Running', text: own.running ?? 'unknown' },
    { name: 'Installed', text: installed },
    ...(restarted === null ? [] : [{ name: 'After a restart', text: restarted }]),
    ...(own.latest === undefined ? [] : [{ name: 'Latest', text: own.latest }]),
  ];
}

function timeLine({ instance, history, timeZone }: DetailsSubject): NamedText[] {
  const { evidence, findings, record, idleSince, startedAt, id, pid, name } = instance;
  const events: { readonly at: string; readonly text: string }[] = [
    ...history.flatMap((entry) => {
      const begun = entry.outcome === 'done' && entry.after?.pid === pid && entry.target.name === name;
      const text = begun ? `Restarted by ${requesterText(entry)}: PID ${entry.target.pid} → ${pid}` : entry.message;
      // A PID may have been used before: a restart that ended in this process happened at its start.
      const fits = begun ? Math.abs(Date.parse(entry.at) - Date.parse(startedAt)) < 120_000 : entry.target.instance === id;
      return fits ? [{ at: entry.at, text }] : [];
    }),
    { at: startedAt, text: `Started (PID ${pid})` },
    ...(evidence ? [{ at: evidence.firstSeenAt, text: 'First seen by MCP Shepherd' }] : []),
    ...findings
      .filter(({ confidence }) => confidence !== 'unknown')
      .map(({ kind, message, since, sinceAtMost }) => ({
        at: since,
        text: `${findingLabels[kind].heading}: ${message}${sinceAtMost ? ' (or earlier)' : ''}`,
      })),
    ...(record?.refused
      ? [
          {
            at: record.refused.at,
            text: `Its guard refused a call (${counted(record.refused.calls, 'call')} so far): ${record.refused.last}`,
          },
        ]
      : []),
    ...(record?.idleSince === undefined ? [] : [{ at: record.idleSince, text: 'Last call' }]),
    ...(idleSince === undefined ? [] : [{ at: idleSince, text: 'Idle since then' }]),
  ];
  return events
    .filter(({ at }) => !Number.isNaN(Date.parse(at)))
    .sort((a, b) => Date.parse(a.at) - Date.parse(b.at))
    .map(({ at, text }) => ({ name: localTime(at, timeZone), text }));
}

function processRows(instance: Instance, facts: WindowFacts): DetailsPage['processes'] {
  const { client, launchers, tree, treeMemory, pid, command } = instance;
  const withMemory = (text: string, one: number): string => {
    const memory = roundedMemory(treeMemory?.[tree.indexOf(one)] ?? 0);
    return memory === undefined ? text : `${text} · ${memory}`;
  };
  const rows = [
    ...(client ? [`${ownerText(instance, facts)} (PID ${client.pid})`] : []),
    ...launchers.map((launcher) => withMemory(`${launcher.kind} (PID ${launcher.pid}): ${launcher.command}`, launcher.pid)),
    withMemory(`${command} (PID ${pid})`, pid),
  ].map((text, depth) => ({ depth, text }));
  const above = new Set([pid, ...launchers.map((launcher) => launcher.pid)]);
  const below = tree.filter((one) => !above.has(one)).map((one) => ({ depth: rows.length, text: withMemory(`PID ${one}`, one) }));
  return [...rows, ...below];
}

function factRows(instance: Instance, { definitions }: Snapshot, facts: WindowFacts): NamedText[] {
  const { record, client, guarded, background, cwd, memoryBytes } = instance;
  const entries = definitions.filter(({ id }) => instance.definitions.includes(id));
  const held = record?.locks.map(({ kind, resource }) => (kind === 'path' ? homePath(resource, facts.home) : resource)).join(', ');
  const guardPid = record?.guardPid === undefined ? '' : ` (PID ${record.guardPid})`;
  return [
    { name: 'Client', text: client ? ownerText(instance, facts) : background ? 'none: it runs on its own' : 'none' },
    { name: 'Entry', text: entries.map(({ file, line }) => `${homePath(file, facts.home)}, line ${line}`).join('; ') || 'none' },
    { name: 'Memory', text: roundedMemory(memoryBytes) ?? 'unknown' },
    { name: 'Directory', text: cwd === null ? 'could not be read' : homePath(cwd, facts.home) },
    { name: 'Guard', text: guarded ? `yes${guardPid}` : 'no' },
    ...(record?.problem === undefined ? [] : [{ name: 'Guard could not restart it', text: record.problem }]),
    ...(held ? [{ name: 'Lock', text: record?.exclusion === 'none' ? `uses ${held} without a lock` : `holds ${held}` }] : []),
  ];
}

/** The server that the page goes on with when its process has ended: a newer one of the same entry and client. */
export function successorOf(before: Instance, { instances }: Snapshot): Instance | undefined {
  return instances
    .filter(
      (one) =>
        one.name === before.name &&
        one.client?.identity === before.client?.identity &&
        one.definitions[0] === before.definitions[0] &&
        Date.parse(one.startedAt) >= Date.parse(before.startedAt),
    )
    .sort((a, b) => Date.parse(b.startedAt) - Date.parse(a.startedAt))[0];
}
