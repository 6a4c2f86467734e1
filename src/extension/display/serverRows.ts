import { basename } from 'node:path';
import { isUpgradable } from '../../action/plan/upgradePlan.ts';
import { guardability } from '../../action/protect/guardArguments.ts';
import { laziness } from '../../action/protect/mayStartLazily.ts';
import { t } from '../../base/language/translate.ts';
import { clientName, isVscode } from '../../clients/clientTable.ts';
import type { Definition } from '../../model/definition.ts';
import type { Problem } from '../../model/problem.ts';
import type { Instance, NotStarted, Snapshot } from '../../model/snapshot.ts';
import { restingState } from '../../presentation/lazyStart.ts';
import { doingWord, hasOutput, isRestartable, isStale, ownerText, shortOwnerText, type WindowFacts } from '../window/windowFacts.ts';
import {
  type Attention,
  copiesLine,
  copiesText,
  countedFindings,
  countsText,
  findingsText,
  fixOf,
  isIgnored,
  muteKey,
  stateText,
  worstFinding,
} from './attention.ts';
import { guardBytes } from './guardQuestions.ts';
import { copyLabel, processText, versionAndState, versionsText } from './instanceText.ts';
import { oneLine, shortName } from './plainText.ts';
import { pathText, sourceText } from './sourceText.ts';
import { contextFlags, instanceIcon, type RowAbilities, serverIcon, type TreeNode } from './treeNode.ts';

/** The input of every row. */
export interface RowContext {
  readonly snapshot: Snapshot;
  readonly facts: WindowFacts;
  /** Epoch ms, for ages. */
  readonly now: number;
}

/** One entry of one client with its running servers, or servers without an entry. */
export interface ServerGroup {
  readonly name: string;
  readonly definition: Definition | undefined;
  readonly instances: Instance[];
  /** The other entry of the same client under which the running server of this entry is shown. */
  readonly sharedWith?: Definition;
}

/** The guard of an entry that has not started its server, or has put it to sleep. */
export function restingGuard({ id }: Definition, { notStarted = [] }: Snapshot): NotStarted | undefined {
  return notStarted.find(({ definitions }) => definitions.includes(id));
}

/** Whether it keeps a row of its own while it has no process: it is being started, was stopped from this window, or its guard starts it at the next call. */
export function staysInPlace({ definition }: ServerGroup, { facts: { busy, stopped }, snapshot }: RowContext): boolean {
  return (
    definition !== undefined && (busy.has(definition.id) || stopped.has(definition.id) || restingGuard(definition, snapshot) !== undefined)
  );
}

/** Its row; with several copies, a row for each below it. @param shown label, and words after the others, where the row is not below its client */
export function serverRow(
  id: string,
  server: ServerGroup,
  context: RowContext,
  shown: { readonly label?: string; readonly after?: string } = {},
): TreeNode {
  const { definition } = server;
  const instances = [...server.instances].sort((a, b) => Date.parse(a.startedAt) - Date.parse(b.startedAt) || a.pid - b.pid);
  const [only, ...others] = instances;
  const name = shown.label ?? server.name;
  const label = shortName(name);
  if (only && others.length === 0) {
    const row = instanceRow(id, only, definition, context, { label });
    return { ...row, kind: 'server', description: [row.description, shown.after].filter(Boolean).join(' · ') };
  }
  const busy = definition && context.facts.busy.get(definition.id);
  const state = busy ? `${doingWord(busy)}…` : only ? copiesState(instances, definition, context) : idleState(server, context);
  const description = [state, definition?.guarded && t('guarded'), shown.after].filter(Boolean).join(' · ');
  return {
    id,
    kind: 'server',
    label,
    description,
    icon: busy ? { id: 'loading~spin' } : serverIcon(definition, instances),
    expanded: true,
    flags: contextFlags({
      kind: 'server',
      ...entryAbilities(definition, instances),
      startable: !only && !busy && definition !== undefined && isStartable(definition, context),
    }),
    spoken: `${oneLine(name, 80)}: ${description}`,
    ...(definition ? { definitionId: definition.id } : {}),
    children: instances.map((instance) => instanceRow(`${id}:${instance.id}`, instance, definition, context)),
  };
}

