import { quotedText } from '../base/singleLine.ts';
import type { Definition } from '../model/definition.ts';
import type { Finding, FindingAction } from '../model/finding.ts';
import type { PackageChange } from '../model/package.ts';
import type { Problem } from '../model/problem.ts';
import type { Instance, InstanceEvidence, ServerRecord, Snapshot } from '../model/snapshot.ts';
import { compareFindings, findingLabels, findingWord } from './findingLabels.ts';
import { startText } from './lazyStart.ts';
import { counted, duration, homePath, localTime, memory } from './quantities.ts';

/** One line of an explanation: its name, and the text. An empty name: a sentence of its own. */
interface ExplanationRow {
  readonly name: string;
  readonly text: string;
}

export interface ExplanationSection {
  readonly heading: string;
  readonly rows: readonly ExplanationRow[];
}

interface ExplanationOptions {
  /** How to restart it; command line and editor differ. */
  readonly restart: string;
  /** Home folder, shown as `~`. */
  readonly home?: string;
  /** "VS Code, this window"; default: the client's name. */
  readonly owner?: string;
  /** How often copies of it were stopped under its client, and how often the client started it again at once. */
  readonly stops?: { readonly stops: number; readonly again: number };
  /** IANA name; default: where this runs. */
  readonly timeZone?: string;
}

/**
 * Everything known about one running server, for every view that explains it: what is wrong and since when, how to fix it, its process and client, its entry, its
 * package, and how each of these is known. Redacted, because the snapshot is; each view escapes the text for its own display.
 */
export function explanationOf(instance: Instance, snapshot: Snapshot, options: ExplanationOptions): ExplanationSection[] {
  const definitions = instance.definitions.flatMap((id) => snapshot.definitions.find((item) => item.id === id) ?? []);
  const time = (iso: string): string => localTime(iso, options.timeZone);
  const path = (file: string): string => homePath(file, options.home ?? '');
  const findings = [...instance.findings, ...definitions.flatMap((definition) => definition.findings)];
  return [
    ...findings.map((finding) => ({ heading: findingHeading(finding), rows: findingRows(finding, time, path) })),
    { heading: 'How to restart it', rows: [{ name: '', text: options.restart }] },
    { heading: 'Process', rows: processRows(instance, options, time, path) },
    { heading: 'Package', rows: packageRows(instance, time, path, options.timeZone) },
    ...(instance.record ? [{ heading: 'Published record', rows: recordRows(instance.record, path) }] : []),
    ...(definitions.length === 0
      ? [{ heading: 'Configuration', rows: noEntryRows(instance.evidence) }]
      : definitions.map((definition, index) => ({
          heading: 'Configuration',
          rows: definitionRows(definition, index === 0 ? instance.evidence : undefined, path),
        }))),
    ...problemSections(problemsAbout(instance, definitions, snapshot.problems), path),
  ];
}

/**
 * The few lines that most users need of an explanation, the most important first: how to fix it, since when and why, what it runs, whose it is. The verdict itself is
 * the caller's. Redacted, because the snapshot is; each view escapes the text for its own display.
 * @param now epoch ms
 */
