import { isUpgradable } from '../../action/plan/upgradePlan.ts';
import { guardability } from '../../action/protect/guardability.ts';
import { isVscode } from '../../clients/vscodeFamily.ts';
import type { Definition } from '../../model/definition.ts';
import { isHeadline } from '../../model/finding.ts';
import type { Instance, Snapshot } from '../../model/snapshot.ts';
import { isRestartable, isStale, ownerText, type WindowFacts } from '../window/windowFacts.ts';
import { countsText, findingsText } from './attention.ts';
import { processText, versionsText } from './instanceText.ts';
import { oneLine } from './plainText.ts';
import { sourceText } from './sourceText.ts';
import { contextFlags, instanceIcon, serverIcon, type TreeNode } from './treeNode.ts';

/** One client with its entries and its running servers. */
interface ClientGroup {
  readonly key: string;
  readonly name: string;
  /** Undefined for servers without client. */
  readonly clientId: string | undefined;
  readonly servers: Map<string, ServerGroup>;
}

interface ServerGroup {
  readonly name: string;
  readonly definition: Definition | undefined;
  readonly instances: Instance[];
  /** The other entry of the same client under which the running server of this entry is shown. */
  readonly sharedWith?: Definition;
}

/** What every row is made from. */
interface RowContext {
  readonly snapshot: Snapshot;
  readonly facts: WindowFacts;
  /** Epoch ms, for ages. */
  readonly now: number;
}

/** The rows of the view: clients → servers → instances; servers without a client come last. Pure. @param now epoch ms, for ages */
export function buildTree(snapshot: Snapshot, facts: WindowFacts, now: number): TreeNode[] {
  const groups = [...groupByClient(snapshot, facts).values()].sort((a, b) => rank(a, facts) - rank(b, facts) || compare(a.name, b.name));
  return groups.map((group) => clientNode(group, { snapshot, facts, now }));
}

