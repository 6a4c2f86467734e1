import { t } from '../../base/language/translate.ts';
import { isVscodeEditor } from '../../clients/clientTable.ts';
import { clientByEnvironment, familyOf, isAmbiguousHost, isTerminalHost, recogniseClient } from '../../clients/recogniseClient.ts';
import { defaultEditor } from '../../clients/vscodeClients.ts';
import type { ClientId, RawDefinition } from '../../model/definition.ts';
import type { Confidence } from '../../model/finding.ts';
import type { ProcessDetail, ProcessIdentity, ProcessRow } from '../../model/process.ts';
import { environmentBeforeShims } from '../../package/resolve/clientHeld.ts';
import { observedLaunch, observedWords } from '../../process/commandline/parseLaunch.ts';
import { behindShims, chainAbove, resolveServer, type ServerChain } from '../../process/tree/launcherChain.ts';
import { isNamespaceInit, type ProcessTree, processTree } from '../../process/tree/processTree.ts';
import { candidateFilter } from './candidateFilter.ts';
import { inTurns } from './equalEntries.ts';
import { runsGuarded } from './guardedEntries.ts';
import { definitionLaunches } from './launchFit.ts';
import { looksAsNode, looksLikeRow, looksLikeServer } from './looksLikeServer.ts';
import { type MatchResult, rememberedMatch } from './matchDefinitions.ts';
import type { MatchContext, MatchInput } from './matchInput.ts';
import { isScript, mayBeWrapper } from './runnerFit.ts';
import { npxHashIn } from './runnerPath.ts';
import { behindRelay, type SharedRelays, type SharingClient } from './sharedRelays.ts';
import { withUndecided } from './undecidedEntries.ts';

/** One running server with its client and its entries. */
export interface Attributed {
  readonly server: ProcessRow;
  readonly detail: ProcessDetail;
  /** From the client downwards. */
  readonly launchers: readonly ProcessRow[];
  /** Details of the topmost launcher: the environment and the directory that the client chose. Absent without launchers. */
  readonly outer?: ProcessDetail;
  /** Environment of the parent, where a shim of a version manager changed that of the topmost launcher, or of the server. */
  readonly clientEnvironment?: ReadonlyMap<string, string>;
  /** The parent of the topmost launcher, if it runs. */
  readonly parent?: ProcessRow;
  /** The running client that started it. */
  readonly client?: { readonly id: ClientId; readonly row: ProcessRow };
  /** The client whose marks its environment has, when no running client is above it. */
  readonly markedClient?: ClientId;
  /** The clients of a server that several may share; the first one is `client`. */
  readonly sharers?: readonly SharingClient[];
  /** Empty: unconfigured. Several when entries are equal, or reach it by the same port. */
  readonly definitions: readonly RawDefinition[];
  /** The definitions that are included only because it holds the port that they name. */
  readonly byPort: readonly RawDefinition[];
  readonly confidence: Confidence;
  /** The definition is concluded from where its command leads now: see `MatchResult`. */
  readonly concluded?: true;
  /** An entry that may have started it: nothing shows what the command of that entry starts. Only where `definitions` is empty. */
  readonly undecided?: RawDefinition;
  /** How the definition is known, for a person. No arguments, no values. */
  readonly why: readonly string[];
  /** The same for `byPort`. */
  readonly whyByPort: readonly string[];
}

interface AttributionOptions extends Partial<MatchContext> {
  /** Reads `_npx.packages` of an `_npx/HASH` directory; called only when the process itself names one. */
  readonly npxPackages?: (hash: string, row: ProcessRow) => Promise<readonly string[] | undefined>;
  /** The id of the entry that a process is recorded to be started from, even if the entry was edited since. */
  readonly remembered?: (identity: ProcessIdentity) => string | undefined;
  readonly relays?: SharedRelays;
  /** Entries by the PID of the process that holds the port which they name. */
  readonly listening?: ReadonlyMap<number, readonly RawDefinition[]>;
}