export function summaryOf(
  instance: Instance,
  snapshot: Snapshot,
  options: ExplanationOptions & { readonly now: number },
): ExplanationRow[] {
  const definitions = instance.definitions.flatMap((id) => snapshot.definitions.find((item) => item.id === id) ?? []);
  const path = (file: string): string => homePath(file, options.home ?? '');
  const findings = [...instance.findings, ...definitions.flatMap((definition) => definition.findings)].sort(compareFindings);
  const [worst, ...others] = findings;
  const { package: own, client, record } = instance;
  const age = duration(options.now - Date.parse(instance.startedAt));
  const versions = own && [
    `${own.name} ${own.running ?? '(version unknown)'}`,
    ...(own.installed === null || own.installed === own.running ? [] : [`installed ${own.installed}`]),
    ...(own.latest === undefined || own.latest === own.installed ? [] : [`newest ${own.latest}`]),
  ];
  return rows([
    ['fix', worst && worst.actions.length > 0 ? fixText(worst.actions, path) : undefined],
    ['restart', worst ? undefined : options.restart],
    ['why', worst?.message],
    ['since', worst && `${worst.sinceAtMost ? 'at most ' : ''}${localTime(worst.since, options.timeZone)}`],
    ['also', others.map(findingWord).join(', ')],
    ['runs', versions?.join(', ')],
    [
      'client',
      `${client ? `${client.name} (PID ${client.pid})` : 'none'}; running for ${age}, ${memory(instance.memoryBytes)}${respawnText(options)}`,
    ],
    ['entry', definitions.map(({ file, line }) => `${path(file)}:${line}`).join(', ') || 'none'],
    ['old code', worst?.kind === 'stale' || record?.staleWrites?.calls ? staleWritesText(instance, options.timeZone) : undefined],
    ['refused', record?.refused && counted(record.refused.calls, 'call')],
    ['unknown', instance.unknown],
    ['proof', worst?.evidence[0]],
  ]);
}

/** Problems that concern this server: with its configuration files, or with its process. */
export function problemsAbout(instance: Instance, definitions: readonly Definition[], problems: readonly Problem[]): Problem[] {
  const files = new Set(definitions.map((definition) => definition.file));
  return problems.filter(({ file, pid }) => (file !== undefined && files.has(file)) || pid === instance.pid);
}

function findingHeading(finding: Finding): string {
  const certainty = { proven: 'proven', likely: 'likely, not proven', unknown: 'cannot be told' }[finding.confidence];
  return `${findingLabels[finding.kind].heading} (${certainty})`;
}

function findingRows(finding: Finding, time: Text, path: Text): ExplanationRow[] {
  return [
    { name: '', text: finding.message },
    ...finding.evidence.map((text) => ({ name: '', text })),
    { name: 'since', text: `${finding.sinceAtMost ? 'at most ' : ''}${time(finding.since)}` },
    ...(finding.actions.length === 0 ? [] : [{ name: 'fix', text: fixText(finding.actions, path) }]),
  ];
}

/** "Restart it. Or: Check its entry (~/.claude.json, line 7)." */
function fixText(actions: readonly FindingAction[], path: Text): string {
  return actions.map((action, index) => (index === 0 ? '' : 'Or: ') + actionText(action, path)).join(' ');
}

function actionText(action: FindingAction, path: Text): string {
  switch (action.kind) {
    case 'restart':
      return 'Restart it.';
    case 'end':
      return 'Stop it.';
    case 'manual':
      return action.step;
    case 'upgrade':
      return `Run ${action.argv.join(' ')}${action.cwd === undefined ? '' : ` in ${path(action.cwd)}`}, then restart it.`;
    case 'reveal':
      return `Check its entry (${path(action.file)}, line ${action.line}).`;
  }
}

type Text = (value: string) => string;

function processRows(instance: Instance, options: ExplanationOptions, time: Text, path: Text): ExplanationRow[] {
  const { client, evidence } = instance;
  const owner = options.owner ?? client?.name ?? '';
  return rows([
    ['client', client ? `${owner} (PID ${client.pid})` : instance.background ? 'none: it runs on its own' : 'none'],
    ['port', instance.listens && portText(instance)],
    ['identity', `PID ${instance.pid}, ${instance.id}`],
    ['started', time(instance.startedAt)],
    ['first seen', evidence && time(evidence.firstSeenAt)],
    ['memory', memoryText(instance)],
    ['stopped', options.stops && stopsText(options.stops)],
    ['command', instance.command],
    ['program', evidence && (evidence.program === null ? 'could not be read' : path(evidence.program))],
    ...instance.launchers.map((launcher): Pair => ['through', `${launcher.kind} (PID ${launcher.pid}): ${launcher.command}`]),
    ['directory', instance.cwd === null ? 'could not be read' : path(instance.cwd)],
    ['tree', instance.tree.length > 1 ? instance.tree.map((pid) => `PID ${pid}`).join(', ') : undefined],
    ['not read', evidence && evidence.unreadable.length > 0 ? evidence.unreadable.join('; ') : undefined],
  ]);
}

