import { clientByEnvironment, familyOf, isAmbiguousHost, isTerminalHost, recogniseClient } from '../../clients/recogniseClient.ts';
import { isVscodeEditor } from '../../clients/vscodeFamily.ts';
import type { ClientId, RawDefinition } from '../../model/definition.ts';
import type { Confidence } from '../../model/finding.ts';
import type { ProcessDetail, ProcessIdentity, ProcessRow } from '../../model/process.ts';
import { observedLaunch, observedWords } from '../../process/commandline/parseLaunch.ts';
import { resolveServer, type ServerChain } from '../../process/tree/launcherChain.ts';
import { isNamespaceInit } from '../../process/tree/namespaceInit.ts';
import { type ProcessTree, processTree } from '../../process/tree/processTree.ts';
import { candidateFilter } from './candidateFilter.ts';
import { runsGuarded } from './guardedEntries.ts';
import { looksLikeRow, looksLikeServer } from './looksLikeServer.ts';
import { type MatchResult, rememberedMatch } from './matchDefinitions.ts';
import type { MatchContext, MatchInput } from './matchInput.ts';
import { npxHashIn } from './runnerPath.ts';

/** One running server with everything that says where it comes from. */
export interface Attributed {
  readonly server: ProcessRow;
  readonly detail: ProcessDetail;
  /** From the client downwards. */
  readonly launchers: readonly ProcessRow[];
  /** What is above the topmost launcher, known or not. */
  readonly parent?: ProcessRow;
  /** The living client that started it. */
  readonly client?: { readonly id: ClientId; readonly row: ProcessRow };
  /** Which client's marks its environment carries, when no living client is above it. */
  readonly markedClient?: ClientId;
  /** Empty = unconfigured. More than one when entries say exactly the same, or reach it by the same port. */
  readonly definitions: readonly RawDefinition[];
  /** Those of them that are here only because it holds the port that they name. */
  readonly byPort: readonly RawDefinition[];
  readonly confidence: Confidence;
  /** For a person: how the definition is known. Holds no arguments and no values. */
  readonly why: readonly string[];
  /** The same for those by port. */
  readonly whyByPort: readonly string[];
}

interface AttributionOptions extends Partial<MatchContext> {
  /** Reads `_npx.packages` of an `_npx/HASH` directory; only asked when the process itself names one. */
  readonly npxPackages?: (hash: string, row: ProcessRow) => Promise<readonly string[] | undefined>;
  /** The entry that a process was seen to be started from, by its id, whatever the entry says by now. */
  readonly remembered?: (identity: ProcessIdentity) => string | undefined;
  /** Entries by the PID of the process that holds the port which they name. */
  readonly listening?: ReadonlyMap<number, readonly RawDefinition[]>;
}

/**
 * Finds the running servers in a list of processes and says whose they are. Arguments decide first, cheaply; details are asked for the
 * few processes that come into question. One chain of processes gives one server; what runs below a server is part of it.
 * @param detail reads what only the owner may read of a process; called at most once for each process
 */
export async function attributeServers(
  rows: readonly ProcessRow[],
  definitions: readonly RawDefinition[],
  detail: (row: ProcessRow) => Promise<ProcessDetail>,
  options: AttributionOptions = {},
): Promise<readonly Attributed[]> {
  const tree = processTree(rows);
  const clients = new Map<ProcessRow, ClientId>();
  for (const row of rows) {
    const id = recogniseClient(row);
    if (id !== undefined) {
      clients.set(row, id);
    }
  }
  const context: MatchContext = {
    platform: options.platform ?? process.platform,
    ...(options.home === undefined ? {} : { home: options.home }),
  };
  const known = new Map<ProcessRow, Promise<ProcessDetail>>();
  const ask = (row: ProcessRow): Promise<ProcessDetail> => {
    const reading = known.get(row) ?? detail(row);
    known.set(row, reading);
    return reading;
  };
  const found: Attributed[] = [];
  for (const chain of candidateChains(tree, clients, definitions, options)) {
    const one = await attributeChain(chain, tree, clients, definitions, context, ask, options);
    if (one) {
      found.push(one);
    }
  }
  return spread(withoutInner(found, tree, clients));
}