/**
 * Finds the running servers in a list of processes, with their clients and entries. Command lines are tested first, which is cheap; details are read only for
 * the few candidates. One chain of processes is one server; processes below a server are part of it.
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
  const known = new Map<ProcessRow, Promise<ProcessDetail>>();
  const isHost = (row: ProcessRow): boolean => clients.has(row) || isAmbiguousHost(row) || isTerminalHost(row);
  const context: AttributionContext = {
    tree,
    clients,
    definitions,
    isHost,
    above: (row) => chainAbove(row, tree, isHost),
    options,
    matching: {
      platform: options.platform ?? process.platform,
      ...(options.home === undefined ? {} : { home: options.home }),
    },
    detail: (row) => {
      const reading = known.get(row) ?? detail(row);
      known.set(row, reading);
      return reading;
    },
  };
  const found: Attributed[] = [];
  for (const chain of await behindShims((shims) => candidateChains(context, shims), tree, context.detail)) {
    const one = await attributeChain(chain, context);
    if (one) {
      found.push(one);
    }
  }
  return withUndecided(inTurns(withoutInner(found, context)), definitions, context.matching);
}

interface AttributionContext {
  readonly tree: ProcessTree;
  /** The processes that are clients. */
  readonly clients: ReadonlyMap<ProcessRow, ClientId>;
  readonly definitions: readonly RawDefinition[];
  /** Whether it starts servers, so that it is none and no launcher. */
  readonly isHost: (row: ProcessRow) => boolean;
  /** The launchers above a process. */
  readonly above: (row: ProcessRow) => ServerChain;
  readonly options: AttributionOptions;
  readonly matching: MatchContext;
  readonly detail: (row: ProcessRow) => Promise<ProcessDetail>;
}

interface Candidate extends ServerChain {
  /** Nothing but an entry can show that it is a server. */
  readonly byEntry: boolean;
}

/** The chains that may be servers by their command lines, one for each server process. Linear in the number of rows. */
function candidateChains(
  { tree, clients, definitions, options, isHost, above }: AttributionContext,
  shims: ReadonlySet<ProcessRow>,
): Candidate[] {
  const test = candidateFilter(definitions);
  const chains = new Map<ProcessRow, Candidate>();
  const add = (row: ProcessRow, wanted: (chain: ServerChain) => boolean, byEntry = false): void => {
    const found = resolveServer(row, tree, isHost, shims);
    const chain = found && behindRelay(found, options.relays, above);
    if (chain && !isHost(chain.server) && !chains.has(chain.server) && wanted(chain)) {
      chains.set(chain.server, { ...chain, byEntry });
    }
  };
  for (const row of tree.rows) {
    if (isHost(row)) {
      continue;
    }
    const heat = test(row);
    if (
      heat === 'named' ||
      options.listening?.has(row.pid) ||
      options.remembered?.(row.identity) !== undefined ||
      options.relays?.has(row)
    ) {
      add(row, () => true);
    } else if (heat === 'looks') {
      add(
        row,
        (chain) =>
          runsGuarded(chain.launchers) || [chain.server, ...chain.launchers].some((one) => looksLikeRow(one)) || looksAsNode(chain.server),
      );
    }
  }
  for (const [client, id] of clients) {
    const wraps = definitions.some((one) => one.readBy.includes(id) && definitionLaunches(one).some(mayBeWrapper));
    for (const child of tree.childrenOf(client)) {
      // A server that replaced its command line with a title is recognised only by its parent.
      add(child, (chain) => observedWords(chain.server).length === 1);
      // A wrapper that became the server: the command line need not have any word of its entry.
      add(child, (chain) => wraps && chain.server === child && isScript(observedLaunch(child)), true);
    }
  }
  return [...chains.values()];
}

