import { t } from '../../base/language/translate.ts';
import { clientName, isVscode } from '../../clients/clientTable.ts';
import type { Definition } from '../../model/definition.ts';
import type { Problem } from '../../model/problem.ts';
import type { Instance, Snapshot } from '../../model/snapshot.ts';
import { billOf, billText } from '../../presentation/bill.ts';
import { driftOf, driftSummary } from '../../presentation/drift.ts';
import { roundedMemory } from '../../presentation/quantities.ts';
import { hostText } from '../../presentation/relayHost.ts';
import type { WindowFacts } from '../window/windowFacts.ts';
import { attentions, countedFindings, countsText } from './attention.ts';
import { oneLine } from './plainText.ts';
import { attentionRow, entryRow, problemRow, type RowContext, type ServerGroup, serverRow, staysInPlace } from './serverRows.ts';
import { contextFlags, type TreeNode } from './treeNode.ts';

/** One client with its entries and its running servers. */
interface ClientGroup {
  readonly key: string;
  readonly name: string;
  /** Undefined for servers without client. */
  readonly clientId: string | undefined;
  readonly servers: Map<string, ServerGroup>;
  readonly problems: Problem[];
}

/**
 * The rows of the view: what needs attention, then clients → servers → copies; servers without a client come last. Instead of by client, servers can be grouped by
 * name or by package. Pure. @param now epoch ms, for ages
 */
export function buildTree(snapshot: Snapshot, facts: WindowFacts, now: number): TreeNode[] {
  const context = { snapshot, facts, now };
  const groups = [...groupByClient(snapshot, facts).values()].sort((a, b) => rank(a, facts) - rank(b, facts) || compare(a.name, b.name));
  const { onlyProblems, groupBy } = facts.choices;
  if (onlyProblems) {
    return [...attentionGroup(context), ...groups.flatMap(({ problems }) => problems.map((problem) => problemRow(problem, context)))];
  }
  const rows = groupBy === 'client' ? groups.map((group) => clientRow(group, context)) : regrouped(groups, groupBy, context);
  const drifts = groupBy === 'server' ? driftGroup(context) : [];
  return [...attentionGroup(context), ...rows, ...drifts, ...hostRows(snapshot), ...billRow(snapshot)];
}

/** What all running servers cost, as the last row. */
function billRow({ instances }: Snapshot): TreeNode[] {
  const text = billText(billOf(instances), sizeText);
  return instances.length === 0
    ? []
    : [{ ...groupRow('bill', t('In all'), { id: 'pie-chart' }, []), description: text, expanded: false, spoken: text }];
}

/** The process that runs the guards of relays. */
function hostRows(snapshot: Snapshot): TreeNode[] {
  return (snapshot.hosts ?? []).map((host) => {
    const text = hostText(host, snapshot, sizeText);
    return { ...groupRow(`host:${host.pid}`, t('Guards of relays'), { id: 'vm' }, []), description: text, expanded: false, spoken: text };
  });
}

const sizeText = (bytes: number): string => roundedMemory(bytes) ?? t('memory unknown');

function attentionGroup(context: RowContext): TreeNode[] {
  const children = attentions(context.snapshot, context.facts).map((item) => attentionRow(item, context));
  return children.length === 0
    ? []
    : [
        {
          ...groupRow('attention', t('Needs attention'), { id: 'warning', color: 'problemsWarningIcon.foreground' }, children),
          label: t('Needs attention ({0})', children.length),
        },
      ];
}

/** Servers that several clients configure differently: what differs, and below it the entries. */
function driftGroup({ snapshot, facts }: RowContext): TreeNode[] {
  const children = driftOf(snapshot.definitions).map((drift): TreeNode => {
    const name = oneLine(drift.name, 80);
    const rows = drift.entries.map((entry) => entryRow(`drift:${entry.id}`, entry, facts));
    const description = oneLine(driftSummary(drift, clientName), 200);
    const row = groupRow(`drift-of:${JSON.stringify(drift.name)}`, name, { id: 'git-compare' }, rows);
    return { ...row, description, expanded: false, spoken: `${name}: ${description}` };
  });
  const label = t('Configured differently ({0})', children.length);
  return children.length === 0 ? [] : [{ ...groupRow('drift', label, { id: 'git-compare' }, children), expanded: false, spoken: label }];
}

/** A row that only holds others. */
function groupRow(id: string, label: string, icon: TreeNode['icon'], children: readonly TreeNode[]): TreeNode {
  return {
    id,
    kind: 'group',
    label,
    icon,
    expanded: true,
    flags: contextFlags({ kind: 'group' }),
    spoken: `${label}: ${children.length}`,
    children,
  };
}