/** The chains that come into question by arguments alone, one for each server process. Linear in the number of rows. */
function candidateChains(
  tree: ProcessTree,
  clients: ReadonlyMap<ProcessRow, ClientId>,
  definitions: readonly RawDefinition[],
  options: AttributionOptions,
): ServerChain[] {
  const isHost = (row: ProcessRow): boolean => clients.has(row) || isAmbiguousHost(row) || isTerminalHost(row);
  const test = candidateFilter(definitions);
  const chains = new Map<ProcessRow, ServerChain>();
  const add = (row: ProcessRow, wanted: (chain: ServerChain) => boolean): void => {
    const chain = resolveServer(row, tree, isHost);
    if (chain && !isHost(chain.server) && !chains.has(chain.server) && wanted(chain)) {
      chains.set(chain.server, chain);
    }
  };
  for (const row of tree.rows) {
    if (isHost(row)) {
      continue;
    }
    const heat = test(row);
    if (heat === 'named' || options.listening?.has(row.pid) || options.remembered?.(row.identity) !== undefined) {
      add(row, () => true);
    } else if (heat === 'looks') {
      add(row, (chain) => runsGuarded(chain.launchers) || [chain.server, ...chain.launchers].some((one) => looksLikeRow(one)));
    }
  }
  for (const client of clients.keys()) {
    for (const child of tree.childrenOf(client)) {
      // A server that has replaced its command line by a title shows in nothing but its place.
      add(child, (chain) => observedWords(chain.server).length === 1);
    }
  }
  return [...chains.values()];
}

async function attributeChain(
  chain: ServerChain,
  tree: ProcessTree,
  clients: ReadonlyMap<ProcessRow, ClientId>,
  definitions: readonly RawDefinition[],
  context: MatchContext,
  ask: (row: ProcessRow) => Promise<ProcessDetail>,
  options: AttributionOptions,
): Promise<Attributed | undefined> {
  const detail = await ask(chain.server);
  if (/^((pre|post)?(install|prepare|uninstall)|node-gyp)$/.test(detail.environment?.get('npm_lifecycle_event') ?? '')) {
    // A package's install script, between the package manager and the server that is still to come.
    return undefined;
  }
  const marked = markOf(detail);
  const client = clientAbove(chain, tree, clients, marked);
  const folder = client ? (await ask(client.row)).cwd : undefined;
  const hash = npxHashIn(chain.server.commandLine) ?? npxHashIn(detail.environment?.get('PATH') ?? '');
  const npxPackages = hash === undefined ? undefined : await options.npxPackages?.(hash, chain.server);
  const id = client?.id ?? marked;
  const observed: MatchInput = {
    server: chain.server,
    detail,
    launchers: chain.launchers,
    ...(id === undefined ? {} : { client: { id, ...(folder === undefined ? {} : { folder }) } }),
    ...(npxPackages === undefined ? {} : { npxPackages }),
  };
  const match = withRemembered(rememberedMatch(observed, definitions, context), chain, definitions, options);
  const here = [chain.server, ...chain.launchers].flatMap((row) => options.listening?.get(row.pid) ?? []);
  const byPort = here.filter((definition) => !match.definitions.includes(definition));
  // Whoever started it through our guard said that it is a server, whatever it is called.
  if (match.definitions.length === 0 && byPort.length === 0 && !runsGuarded(chain.launchers) && !looksLikeServer(observed)) {
    return undefined;
  }
  return {
    ...chain,
    // Whoever holds a port listens, whatever could be seen of its files.
    detail: here.length > 0 ? { ...detail, listens: true } : detail,
    byPort,
    ...(client ? { client } : marked === undefined ? {} : { markedClient: marked }),
    definitions: [...match.definitions, ...byPort],
    confidence: match.definitions.length === 0 && byPort.length > 0 ? 'likely' : match.confidence,
    why: match.why,
    whyByPort: byPort.map((definition) => `it listens where the entry says (${definition.name})`),
  };
}

/** An entry that was edited under its server is still its entry: where it was seen to belong stands, as long as the file has an entry of that name. */
function withRemembered(
  match: MatchResult,
  chain: ServerChain,
  definitions: readonly RawDefinition[],
  options: AttributionOptions,
): MatchResult {
  const id = options.remembered?.(chain.server.identity);
  if (id === undefined || match.definitions.some((definition) => definition.id === id)) {
    return match;
  }
  const own = definitions.find((definition) => definition.id === id && definition.transport === 'stdio');
  return own
    ? { definitions: [own], confidence: 'proven', why: [`it was started from this entry, which was edited since (${own.name})`] }
    : match;
}

