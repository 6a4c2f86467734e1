import type { ProcessDetail, ProcessRow } from '../../model/process.ts';
import { commandName, isNode, isPython, isShell, lastPart } from '../commandline/commandName.ts';
import { hostRunFolder } from '../commandline/guardCommand.ts';
import type { LauncherName, LaunchSpec } from '../commandline/launchSpec.ts';
import { packageManagerScript } from '../commandline/npmCommand.ts';
import { observedLaunch, observedWords } from '../commandline/parseLaunch.ts';
import { isNamespaceInit, type ProcessTree } from './processTree.ts';

/** One running server with its launchers. */
export interface ServerChain {
  /** The topmost process that is not a launcher. */
  readonly server: ProcessRow;
  /** Topmost first; empty when the server was started directly. */
  readonly launchers: readonly ProcessRow[];
  /** The parent of the topmost launcher: the client, a user's shell, init. Undefined when it is not in the list. */
  readonly parent?: ProcessRow;
}

const kinds: Partial<Readonly<Record<LauncherName, string>>> = {
  'pnpm-dlx': 'pnpm dlx',
  'pnpm-exec': 'pnpm exec',
  'yarn-dlx': 'yarn dlx',
  bunx: 'bunx',
  uvx: 'uvx',
  'uv-run': 'uv run',
  'pipx-run': 'pipx',
};

/** Longest chain of launchers that is followed downwards. */
const deepest = 30;

/**
 * The usual name of a process that only starts another one and waits for it: `npm exec`, `npx`, `npm run`, `sh`, `cmd`, `pnpm dlx`, `yarn dlx`, `bunx`, `uvx`,
 * `uv run`, `pipx`, `env`, `mcp-shepherd guard`, `disclaimer`, `srt`, `tsx` …
 * @returns undefined for servers, clients, terminals and all other processes. A docker client counts as the server.
 */
export function launcherKind(row: ProcessRow): string | undefined {
  return kindOf(row, observedLaunch(row));
}

/** Whether a row runs a shell script, which may start other programs beside the server. All children of other launchers belong to the server. */
export function isShellScript(row: ProcessRow): boolean {
  const name = commandName(observedWords(row)[0] ?? '');
  return isShell(name) || name === 'cmd';
}

function kindOf(row: ProcessRow, launch: LaunchSpec): string | undefined {
  const words = observedWords(row);
  const name = commandName(words[0] ?? '');
  const outer = launch.wrappers[0];
  if (outer !== undefined) {
    return outer;
  }
  switch (launch.launcher) {
    case 'npm-exec':
      return programOf(words) === 'npx' ? 'npx' : 'npm exec';
    case 'npm-run':
      return `${programOf(words)} run`;
    case 'shell':
      return launch.target === undefined ? undefined : (launch.interpreter ?? 'sh');
    case 'cmd':
      return launch.target === undefined ? undefined : 'cmd';
    case 'binary':
      // A package manager that has cleared its title except for its name.
      return words.length === 1 && /^(npm|npx|pnpm|pnpx|bunx|uvx)$/.test(name) ? name : undefined;
    default:
      return kinds[launch.launcher] ?? launch.supervises;
  }
}

/** The package manager of a command line: by its own name, or as the script that Node runs. */
function programOf(words: readonly string[]): string {
  const name = commandName(words[0] ?? '');
  if (!isNode(name)) {
    return name;
  }
  const script = words.find((word, index) => index > 0 && packageManagerScript(word) !== undefined);
  return (script === undefined ? undefined : packageManagerScript(script)) ?? name;
}

/** Whether it is a watchdog, pnpm's or ours: a shell that ignores all signals and waits for its parent; or the host of our relays. It is never a server. */
export function isWatchdog(row: ProcessRow): boolean {
  if (hostRunFolder(observedWords(row)) !== undefined) {
    return true;
  }
  const launch = observedLaunch(row);
  return launch.launcher === 'shell' && /^\s*trap\s+(''|"")\s/.test(launch.target ?? '');
}

/**
 * Finds the server that a process belongs to: downwards from a launcher, then upwards over the launchers of the server.
 * @param isClient whether a process starts servers itself: it never counts as a launcher, and the search does not go above it
 * @param shims launchers that only their file shows
 * @returns undefined for a launcher whose server has not started yet, for watchdogs and for installers
 */
export function resolveServer(
  row: ProcessRow,
  tree: ProcessTree,
  isClient: (row: ProcessRow) => boolean,
  shims?: ReadonlySet<ProcessRow>,
): ServerChain | undefined {
  const server = serverBelow(row, tree, isClient, shims);
  return server && chainAbove(server, tree, isClient, shims);
}

/** A process with the launchers above it; see `resolveServer`. */
export function chainAbove(
  server: ProcessRow,
  tree: ProcessTree,
  isClient: (row: ProcessRow) => boolean,
  shims?: ReadonlySet<ProcessRow>,
): ServerChain {
  const launchers: ProcessRow[] = [];
  let below = server;
  for (const above of tree.ancestorsOf(server)) {
    // The first process of a namespace adopts orphans. Even a shell in that place need not have started this one.
    if (
      isNamespaceInit(above) ||
      isClient(above) ||
      !(shims?.has(above) || launcherKind(above) !== undefined || isRedirector(above, below))
    ) {
      return { server, launchers, parent: above };
    }
    launchers.unshift(above);
    below = above;
  }
  return { server, launchers };
}