function groupByClient(snapshot: Snapshot, facts: WindowFacts): Map<string, ClientGroup> {
  const groups = new Map<string, ClientGroup>();
  const groupOf = (clientId: string | undefined, name: string): ClientGroup => {
    // Unknown clients are grouped by the name of their program.
    const key = clientId === undefined ? 'none' : clientId === 'unknown' ? `unknown:${name}` : clientId;
    const group = groups.get(key) ?? { key, name, clientId, servers: new Map() };
    groups.set(key, group);
    return group;
  };
  const definitions = new Map(snapshot.definitions.map((definition) => [definition.id, definition]));
  /** By definition id: the clients that run it, and the definition under which each client's first such instance is shown. */
  const running = new Map<string, Map<string, Definition>>();
  for (const instance of snapshot.instances) {
    const group = instance.client ? groupOf(instance.client.id, instance.client.name) : groupOf(undefined, 'No client');
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
      const name = snapshot.clients.find((client) => client.id === home)?.name ?? home;
      const shared = shownAs ? { sharedWith: shownAs } : {};
      groupOf(runners[0]?.[0] ?? home, name).servers.set(definition.id, { name: definition.name, definition, instances: [], ...shared });
    }
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

function clientNode(group: ClientGroup, context: RowContext): TreeNode {
  const entries = [...group.servers].sort(([keyA, a], [keyB, b]) => compare(a.name, b.name) || compare(keyA, keyB));
  const children = entries.map(([key, server]) => serverNode(`server:${group.key}:${key}`, server, context));
  const instances = entries.flatMap(([, server]) => server.instances);
  const counts = countsText(instances.flatMap((instance) => instance.findings.filter(isHeadline)));
  const description = [counts, instances.length > 0 ? `${instances.length} running` : 'none running'].filter(Boolean).join(' · ');
  const name = oneLine(group.name, 60);
  return {
    // VS Code remembers expansion by id. A client that starts to run servers gets another id, so that its row expands.
    id: `client:${group.key}${instances.length > 0 ? '' : ':idle'}`,
    kind: 'client',
    label: name,
    description,
    icon: { id: group.clientId === undefined ? 'circle-slash' : isVscode(group.clientId) ? 'window' : 'terminal' },
    expanded: instances.length > 0 || rank(group, context.facts) === 0,
    flags: contextFlags({ kind: 'client' }),
    spoken: `${name}: ${description}`,
    children,
  };
}

function serverNode(id: string, server: ServerGroup, context: RowContext): TreeNode {
  const { definition } = server;
  const { home } = context.facts;
  const instances = [...server.instances].sort((a, b) => Date.parse(a.startedAt) - Date.parse(b.startedAt) || a.pid - b.pid);
  const only = instances.length === 1 ? instances[0] : undefined;
  const description = [
    serverState(server, home),
    definition?.guarded && 'guarded',
    definition ? sourceText(definition, home) : 'not in any configuration',
  ]
    .filter(Boolean)
    .join(' · ');
  const label = oneLine(server.name, 80);
  return {
    id: instances.length > 0 ? id : `${id}:idle`,
    kind: 'server',
    label,
    description,
    icon: serverIcon(definition, instances),
    expanded: true,
    flags: contextFlags({
      kind: 'server',
      configured: definition !== undefined,
      guard: definition && guardability(definition),
      ...(only ? abilities(only, context) : {}),
    }),
    spoken: `${label}: ${description}`,
    ...(only ? { instanceId: only.id } : {}),
    ...(definition ? { definitionId: definition.id } : {}),
    children: instances.map((instance) => instanceNode(`${id}:${instance.id}`, instance, definition, context)),
  };
}

/** "stale", "running", "3 running, 1 stale", "not running", "switched off", "remote". */
function serverState({ definition, instances, sharedWith }: ServerGroup, home: string): string {
  const [first] = instances;
  if (sharedWith) {
    return `same command as in ${sourceText(sharedWith, home)}`;
  }
  const own = definition ? findingsText(definition.findings) : undefined;
  if (!first) {
    const state =
      definition?.enabled === false ? 'switched off' : definition && definition.transport !== 'stdio' ? 'remote' : 'not running';
    return own ? `${own}, ${state}` : state;
  }
  if (instances.length === 1) {
    return findingsText([...first.findings, ...(definition?.findings ?? [])]) ?? 'running';
  }
  const counts = countsText(instances.flatMap((instance) => instance.findings.filter(isHeadline)));
  return [`${instances.length} running`, counts].filter(Boolean).join(', ');
}

function instanceNode(id: string, instance: Instance, definition: Definition | undefined, context: RowContext): TreeNode {
  const { facts, now } = context;
  const doing = facts.busy.get(instance.id);
  const state = doing ? `${doing}…` : findingsText(instance.findings);
  const other = instance.client && isVscode(instance.client.id) && instance.client.pid !== facts.pid ? 'another window' : undefined;
  const background = !instance.client && instance.background ? 'background' : undefined;
  const guarded = instance.guarded ? 'guarded' : undefined;
  const recorded = instance.package?.origin === 'recorded' && instance.record?.guardPid === undefined ? 'recorded' : undefined;
  const description = [state, other, background, guarded, processText(instance, now), recorded].filter(Boolean).join(' · ');
  const label = versionsText(instance);
  return {
    id,
    kind: 'instance',
    label,
    description,
    icon: instanceIcon(instance, doing !== undefined),
    expanded: false,
    flags: contextFlags({
      kind: 'instance',
      configured: definition !== undefined,
      guard: definition && guardability(definition),
      ...abilities(instance, context),
    }),
    spoken: `${oneLine(instance.name, 80)}, ${label}, ${[state, processText(instance, now), ownerText(instance, facts)].filter(Boolean).join(', ')}`,
    instanceId: instance.id,
    ...(definition ? { definitionId: definition.id } : {}),
    children: [],
  };
}

function abilities(
  instance: Instance,
  { snapshot, facts }: RowContext,
): { running: true; restartable: boolean; stale: boolean; upgradable: boolean } {
  const restartable = !facts.busy.has(instance.id) && isRestartable(instance, snapshot, facts);
  return { running: true, restartable, stale: isStale(instance), upgradable: !facts.busy.has(instance.id) && isUpgradable(instance) };
}
