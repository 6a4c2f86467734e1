import { type HistoryEntry, requesterText } from '../../../action/execute/actionHistory.ts';
import { isUpgradable } from '../../../action/plan/upgradePlan.ts';
import { guardWouldHelp } from '../../../action/protect/guardArguments.ts';
import { type Message, msg, t, translated } from '../../../base/language/translate.ts';
import { type Finding, isHeadline } from '../../../model/finding.ts';
import type { Instance, Snapshot } from '../../../model/snapshot.ts';
import type { ExplanationSection } from '../../../presentation/explanation.ts';
import { compareFindings, findingLabels, isUndecided } from '../../../presentation/findingLabels.ts';
import { homePath, localTime, roundedMemory } from '../../../presentation/quantities.ts';
import { type CommandName, commands } from '../../manifestNames.ts';
import { type Doing, hasOutput, isRestartable, ownerText, type WindowFacts } from '../../window/windowFacts.ts';
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
      ? doingSentence(doing)
      : verdictText(instance, worst, worst !== undefined && isIgnored(worst, { instance, name: instance.name }, facts)),
    tone: worst ? 'warning' : instance.package?.running == null || isUndecided(instance) ? 'unknown' : 'good',
    buttons: buttonsOf(subject, worst, doing !== undefined),
    versions: versionRows(instance, told),
    dependencies: instance.changedDependencies.map(({ name, running, installed }) => ({
      name,
      running: running ?? t('not installed'),
      installed: installed ?? t('not installed'),
    })),
    times: timeLine(subject),
    processes: processRows(instance, facts),
    facts: factRows(instance, snapshot, facts),
    evidence: evidenceSections(instance, snapshot, facts),
  };
}

function doingSentence(doing: Doing): string {
  return {
    restarting: t('It is restarting.'),
    stopping: t('It is stopping.'),
    starting: t('It is starting.'),
    upgrading: t('It is upgrading.'),
  }[doing];
}

/** "It still runs 1.0.0, but 1.1.0 is installed." */
function verdictText(instance: Instance, worst: Finding | undefined, ignored: boolean): string {
  const suffix = ignored ? [t('You ignore this problem.')] : [];
  if (worst?.kind === 'stale') {
    const change = changeSummary(instance, t('It'), worst.confidence === 'proven' ? 'one' : 'probably');
    return [`${change}.`, t('A restart is needed.'), ...suffix].join(' ');
  }
  if (worst) {
    return [t('{0}: {1}.', translated(findingLabels[worst.kind].heading), worst.message.replace(/\.$/, '')), ...suffix].join(' ');
  }
  const { package: own, unknown } = instance;
  if (own?.running == null) {
    return unknown === undefined ? t('Its version is not known.') : t('Its version is not known: {0}.', unknown.replace(/\.$/, ''));
  }
  const versions = versionsText(instance, true);
  return unknown === undefined
    ? t('{0}. No problem was found.', versions)
    : t('{0}. Whether that is current is not certain: {1}.', versions, unknown.replace(/\.$/, ''));
}

const fixes: Readonly<Record<Exclude<FixKind, 'open'>, { readonly label: Message; readonly command: CommandName }>> = {
  restart: { label: msg('Restart'), command: commands.restartInstance },
  upgrade: { label: msg('Upgrade and Restart…'), command: commands.upgradeInstance },
  stop: { label: msg('Stop…'), command: commands.stopInstance },
  step: { label: msg('How to Restart'), command: commands.howToRestart },
};

function buttonsOf({ instance, snapshot, facts }: DetailsSubject, worst: Finding | undefined, busy: boolean): DetailsButton[] {
  const fix = worst && fixOf(worst, { instance, name: instance.name }, snapshot, facts);
  const acts = [
    ...(fix === undefined || fix === 'open' ? [] : [fixes[fix]]),
    ...(isRestartable(instance, snapshot, facts) ? [fixes.restart] : []),
    ...(isUpgradable(instance) ? [fixes.upgrade] : []),
    fixes.stop,
    ...(guardWouldHelp(instance, snapshot) ? [{ label: msg('Launch Through Guard…'), command: commands.launchThroughGuard }] : []),
  ];
  const looks = [
    ...(instance.definitions.length > 0 ? [{ label: msg('Open Entry'), command: commands.revealDefinition }] : []),
    ...(hasOutput(instance, snapshot, facts) ? [{ label: msg('Show Output'), command: commands.showOutput }] : []),
    { label: msg('Copy for a Bug Report'), command: commands.copyReport },
  ];
  const all = [...(busy ? [] : acts), ...looks];
  return all
    .filter(({ command }, index) => all.findIndex((other) => other.command === command) === index)
    .map(({ label, command }) => ({ label: translated(label), command, argument: instance.id }));
}

