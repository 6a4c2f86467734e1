import { msg, t, translated } from '../base/language/translate.ts';
import { quotedText } from '../base/singleLine.ts';
import type { Definition } from '../model/definition.ts';
import type { Finding, FindingAction } from '../model/finding.ts';
import type { Problem } from '../model/problem.ts';
import type { Instance, InstanceEvidence, ServerRecord, Snapshot } from '../model/snapshot.ts';
import { type ExplanationRow, type Pair, rows } from './explanationRows.ts';
import { compareFindings, findingLabels, findingWord } from './findingLabels.ts';
import { startText } from './lazyStart.ts';
import { callsText, packageRows, staleWritesText } from './packageRows.ts';
import { duration, homePath, localTime, memory } from './quantities.ts';

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
    { heading: t('How to restart it'), rows: [{ name: '', text: options.restart }] },
    { heading: t('Process'), rows: processRows(instance, options, time, path) },
    { heading: t('Package'), rows: packageRows(instance, time, path, options.timeZone) },
    ...(instance.record ? [{ heading: t('Published record'), rows: recordRows(instance.record, path) }] : []),
    ...(definitions.length === 0
      ? [{ heading: t('Configuration'), rows: noEntryRows(instance.evidence) }]
      : definitions.map((definition, index) => ({
          heading: t('Configuration'),
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
    `${own.name} ${own.running ?? t('(version unknown)')}`,
    ...(own.installed === null || own.installed === own.running ? [] : [t('installed {0}', own.installed)]),
    ...(own.latest === undefined || own.latest === own.installed ? [] : [t('newest {0}', own.latest)]),
  ];
  return rows([
    ['fix', worst && worst.actions.length > 0 ? fixText(worst.actions, path) : undefined],
    ['restart', worst ? undefined : options.restart],
    ['why', worst?.message],
    ['since', worst && sinceText(worst, localTime(worst.since, options.timeZone))],
    ['also', others.map(findingWord).join(', ')],
    ['runs', versions?.join(', ')],
    [
      'client',
      [
        t('{0}; running for {1}, {2}', client ? t('{0} (PID {1})', client.name, client.pid) : t('none'), age, memory(instance.memoryBytes)),
        ...respawnText(options),
      ].join('; '),
    ],
    ['entry', definitions.map(({ file, line }) => `${path(file)}:${line}`).join(', ') || t('none')],
    ['old code', worst?.kind === 'stale' || record?.staleWrites?.calls ? staleWritesText(instance, options.timeZone) : undefined],
    ['refused', record?.refused && callsText(record.refused.calls)],
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
  const heading = translated(findingLabels[finding.kind].heading);
  return {
    proven: t('{0} (proven)', heading),
    likely: t('{0} (likely, not proven)', heading),
    unknown: t('{0} (cannot be told)', heading),
  }[finding.confidence];
}

function findingRows(finding: Finding, time: Text, path: Text): ExplanationRow[] {
  return [
    { name: '', text: finding.message },
    ...finding.evidence.map((text) => ({ name: '', text })),
    ...rows([
      ['since', sinceText(finding, time(finding.since))],
      ['fix', finding.actions.length === 0 ? undefined : fixText(finding.actions, path)],
    ]),
  ];
}

function sinceText({ sinceAtMost }: Finding, time: string): string {
  return sinceAtMost ? t('at most {0}', time) : time;
}

/** "Restart it. Or: Check its entry (~/.claude.json, line 7)." */
function fixText(actions: readonly FindingAction[], path: Text): string {
  return actions.map((action, index) => (index === 0 ? actionText(action, path) : t('Or: {0}', actionText(action, path)))).join(' ');
}

function actionText(action: FindingAction, path: Text): string {
  switch (action.kind) {
    case 'restart':
      return t('Restart it.');
    case 'end':
      return t('Stop it.');
    case 'manual':
      return action.step;
    case 'upgrade':
      return action.cwd === undefined
        ? t('Run {0}, then restart it.', action.argv.join(' '))
        : t('Run {0} in {1}, then restart it.', action.argv.join(' '), path(action.cwd));
    case 'reveal':
      return t('Check its entry ({0}, line {1}).', path(action.file), action.line);
  }
}

type Text = (value: string) => string;

function processRows(instance: Instance, options: ExplanationOptions, time: Text, path: Text): ExplanationRow[] {
  const { client, evidence } = instance;
  const owner = options.owner ?? client?.name ?? '';
  return rows([
    ['client', client ? t('{0} (PID {1})', owner, client.pid) : instance.background ? t('none: it runs on its own') : t('none')],
    ['port', instance.listens && portText(instance)],
    ['shared', instance.listens ? undefined : sharedText(instance)],
    ['identity', t('PID {0}, {1}', instance.pid, instance.id)],
    ['started', time(instance.startedAt)],
    ['first seen', evidence && time(evidence.firstSeenAt)],
    ['memory', memoryText(instance)],
    ['stopped', options.stops && stopsText(options.stops)],
    ['command', instance.command],
    ['program', evidence && (evidence.program === null ? t('could not be read') : path(evidence.program))],
    ...instance.launchers.map((launcher): Pair => ['through', t('{0} (PID {1}): {2}', launcher.kind, launcher.pid, launcher.command)]),
    ['directory', instance.cwd === null ? t('could not be read') : path(instance.cwd)],
    ['tree', instance.tree.length > 1 ? instance.tree.map((pid) => t('PID {0}', pid)).join(', ') : undefined],
    ['not read', evidence && evidence.unreadable.length > 0 ? evidence.unreadable.join('; ') : undefined],
  ]);
}

/** To follow what is known of the client. */
function respawnText({ stops }: ExplanationOptions): string[] {
  if (!stops || stops.again === 0) {
    return [];
  }
  return [
    stops.stops === 1
      ? t('it started the server again at once after {0} of 1 stop', stops.again)
      : t('it started the server again at once after {0} of {1} stops', stops.again, stops.stops),
  ];
}

function stopsText({ stops, again }: { readonly stops: number; readonly again: number }): string | undefined {
  if (stops === 0) {
    return undefined;
  }
  return stops === 1
    ? t('1 copy under this client; started again at once after {0} of them', again)
    : t('{0} copies under this client; started again at once after {1} of them', stops, again);
}

function sharedText({ usedBy = [] }: Instance): string | undefined {
  const clients = [...new Set(usedBy.map(({ name, pid }) => t('{0} (PID {1})', name, pid)))].join(', ');
  return usedBy.length === 0 ? undefined : t('by {0} sessions: {1}', usedBy.length, clients);
}

function portText({ listens, usedBy = [] }: Instance): string {
  const said = listens?.health;
  const health = said && (said.version === undefined ? said.status : t('{0}, version {1}', said.status, said.version));
  return [
    `${listens?.port}`,
    ...(health === undefined ? [] : [t('its /health answers {0}', health)]),
    ...(usedBy.length === 0 ? [] : [t('connected: {0}', usedBy.map(({ name, pid }) => t('{0} (PID {1})', name, pid)).join(', '))]),
  ].join('; ');
}

function memoryText({ memoryBytes, tree }: Instance): string | undefined {
  const others = tree.length - 1;
  const size = memory(memoryBytes);
  if (memoryBytes <= 0 || others <= 0) {
    return memoryBytes <= 0 ? undefined : size;
  }
  return others === 1 ? t('{0}, with 1 more process of its tree', size) : t('{0}, with {1} more processes of its tree', size, others);
}

const stateTexts: Readonly<Record<ServerRecord['state'], string>> = {
  starting: msg('starting'),
  running: msg('running'),
  stopping: msg('stopping'),
  compromised: msg('its lock file was replaced: another server may use the same resource'),
};

function recordRows(record: ServerRecord, path: Text): ExplanationRow[] {
  const held = (resource: string): string =>
    record.exclusion === 'none' ? t('{0} (other processes are not kept away)', resource) : resource;
  return rows([
    ['name', quotedText(record.serverId)],
    ['state', translated(stateTexts[record.state])],
    ...record.locks.map(({ kind, resource }): Pair => ['holds', held(kind === 'path' ? path(resource) : resource)]),
    ['guard', guardText(record)],
    ['trouble', record.problem],
    ['refused', record.refused && t('{0}, the last at {1}: {2}', callsText(record.refused.calls), record.refused.at, record.refused.last)],
    ['idle since', record.idleSince],
    ['start', record.start && startText(record.start)],
    ['shared', record.unshared === undefined ? undefined : t('no, this client has a server of its own: {0}', record.unshared)],
    ['accepts', record.control.join(', ')],
    ['record', record.id],
  ]);
}

function guardText({ guardPid, hostPid }: ServerRecord): string | undefined {
  if (guardPid === undefined) {
    return undefined;
  }
  return hostPid === undefined ? t('PID {0}', guardPid) : t('PID {0}, a relay; its session runs in the host, PID {1}', guardPid, hostPid);
}

function definitionRows(definition: Definition, evidence: InstanceEvidence | undefined, path: Text): ExplanationRow[] {
  const { match } = evidence ?? {};
  return rows([
    ['entry', t('{0}, in {1}, line {2}', definition.name, path(definition.file), definition.line)],
    ['scope', definition.scope],
    ['switched', definition.enabled ? undefined : t('off in the file')],
    ...(definition.replacedBy ?? []).map(
      ({ file, line, folder }) =>
        [
          'replaced',
          folder === undefined ? t('by {0}, line {1}', path(file), line) : t('by {0}, line {1}, in {2}', path(file), line, path(folder)),
        ] as const,
    ),
    ['command', definition.command === undefined ? undefined : [definition.command, ...definition.args].join(' ')],
    ['address', definition.url],
    ['environment', definition.envNames.length === 0 ? undefined : t('{0} (values are never shown)', definition.envNames.join(', '))],
    ['known', match && match.why.length > 0 ? [translated(confidenceTexts[match.confidence]), match.why.join('; ')].join(': ') : undefined],
  ]);
}

function noEntryRows(evidence: InstanceEvidence | undefined): ExplanationRow[] {
  return rows([
    ['entry', t('in none of the configuration files that were read')],
    ['known', evidence && evidence.match.why.length > 0 ? evidence.match.why.join('; ') : undefined],
  ]);
}

function problemSections(problems: readonly Problem[], path: Text): ExplanationSection[] {
  return problems.length === 0
    ? []
    : [
        {
          heading: t('Could not be read'),
          rows: problems.map(({ file, line, message }) => ({
            name: '',
            text: file === undefined ? message : `${path(file)}${line === undefined ? '' : `:${line}`}: ${message}`,
          })),
        },
      ];
}

const confidenceTexts = {
  proven: msg('proven'),
  likely: msg('likely'),
  unknown: msg('unknown'),
} as const;