function markOf(detail: ProcessDetail): ClientId | undefined {
  const { environment } = detail;
  return environment && clientByEnvironment(environment.keys(), (name) => environment.get(name));
}

/**
 * The nearest ancestor that is a client. A person's shell or terminal in between ends the search: what runs there was not started by
 * the program above it.
 */
function clientAbove(
  chain: ServerChain,
  tree: ProcessTree,
  clients: ReadonlyMap<ProcessRow, ClientId>,
  marked: ClientId | undefined,
): { id: ClientId; row: ProcessRow } | undefined {
  const above = chain.parent ? [chain.parent, ...tree.ancestorsOf(chain.parent)] : [];
  for (const row of above) {
    if (isNamespaceInit(row)) {
      // What it adopted was started by somebody else, even where the container's first program is a client.
      return undefined;
    }
    const id = clients.get(row);
    if (id !== undefined) {
      return { id, row };
    }
    if (isAmbiguousHost(row)) {
      const family = familyOf(row);
      // An editor's mark says that this utility process is an extension host; the path is the better evidence of which editor. The mark of any other
      // client was inherited by a terminal.
      const host = marked !== undefined && isVscodeEditor(marked);
      return host ? { id: family === 'vscode' ? marked : family, row } : undefined;
    }
    if (isTerminalHost(row) || isTerminal(row)) {
      return undefined;
    }
  }
  return undefined;
}

function isTerminal(row: ProcessRow): boolean {
  const launch = observedLaunch(row);
  const waiting = (launch.launcher === 'shell' || launch.launcher === 'cmd') && launch.target === undefined;
  return (
    waiting ||
    /^(tmux|screen|sshd|login|gnome-terminal|konsole|alacritty|kitty|wezterm|xterm|iTerm2|Terminal|WindowsTerminal)/.test(row.name)
  );
}

/**
 * What runs below a server is part of it, unless a client stands between. A process that no entry explains and that starts servers
 * which entries explain is not their server but somebody's client.
 */
function withoutInner(found: readonly Attributed[], tree: ProcessTree, clients: ReadonlyMap<ProcessRow, ClientId>): Attributed[] {
  const servers = new Map(found.map((one) => [one.server, one]));
  const dropped = new Set<Attributed>();
  const handed = new Map<Attributed, RawDefinition[]>();
  for (const one of found) {
    for (const above of tree.ancestorsOf(one.server)) {
      if (clients.has(above)) {
        break;
      }
      const outer = servers.get(above);
      if (outer) {
        const inner = outer.definitions.length === 0 && one.definitions.length > 0;
        dropped.add(inner ? outer : one);
        if (!inner && one.byPort.length > 0) {
          // A worker below the server listens for it.
          handed.set(outer, [...(handed.get(outer) ?? []), ...one.byPort]);
        }
      }
    }
  }
  return found
    .filter((one) => !dropped.has(one))
    .map((one) => {
      const more = (handed.get(one) ?? []).filter((definition) => !one.definitions.includes(definition));
      return more.length === 0
        ? one
        : {
            ...one,
            detail: { ...one.detail, listens: true },
            definitions: [...one.definitions, ...more],
            byPort: [...one.byPort, ...more],
            whyByPort: [
              ...one.whyByPort,
              ...more.map((definition) => `a process below it listens where the entry says (${definition.name})`),
            ],
          };
    });
}

/** Several entries that say the same, and several servers of one client from them: each entry comes first once. */
function spread(found: readonly Attributed[]): Attributed[] {
  const turns = new Map<string, number>();
  return [...found]
    .sort((a, b) => a.server.startedAt - b.server.startedAt || a.server.pid - b.server.pid)
    .map((one) => {
      if (one.definitions.length < 2) {
        return one;
      }
      const key = `${one.client?.row.pid ?? '-'} ${one.definitions.map((definition) => definition.id).join(' ')}`;
      const turn = turns.get(key) ?? 0;
      turns.set(key, turn + 1);
      const shift = turn % one.definitions.length;
      return { ...one, definitions: [...one.definitions.slice(shift), ...one.definitions.slice(0, shift)] };
    });
}