function versionRows({ package: own, findings }: Instance, told: readonly Finding[]): NamedText[] {
  if (!own) {
    return [];
  }
  const gone = findings.some(({ kind }) => kind === 'files-gone');
  const installed = own.installed ?? (gone ? t('uninstalled') : t('unknown'));
  // Without a finding it is not known what its command would start.
  const restarted =
    told.find(({ kind }) => kind === 'respawn-differs')?.message ?? (told.some(({ kind }) => kind === 'stale') ? own.installed : null);
  return [
    { name: t('Package'), text: own.name },
    { name: t('Running'), text: own.running ?? t('unknown') },
    { name: t('Installed'), text: installed },
    ...(restarted === null ? [] : [{ name: t('After a restart'), text: restarted }]),
    ...(own.latest === undefined ? [] : [{ name: t('Latest'), text: own.latest }]),
  ];
}

function timeLine({ instance, history, timeZone }: DetailsSubject): NamedText[] {
  const { evidence, findings, record, idleSince, startedAt, id, pid, name } = instance;
  const events: { readonly at: string; readonly text: string; readonly orEarlier?: boolean }[] = [
    ...history.flatMap((entry) => {
      const begun = entry.outcome === 'done' && entry.after?.pid === pid && entry.target.name === name;
      const text = begun ? t('Restarted by {0}: PID {1} → {2}', requesterText(entry), entry.target.pid, pid) : entry.message;
      // A PID may have been used before: a restart that ended in this process happened at its start.
      const fits = begun ? Math.abs(Date.parse(entry.at) - Date.parse(startedAt)) < 120_000 : entry.target.instance === id;
      return fits ? [{ at: entry.at, text }] : [];
    }),
    { at: startedAt, text: t('Started (PID {0})', pid) },
    ...(evidence ? [{ at: evidence.firstSeenAt, text: t('First seen by MCP Shepherd') }] : []),
    ...findings
      .filter(({ confidence }) => confidence !== 'unknown')
      .map(({ kind, message, since, sinceAtMost }) => ({
        at: since,
        orEarlier: sinceAtMost === true,
        text: t('{0}: {1}', translated(findingLabels[kind].heading), message),
      })),
    ...(record?.refused
      ? [
          {
            at: record.refused.at,
            text:
              record.refused.calls === 1
                ? t('Its guard refused a call (1 call so far): {0}', record.refused.last)
                : t('Its guard refused a call ({0} calls so far): {1}', record.refused.calls, record.refused.last),
          },
        ]
      : []),
    ...(record?.idleSince === undefined ? [] : [{ at: record.idleSince, text: t('Last call') }]),
    ...(idleSince === undefined ? [] : [{ at: idleSince, text: t('Idle since then') }]),
  ];
  return events
    .filter(({ at }) => !Number.isNaN(Date.parse(at)))
    .sort((a, b) => Date.parse(a.at) - Date.parse(b.at))
    .map(({ at, text, orEarlier }) => ({ name: orEarlier ? t('{0} or earlier', localTime(at, timeZone)) : localTime(at, timeZone), text }));
}

function processRows(instance: Instance, facts: WindowFacts): DetailsPage['processes'] {
  const { client, launchers, tree, treeMemory, pid, command } = instance;
  const withMemory = (text: string, one: number): string => {
    const memory = roundedMemory(treeMemory?.[tree.indexOf(one)] ?? 0);
    return memory === undefined ? text : `${text} · ${memory}`;
  };
  const rows = [
    ...(client ? [t('{0} (PID {1})', ownerText(instance, facts), client.pid)] : []),
    ...launchers.map((launcher) => withMemory(t('{0} (PID {1}): {2}', launcher.kind, launcher.pid, launcher.command), launcher.pid)),
    withMemory(t('{0} (PID {1})', command, pid), pid),
  ].map((text, depth) => ({ depth, text }));
  const above = new Set([pid, ...launchers.map((launcher) => launcher.pid)]);
  const below = tree.filter((one) => !above.has(one)).map((one) => ({ depth: rows.length, text: withMemory(t('PID {0}', one), one) }));
  return [...rows, ...below];
}

function factRows(instance: Instance, { definitions }: Snapshot, facts: WindowFacts): NamedText[] {
  const { record, client, guarded, background, cwd, memoryBytes } = instance;
  const entries = definitions.filter(({ id }) => instance.definitions.includes(id));
  const held = record?.locks.map(({ kind, resource }) => (kind === 'path' ? homePath(resource, facts.home) : resource)).join(', ');
  return [
    { name: t('Client'), text: client ? ownerText(instance, facts) : background ? t('none: it runs on its own') : t('none') },
    {
      name: t('Entry'),
      text: entries.map(({ file, line }) => t('{0}, line {1}', homePath(file, facts.home), line)).join('; ') || t('none'),
    },
    { name: t('Memory'), text: roundedMemory(memoryBytes) ?? t('unknown') },
    { name: t('Directory'), text: cwd === null ? t('could not be read') : homePath(cwd, facts.home) },
    { name: t('Guard'), text: !guarded ? t('no') : record?.guardPid === undefined ? t('yes') : t('yes (PID {0})', record.guardPid) },
    ...(record?.problem === undefined ? [] : [{ name: t('Guard could not restart it'), text: record.problem }]),
    ...(held ? [{ name: t('Lock'), text: record?.exclusion === 'none' ? t('uses {0} without a lock', held) : t('holds {0}', held) }] : []),
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