/** The problems that have a row: those of a line in the configuration file of a known client. */
export function rowProblems(snapshot: Snapshot): (Problem & { readonly file: string; readonly client: string })[] {
  return snapshot.problems.flatMap((problem) => {
    const { source, file } = problem;
    const client = problem.client ?? snapshot.definitions.find((definition) => definition.file === file)?.client;
    return source === 'config' && file !== undefined && client !== undefined ? [{ ...problem, file, client }] : [];
  });
}

/**
 * The snapshot with each server that is being replaced in the place where it was, although its process has ended and a new one may run: its row stays.
 * @param held the servers as they were before, with the ids of all servers then
 */
export function holdRows(
  snapshot: Snapshot,
  held: readonly { readonly instance: Instance; readonly others: ReadonlySet<string> }[],
): Snapshot {
  const missing = held.filter(({ instance }) => !snapshot.instances.some(({ id }) => id === instance.id));
  const replaces = (one: Instance): boolean =>
    missing.some(
      ({ instance, others }) =>
        !others.has(one.id) &&
        one.client?.identity === instance.client?.identity &&
        (instance.definitions.length > 0 ? one.definitions.some((id) => instance.definitions.includes(id)) : one.name === instance.name),
    );
  return missing.length === 0
    ? snapshot
    : { ...snapshot, instances: [...snapshot.instances.filter((one) => !replaces(one)), ...missing.map(({ instance }) => instance)] };
}

function groupByClient(snapshot: Snapshot, facts: WindowFacts): Map<string, ClientGroup> {
  const groups = new Map<string, ClientGroup>();
  const groupOf = (clientId: string | undefined, name: string): ClientGroup => {
    // Unknown clients are grouped by the name of their program.
    // In quotation marks, so that no name makes the id of another row: VS Code shows no rows at all where two have one id.
    const key = clientId === undefined ? 'none' : clientId === 'unknown' ? `unknown:${JSON.stringify(name)}` : clientId;
    const group = groups.get(key) ?? { key, name, clientId, servers: new Map(), problems: [] };
    groups.set(key, group);
    return group;
  };
  const nameOf = (id: string): string => snapshot.clients.find((client) => client.id === id)?.name ?? clientName(id);
  const definitions = new Map(snapshot.definitions.map((definition) => [definition.id, definition]));
  /** By definition id: the clients that run it, and the definition under which each client's first such instance is shown. */
  const running = new Map<string, Map<string, Definition>>();
  for (const instance of snapshot.instances) {
    const group = instance.client ? groupOf(instance.client.id, instance.client.name) : groupOf(undefined, t('No client'));
    const definition = instance.definitions.map((id) => definitions.get(id)).find((item) => item !== undefined);
    const key = definition?.id ?? `unconfigured:${instance.name}`;
    const server = group.servers.get(key) ?? { name: definition?.name ?? instance.name, definition, instances: [] };
    server.instances.push(instance);
    group.servers.set(key, server);
    if (definition && instance.client) {
      for (const id of instance.definitions) {
        running.set(id, (running.get(id) ?? new Map<string, Definition>()).set(instance.client.id, definition));
      }
    }
  }
  for (const definition of snapshot.definitions) {
    const home = homeOf(definition, facts);
    const runners = [...(running.get(definition.id) ?? [])].filter(([client]) => client === home || (isVscode(client) && isVscode(home)));
    const shownAs = runners[0]?.[1];
    if (shownAs?.id !== definition.id) {
      const shared = shownAs ? { sharedWith: shownAs } : {};
      groupOf(runners[0]?.[0] ?? home, nameOf(home)).servers.set(definition.id, {
        name: definition.name,
        definition,
        instances: [],
        ...shared,
      });
    }
  }
  for (const problem of rowProblems(snapshot)) {
    const home = isVscode(problem.client) && isVscode(facts.clientId) ? facts.clientId : problem.client;
    groupOf(home, nameOf(home)).problems.push(problem);
  }
  return groups;
}

/** The client under which a definition without a running server is shown: its own, or this window's build of VS Code. */
function homeOf(definition: Definition, facts: WindowFacts): string {
  // A root `.mcp.json` is a file of another client, but VS Code starts its servers too.
  const windows = isVscode(definition.client) || definition.vscodeCollection === 'folder-dot-mcp';
  return windows && definition.readBy.includes(facts.clientId) ? facts.clientId : definition.client;
}