/** To follow what is known of the client. */
function respawnText({ stops }: ExplanationOptions): string {
  return stops && stops.again > 0 ? `; it started the server again at once after ${stops.again} of ${counted(stops.stops, 'stop')}` : '';
}

function stopsText({ stops, again }: { readonly stops: number; readonly again: number }): string | undefined {
  return stops === 0 ? undefined : `${counted(stops, 'copy', 'copies')} under this client; started again at once after ${again} of them`;
}

function portText({ listens, usedBy = [] }: Instance): string {
  const said = listens?.health;
  const health = said ? `; its /health answers ${said.status}${said.version === undefined ? '' : `, version ${said.version}`}` : '';
  const users = usedBy.length === 0 ? '' : `; connected: ${usedBy.map(({ name, pid }) => `${name} (PID ${pid})`).join(', ')}`;
  return `${listens?.port}${health}${users}`;
}

function memoryText({ memoryBytes, tree }: Instance): string | undefined {
  const others = tree.length - 1;
  const more = others > 0 ? `, with ${counted(others, 'more process', 'more processes')} of its tree` : '';
  return memoryBytes <= 0 ? undefined : `${memory(memoryBytes)}${more}`;
}

const trustTexts: Readonly<Record<NonNullable<InstanceEvidence['baseline']>['trust'], string>> = {
  'before-start': 'all packages were installed before the start, so these are the versions in use',
  'around-start': 'installed within 2 s of its start, or the times cannot be compared; assumed to be what is running',
  'after-start': 'something was installed between its start and this record; what it runs is older, and not known',
};

function packageRows(instance: Instance, time: Text, path: Text, timeZone: string | undefined): ExplanationRow[] {
  const { package: own, changedDependencies, unknown, evidence } = instance;
  const { source, baseline } = evidence ?? {};
  return rows([
    ['name', own ? `${own.name} (${own.ecosystem}${source?.editable ? ', used in place' : ''})` : 'unknown'],
    ['runs', own ? `${own.running ?? 'unknown'}${own.origin === 'recorded' ? ', reported by the server or its guard' : ''}` : undefined],
    ['installed', own ? (own.installed ?? 'unknown') : undefined],
    ['newest', own?.latest === undefined ? undefined : `${own.latest} in its registry`],
    ['from', own ? path(own.root) : undefined],
    ['found', source ? `${source.how}: ${path(source.entry)}` : undefined],
    [
      'read from',
      source?.metadata == null
        ? undefined
        : `${path(source.metadata)}${source.packages > 1 ? `; with ${counted(source.packages - 1, 'dependency', 'dependencies')}` : ''}`,
    ],
    [
      'recorded',
      baseline
        ? `${counted(baseline.packages, 'package')} on ${time(baseline.takenAt)}; ${baseline.written === undefined ? trustTexts[baseline.trust] : `${path(baseline.written)} was written between its start and this record; whether it runs what the file holds is not known`}`
        : noBaseline(own),
    ],
    ['record', baseline ? path(baseline.record) : undefined],
    ...(evidence?.compared ?? []).map(({ what, recordedAt }): Pair => ['compared', `${what}; recorded ${time(recordedAt)}`]),
    ...changedDependencies.map((change): Pair => ['changed', changeText(change)]),
    ['not known', unknown],
    [
      'old code',
      instance.findings.some(({ kind }) => kind === 'stale') || instance.record?.staleWrites?.calls
        ? staleWritesText(instance, timeZone)
        : undefined,
    ],
  ]);
}