/** The row of an entry as it stands in its file, whatever runs. */
export function entryRow(id: string, definition: Definition, { home }: WindowFacts): TreeNode {
  const label = oneLine(clientName(definition.client), 60);
  const description = [!definition.enabled && t('switched off'), sourceText(definition, home)].filter(Boolean).join(' · ');
  return {
    id,
    kind: 'server',
    label,
    description,
    icon: serverIcon(definition, []),
    expanded: false,
    flags: contextFlags({ kind: 'server', ...entryAbilities(definition, []) }),
    spoken: `${label}: ${description}`,
    definitionId: definition.id,
    children: [],
  };
}

/** "3 running, 1 stale". */
function copiesState(instances: readonly Instance[], definition: Definition | undefined, { facts }: RowContext): string {
  const counts = countsText(countedFindings(instances, facts));
  return [t('{0} running', instances.length), counts, definition && stateText(definition.findings)].filter(Boolean).join(', ');
}

/** "not running", "switched off", "remote", with the file that holds the entry. */
function idleState({ definition, sharedWith }: ServerGroup, { facts, snapshot }: RowContext): string {
  if (sharedWith) {
    return t('same command as in {0}', sourceText(sharedWith, facts.home));
  }
  const own = definition && stateText(definition.findings);
  const resting = definition && restingGuard(definition, snapshot);
  const stopped =
    definition?.enabled === false ? t('switched off') : definition && definition.transport !== 'stdio' ? t('remote') : t('not running');
  const state = resting ? restingState(resting.record.start) : stopped;
  return [own ? `${own}, ${state}` : state, definition && sourceText(definition, facts.home)].filter(Boolean).join(' · ');
}

/** Whether this window may ask VS Code to start it. Not where its guard runs here already, which starts it at the next call. */
function isStartable(definition: Definition, { snapshot: { notStarted = [] }, facts: { trusted, clientId, pid } }: RowContext): boolean {
  const { id, vscodeCollection, readBy, enabled } = definition;
  const rests = notStarted.some(({ client, definitions }) => client?.pid === pid && definitions.includes(id));
  return vscodeCollection !== undefined && readBy.includes(clientId) && enabled && trusted && !rests;
}

/**
 * The row of one running server.
 * @param shown `label`: its name; without it one of several copies, which only process and owner tell apart. `owner`: its client, where the row does not stand below it
 */
function instanceRow(
  id: string,
  instance: Instance,
  definition: Definition | undefined,
  context: RowContext,
  { label, owner }: { readonly label?: string; readonly owner?: string } = {},
): TreeNode {
  const { facts, now } = context;
  const doing = facts.busy.get(instance.id);
  const finding = worstFinding(instance.findings);
  const ignored = finding !== undefined && isIgnored(finding, { instance, name: instance.name }, facts);
  const told = [...instance.findings, ...(definition?.findings ?? [])];
  const words = doing ? `${doingWord(doing)}…` : [stateText(told), ignored && t('(ignored)')].filter(Boolean).join(' ');
  const isOther = instance.client && isVscode(instance.client.id) && instance.client.pid !== facts.pid;
  const window = isOther && owner === undefined && t('another window');
  const recorded = instance.package?.origin === 'recorded' && instance.record?.guardPid === undefined;
  const how = [
    !instance.client && instance.background && t('background'),
    instance.guarded && t('guarded'),
    recorded && t('version as recorded'),
  ];
  const process = processText(instance, now);
  const spoken = [
    findingsText(told) && (doing ? `${doingWord(doing)}…` : findingsText(told)),
    ignored && t('ignored'),
    process,
    oneLine(ownerText(instance, facts), 80),
  ];
  return {
    id,
    kind: 'instance',
    label: label ?? copyLabel(instance),
    description: [
      label === undefined ? words : versionAndState(instance, words),
      window,
      ...how,
      label === undefined && processText(instance, now, copyLabel(instance)),
      owner,
    ]
      .filter(Boolean)
      .join(' · '),
    icon: ignored && !doing ? { id: 'eye-closed' } : instanceIcon(instance, doing !== undefined),
    expanded: false,
    flags: contextFlags({
      kind: 'instance',
      ...entryAbilities(definition, doing ? [] : [instance]),
      ...abilities(instance, context),
      ...(finding && !doing ? { ignorable: !ignored, ignored } : {}),
    }),
    spoken: `${oneLine(instance.name, 80)}, ${versionsText(instance)}, ${[...spoken, ...how].filter(Boolean).join(', ')}`,
    instanceId: instance.id,
    ...(definition ? { definitionId: definition.id } : {}),
    children: [],
  };
}