/** Order of the groups: this window's client first, servers without a client last. */
function rank(group: ClientGroup, facts: WindowFacts): number {
  if (group.clientId === undefined) {
    return 3;
  }
  return group.clientId === 'unknown' ? 2 : group.clientId === facts.clientId ? 0 : 1;
}

function compare(a: string, b: string): number {
  return a.localeCompare(b, 'en', { sensitivity: 'base', numeric: true });
}

function clientRow(group: ClientGroup, context: RowContext): TreeNode {
  const entries = [...group.servers].sort(([keyA, a], [keyB, b]) => compare(a.name, b.name) || compare(keyA, keyB));
  const rowOf = ([key, server]: readonly [string, ServerGroup]): TreeNode => serverRow(`server:${group.key}:${key}`, server, context);
  const isIdle = ([, server]: readonly [string, ServerGroup]): boolean => isResting(server, context);
  const instances = entries.flatMap(([, server]) => server.instances);
  // Where nothing runs, the row of the client itself is the fold.
  const children =
    instances.length === 0
      ? entries.map(rowOf)
      : [...entries.filter((entry) => !isIdle(entry)).map(rowOf), ...folded(group.key, entries.filter(isIdle).map(rowOf))];
  const counts = countsText(countedFindings(instances, context.facts));
  const broken = group.problems.length === 0 ? undefined : t('configuration broken');
  const description = [counts, broken, instances.length > 0 ? t('{0} running', instances.length) : t('none running')]
    .filter(Boolean)
    .join(' · ');
  const name = oneLine(group.name, 60);
  return {
    // VS Code remembers expansion by id. A client that starts to run servers gets another id, so that its row expands.
    id: `client:${group.key}${instances.length > 0 ? '' : ':idle'}`,
    kind: 'client',
    label: name,
    description,
    icon: { id: group.clientId === undefined ? 'circle-slash' : isVscode(group.clientId) ? 'window' : 'terminal' },
    expanded: instances.length > 0 || rank(group, context.facts) === 0 || group.problems.length > 0,
    flags: contextFlags({ kind: 'client' }),
    spoken: `${name}: ${description}`,
    children: [...group.problems.map((problem) => problemRow(problem, context)), ...children],
  };
}

function isResting(server: ServerGroup, context: RowContext): boolean {
  return server.instances.length === 0 && !staysInPlace(server, context);
}

/** Several rows of what does not run as one row that opens; a single one as it is, because it takes no more room. */
function folded(key: string, rows: readonly TreeNode[]): readonly TreeNode[] {
  if (rows.length < 2) {
    return rows;
  }
  const label = t('Not running ({0})', rows.length);
  const names = oneLine(rows.map((row) => row.label).join(', '), 120);
  const row = groupRow(`idle:${key}`, label, { id: 'circle-outline' }, rows);
  return [{ ...row, description: names, expanded: false, spoken: `${label}: ${names}` }];
}

/** All servers by name or by package, with the client beside each. */
function regrouped(groups: readonly ClientGroup[], by: 'server' | 'package', context: RowContext): TreeNode[] {
  const all = groups.flatMap((group) => [...group.servers].map(([key, server]) => ({ group, server, id: `${by}:${group.key}:${key}` })));
  const keyOf = ({ server }: (typeof all)[number]): string =>
    oneLine((by === 'server' ? server.name : server.instances[0]?.package?.name) ?? t('Package unknown'), 80);
  const found = new Map<string, typeof all>();
  const resting: typeof all = [];
  for (const one of all) {
    const key = keyOf(one);
    const members = found.get(key);
    if (isResting(one.server, context)) {
      resting.push(one);
    } else if (members) {
      members.push(one);
    } else {
      found.set(key, [one]);
    }
  }
  const rows = [...found]
    .sort(([a], [b]) => compare(a, b))
    .map(([key, members]) => {
      const [first, ...others] = members;
      if (first && others.length === 0) {
        return serverRow(first.id, first.server, context, { label: key, after: oneLine(first.group.name, 60) });
      }
      const children = members.map(({ id, server, group }) => {
        const client = oneLine(group.name, 60);
        return serverRow(id, server, context, by === 'server' ? { label: client } : { after: client });
      });
      const running = members.reduce((sum, { server }) => sum + server.instances.length, 0);
      const icon = { id: by === 'server' ? 'server-process' : 'package' };
      return { ...groupRow(`${by}:${key}`, key, icon, children), description: t('{0} running', running) };
    });
  const idle = resting.map(({ id, server, group }) => serverRow(id, server, context, { after: oneLine(group.name, 60) }));
  return [...groups.flatMap(({ problems }) => problems.map((problem) => problemRow(problem, context))), ...rows, ...folded(by, idle)];
}