type ReadDetail = (row: ProcessRow) => Promise<Pick<ProcessDetail, 'exe'>>;

/** The server that a process is, or that runs below it, also behind a shim that only its file shows. Otherwise as `resolveServer`. */
export async function findServer(row: ProcessRow, tree: ProcessTree, detail: ReadDetail): Promise<ServerChain | undefined> {
  const [chain] = await behindShims((shims) => [resolveServer(row, tree, () => false, shims) ?? []].flat(), tree, detail);
  return chain;
}

/**
 * Repeats a search for servers until none of them is a shim that only its file shows: Volta's has the name of the program that it starts as its child, also `node`.
 * @param detail reads what only the owner may read of a process
 */
export async function behindShims<T extends ServerChain>(
  find: (shims: ReadonlySet<ProcessRow>) => readonly T[],
  tree: ProcessTree,
  detail: ReadDetail,
): Promise<readonly T[]> {
  const shims = new Set<ProcessRow>();
  const looked = new Set<ProcessRow>();
  for (;;) {
    const found = find(shims);
    const known = shims.size;
    for (const { server: row } of found) {
      if (!looked.has(row) && tree.childrenOf(row).length > 0 && /[\\/]volta-shim$/.test((await detail(row)).exe ?? '')) {
        shims.add(row);
      }
      looked.add(row);
    }
    if (shims.size === known) {
      return found;
    }
  }
}

function serverBelow(
  start: ProcessRow,
  tree: ProcessTree,
  isClient: (row: ProcessRow) => boolean,
  shims: ReadonlySet<ProcessRow> | undefined,
): ProcessRow | undefined {
  if (isWatchdog(start) || isInstaller(start)) {
    return undefined;
  }
  let row = start;
  for (let depth = 0; depth < deepest; depth++) {
    const launch = observedLaunch(row);
    const children = tree.childrenOf(row).filter((child) => !isWatchdog(child) && !isHelper(child));
    if (isClient(row)) {
      return row;
    }
    const own = shims?.has(row) === true;
    if (!own && kindOf(row, launch) === undefined) {
      const redirected = children.find((child) => isRedirector(row, child));
      if (!redirected) {
        return row;
      }
      row = redirected;
      continue;
    }
    const serving = children.find((child) => isServing(child)) ?? (!own && mayServe(launch) ? undefined : children[0]);
    if (!serving) {
      return !own && mayServe(launch) ? row : undefined;
    }
    row = serving;
  }
  return undefined;
}

/** Launchers that may be the server themselves: a server that is a shell script, a runner that loads the script into its own process. */
function mayServe(launch: LaunchSpec): boolean {
  return launch.wrappers.length === 0 && (launch.supervises !== undefined || launch.launcher === 'shell');
}

/** Whether a child is more likely the server than one of the small programs that a script runs before it. */
function isServing(row: ProcessRow): boolean {
  const launch = observedLaunch(row);
  return launch.launcher !== 'binary' || kindOf(row, launch) !== undefined || /mcp/i.test(lastPart(launch.target ?? ''));
}

/** Whether a child only prepares the start or helps a bundler: it is never the server. */
function isHelper(row: ProcessRow): boolean {
  const words = observedWords(row);
  const name = commandName(words[0] ?? '');
  return (
    (name === 'esbuild' && words.some((word) => word.startsWith('--service='))) ||
    /^(tee|cat|sleep|conhost|git|tar|pip\d?|node-gyp)$/i.test(name) ||
    isInstaller(row)
  );
}

/**
 * Windows: `python.exe` of a venv starts the base `python.exe` with the same arguments, and `pkg.exe` in Scripts starts `python.exe` with itself as the script.
 * The first process of both pairs is a launcher.
 */
function isRedirector(row: ProcessRow, child: ProcessRow): boolean {
  const above = observedWords(row);
  const below = observedWords(child);
  const [program = '', ...args] = above;
  const [interpreter = '', ...rest] = below;
  if (!/\.exe$/i.test(program) || !/\.exe$/i.test(interpreter) || !isPython(commandName(interpreter))) {
    return false;
  }
  if (isPython(commandName(program))) {
    const own = /^pyw?$/i.test(commandName(program)) ? args.filter((word) => !/^-\d/.test(word)) : args;
    return own.length > 0 && own.join('\0') === rest.join('\0');
  }
  return commandName(rest[0] ?? '').replace(/-script\.pyw?$/, '') === commandName(program);
}

/** `python -m venv`, `-m pip`: pipx and uv run these before they become or start the server. */
function isInstaller(row: ProcessRow): boolean {
  const { launcher, target = '' } = observedLaunch(row);
  return (
    (launcher === 'python-module' && /^(venv|virtualenv|pip|ensurepip)$/.test(target)) ||
    (launcher === 'python-script' && /[\\/](pip|__pip-runner__\.py|get-pip\.py)$/.test(target))
  );
}