async function attributeChain({ byEntry, ...chain }: Candidate, context: AttributionContext): Promise<Attributed | undefined> {
  const { options } = context;
  const detail = await context.detail(chain.server);
  if (/^((pre|post)?(install|prepare|uninstall)|node-gyp)$/.test(detail.environment?.get('npm_lifecycle_event') ?? '')) {
    // A package's install script; the server starts after it.
    return undefined;
  }
  const marked = markOf(detail);
  const client = clientAbove(chain, marked, context);
  const relays = options.relays?.get(chain.server) ?? [];
  const folder = client ? (await context.detail(client.row)).cwd : undefined;
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
  const match = withRemembered(rememberedMatch(observed, context.definitions, context.matching), chain, context);
  const here = [chain.server, ...chain.launchers].flatMap((row) => options.listening?.get(row.pid) ?? []);
  const byPort = here.filter((definition) => !match.definitions.includes(definition));
  // What runs through our guard is a server, whatever its name.
  if (match.definitions.length === 0 && byPort.length === 0 && (byEntry || (!runsGuarded(chain.launchers) && !looksLikeServer(observed)))) {
    return undefined;
  }
  const [topmost] = chain.launchers;
  const outer = topmost && (await context.detail(topmost));
  const { environment } = outer ?? detail;
  const byShim = environment !== undefined && environmentBeforeShims(environment, undefined, {}) !== environment;
  const above = byShim && chain.parent ? (await context.detail(chain.parent)).environment : undefined;
  return {
    ...chain,
    ...(outer ? { outer } : {}),
    ...(above ? { clientEnvironment: above } : {}),
    // A process that holds a port listens, even if its open files could not be read.
    detail: here.length > 0 ? { ...detail, listens: true } : detail,
    byPort,
    ...(client ? { client } : marked === undefined ? {} : { markedClient: marked }),
    ...(relays.length > 1 ? { sharers: relays.flatMap((relay) => clientAbove(context.above(relay), undefined, context) ?? []) } : {}),
    definitions: [...match.definitions, ...byPort],
    confidence: match.definitions.length === 0 && byPort.length > 0 ? 'likely' : match.confidence,
    ...(match.concluded ? { concluded: true } : {}),
    why: match.why,
    whyByPort: byPort.map((definition) => t('it listens where the entry says ({0})', definition.name)),
  };
}

/** An entry that was edited since the server started is still its entry, as long as the file has an entry of that name. */
function withRemembered(match: MatchResult, chain: ServerChain, { definitions, options }: AttributionContext): MatchResult {
  const id = options.remembered?.(chain.server.identity);
  if (id === undefined || (!match.concluded && match.definitions.some((definition) => definition.id === id))) {
    return match;
  }
  const own = definitions.find((definition) => definition.id === id && definition.transport === 'stdio');
  return own
    ? { definitions: [own], confidence: 'proven', why: [t('it was started from this entry, which was edited since ({0})', own.name)] }
    : match;
}

function markOf(detail: ProcessDetail): ClientId | undefined {
  const { environment } = detail;
  return environment && clientByEnvironment(environment.keys(), (name) => environment.get(name));
}

/**
 * The nearest ancestor that is a client. A user's shell or terminal in between ends the search: what runs there was started by the user.
 */
function clientAbove(
  chain: ServerChain,
  marked: ClientId | undefined,
  { tree, clients }: AttributionContext,
): { id: ClientId; row: ProcessRow } | undefined {
  const above = chain.parent ? [chain.parent, ...tree.ancestorsOf(chain.parent)] : [];
  for (const row of above) {
    if (isNamespaceInit(row)) {
      // A child that it adopted was started by another process, even if the container's first program is a client.
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
      return host ? { id: family === defaultEditor ? marked : family, row } : undefined;
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
 * Processes below a server are part of it, unless a client is in between. A process that matches no entry and starts servers that match entries is not a server
 * but their client.
 */
function withoutInner(found: readonly Attributed[], { tree, clients }: AttributionContext): Attributed[] {
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
              ...more.map((definition) => t('a process below it listens where the entry says ({0})', definition.name)),
            ],
          };
    });
}