/** The writing calls that ran on old code, so that the user can check the data after a restart. Only a guard knows them. */
function staleWritesText({ record }: Instance, timeZone: string | undefined): string {
  const said = record?.staleWrites;
  if (said?.from === undefined || said.to === undefined) {
    return said ? 'the guard passed no writing call to old code' : 'unknown whether writing calls ran on old code: no guard compared it';
  }
  const tools = said.tools.map(({ name, calls }) => `${quotedText(name)}${calls === 1 ? '' : ` (${calls} times)`}`);
  const unnamed = said.calls - said.tools.reduce((sum, { calls }) => sum + calls, 0);
  const more = unnamed > 0 ? [`${counted(unnamed, 'call')} of other tools`] : [];
  const span = `${localTime(said.from, timeZone)} to ${localTime(said.to, timeZone)}`;
  return `the guard passed ${counted(said.calls, 'writing call')} to old code from ${span}: ${[...tools, ...more].join(', ')}`;
}

const stateTexts: Readonly<Record<ServerRecord['state'], string>> = {
  starting: 'starting',
  running: 'running',
  stopping: 'stopping',
  compromised: 'its lock file was replaced: another server may use the same resource',
};

function recordRows(record: ServerRecord, path: Text): ExplanationRow[] {
  const alone = record.exclusion === 'none' ? ' (other processes are not kept away)' : '';
  return rows([
    ['name', quotedText(record.serverId)],
    ['state', stateTexts[record.state]],
    ...record.locks.map(({ kind, resource }): Pair => ['holds', `${kind === 'path' ? path(resource) : resource}${alone}`]),
    ['guard', record.guardPid === undefined ? undefined : `PID ${record.guardPid}`],
    ['trouble', record.problem],
    [
      'refused',
      record.refused &&
        `${record.refused.calls === 1 ? '1 call' : `${record.refused.calls} calls`}, the last at ${record.refused.at}: ${record.refused.last}`,
    ],
    ['idle since', record.idleSince],
    ['start', record.start && startText(record.start)],
    ['accepts', record.control.join(', ')],
    ['record', record.id],
  ]);
}

function noBaseline(own: Instance['package']): string | undefined {
  return own ? 'nothing yet, so the packages on disk cannot be compared' : undefined;
}

function changeText(change: PackageChange): string {
  const label = { upgrade: '', changed: '', downgrade: ' (downgrade)', removed: '', content: ' (same version, other content)' }[
    change.direction
  ];
  return `${change.name}: ${change.running ?? 'not there'} when it started, ${change.installed ?? 'gone'} now${label}`;
}

function definitionRows(definition: Definition, evidence: InstanceEvidence | undefined, path: Text): ExplanationRow[] {
  const { match } = evidence ?? {};
  return rows([
    ['entry', `${definition.name}, in ${path(definition.file)}, line ${definition.line}`],
    ['scope', definition.scope],
    ['switched', definition.enabled ? undefined : 'off in the file'],
    ...(definition.replacedBy ?? []).map(
      ({ file, line, folder }) =>
        ['replaced', `by ${path(file)}, line ${line}${folder === undefined ? '' : `, in ${path(folder)}`}`] as const,
    ),
    ['command', definition.command === undefined ? undefined : [definition.command, ...definition.args].join(' ')],
    ['address', definition.url],
    ['environment', definition.envNames.length === 0 ? undefined : `${definition.envNames.join(', ')} (values are never shown)`],
    ['known', match && match.why.length > 0 ? `${match.confidence}: ${match.why.join('; ')}` : undefined],
  ]);
}

function noEntryRows(evidence: InstanceEvidence | undefined): ExplanationRow[] {
  return rows([
    ['entry', 'in none of the configuration files that were read'],
    ['known', evidence && evidence.match.why.length > 0 ? evidence.match.why.join('; ') : undefined],
  ]);
}

function problemSections(problems: readonly Problem[], path: Text): ExplanationSection[] {
  return problems.length === 0
    ? []
    : [
        {
          heading: 'Could not be read',
          rows: problems.map(({ file, line, message }) => ({
            name: '',
            text: file === undefined ? message : `${path(file)}${line === undefined ? '' : `:${line}`}: ${message}`,
          })),
        },
      ];
}

type Pair = readonly [name: string, text: string | undefined];

function rows(pairs: readonly Pair[]): ExplanationRow[] {
  return pairs.flatMap(([name, text]) => (text === undefined || text === '' ? [] : [{ name, text }]));
}