/** The actions on the entry of a row. @param instances the servers that the row stands for */
function entryAbilities(definition: Definition | undefined, instances: readonly Instance[]): Partial<RowAbilities> {
  const start = definition && laziness(definition);
  return {
    configured: definition !== undefined,
    guard: definition && guardability(definition),
    start,
    unused: start === 'lazyable' && instances.length > 0 && instances.every(costsUnused),
  };
}

/** Whether a server that has done nothing for an hour costs more than the guard that would start it when it is called. */
function costsUnused({ idleSince, guarded, memoryBytes }: Instance): boolean {
  return idleSince !== undefined && (guarded === true || memoryBytes > guardBytes);
}

function abilities(instance: Instance, { snapshot, facts }: RowContext): Partial<RowAbilities> {
  const free = !facts.busy.has(instance.id);
  const finding = worstFinding(instance.findings);
  const fix = finding && fixOf(finding, { instance, name: instance.name }, snapshot, facts);
  return {
    running: true,
    restartable: free && isRestartable(instance, snapshot, facts),
    stale: isStale(instance),
    output: hasOutput(instance, snapshot, facts),
    upgradable: free && isUpgradable(instance),
    muted: facts.choices.muted.includes(muteKey(instance)),
    ...(free && fix === 'stop' ? { fix: 'stoppable' } : free && fix === 'step' ? { fix: 'stepwise' } : {}),
  };
}

/** The row of a server or entry in the group of those that need attention. */
export function attentionRow({ instance, definition, name, finding, copies, process }: Attention, context: RowContext): TreeNode {
  const { facts, snapshot } = context;
  if (instance && copies) {
    const label = oneLine(name, 80);
    const entry = snapshot.definitions.find(({ id }) => instance.definitions.includes(id));
    const description = [copiesText(copies), oneLine(shortOwnerText(instance, facts), 60)].join(' · ');
    return {
      id: `attention:${copiesLine(instance)}`,
      kind: 'instance',
      label,
      description,
      icon: instanceIcon(instance, false),
      expanded: false,
      flags: contextFlags({ kind: 'instance', ...entryAbilities(entry, copies), fix: 'surplus', ignorable: true }),
      spoken: `${label}: ${description}`,
      instanceId: instance.id,
      children: [],
    };
  }
  if (instance) {
    const entry = snapshot.definitions.find(({ id }) => instance.definitions.includes(id));
    const owner = [process, oneLine(shortOwnerText(instance, facts), 60)].filter(Boolean).join(' · ');
    return instanceRow(`attention:${instance.id}`, instance, entry, context, { label: shortName(instance.name), owner });
  }
  const server = { name, definition, instances: [] };
  const row = serverRow(`attention:${definition?.id}`, server, context);
  return { ...row, icon: serverIcon(definition, []), spoken: `${oneLine(name, 80)}: ${findingsText([finding])}` };
}

/** The row of a configuration file that could not be read in full; a click opens the line. */
export function problemRow({ file = '', line = 1, message }: Problem, { facts }: RowContext): TreeNode {
  const path = pathText(file, facts.home);
  return {
    id: `problem:${file}:${line}:${message}`,
    kind: 'problem',
    label: oneLine(basename(file.replaceAll('\\', '/')), 80),
    description: t('line {0}: {1}', line, oneLine(message, 200)),
    icon: { id: 'error', color: 'problemsErrorIcon.foreground' },
    expanded: false,
    flags: contextFlags({ kind: 'problem' }),
    spoken: t('{0}, line {1}: {2}', path, line, oneLine(message, 300)),
    open: { file, line },
    children: [],
  };
}
