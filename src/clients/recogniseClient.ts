import type { ClientId } from '../model/definition.ts';
import type { ProcessRow } from '../model/process.ts';
import { memoByCommandLine } from '../process/commandline/memoByCommandLine.ts';
import type { ClientRow, ProcessPattern } from './clientDescription.ts';
import { clientsVscodeLast, clientTable, familyAt } from './clientTable.ts';

/** The patterns of all clients in the order in which they are tried: that of the table, but for `after`. */
export const processPatterns = patternsInOrder(clientTable);

type ClientPattern = ProcessPattern & { readonly id: ClientId };

function patternsInOrder(rows: readonly ClientRow[]): readonly ClientPattern[] {
  const all = rows.flatMap(({ id, processes = [] }) => processes.map((pattern) => ({ id, ...pattern })));
  const ordered: ClientPattern[] = all.filter(({ after }) => after === undefined);
  for (const late of all.filter(({ after }) => after !== undefined)) {
    ordered.splice(ordered.findLastIndex(({ id }) => id === late.after) + 1, 0, late);
  }
  return ordered;
}

/**
 * Which client a process is, by its arguments alone; remembered for as long as the process keeps its arguments.
 * @returns undefined for all other processes, for servers that clients offer (`claude mcp serve`), and for the utility processes of a desktop
 * VS Code, which all look the same (see `isAmbiguousHost`)
 */
export const recogniseClient = memoByCommandLine((row): ClientId | undefined => {
  const line = row.commandLine;
  if (/--type=extensionHost\b/.test(line) || line.includes('mcpProcessMain')) {
    return familyOf(row);
  }
  if (/\s--type=/.test(line)) {
    // Children of Electron and Chromium (renderers, GPU, crash handlers) and VS Code's terminals, watchers and file servers.
    return undefined;
  }
  const subject = subjectOf(row);
  const tail = subject.args.join(' ');
  const found = processPatterns.find(({ program, path }) => {
    const named = program === undefined || program.test(subject.name);
    return named && (path === undefined || path.test(subject.path) || (!row.argvExact && path.test(subject.spaced)));
  });
  return found?.unless?.test(tail) ? undefined : found?.id;
});

/**
 * A utility process of a desktop VS Code or fork: extension host, Agent Host, the host of terminals and watchers look the same. The environment of
 * their children tells them apart.
 */
export function isAmbiguousHost(row: ProcessRow): boolean {
  return row.commandLine.includes('--type=utility') && row.commandLine.includes('--utility-sub-type=node.mojom.NodeService');
}

/** VS Code's terminals: never a client. The user started what runs in them, not the client above. */
export function isTerminalHost(row: ProcessRow): boolean {
  return /--type=ptyHost\b/.test(row.commandLine);
}

/** Which editor a process of VS Code or a fork belongs to, by the path of its program. */
export function familyOf(row: ProcessRow): ClientId {
  const script = row.argv.find((word, index) => index > 0 && !word.startsWith('-'));
  const text = row.argvExact ? [row.argv[0] ?? '', script ?? ''] : [row.commandLine.slice(0, longest).split(/\s--type=/)[0] ?? ''];
  return text.map((path) => familyAt(path)).find((id) => id !== 'vscode') ?? 'vscode';
}

interface Subject {
  readonly name: string;
  readonly path: string;
  /** The command line up to its first option: where the system gives one string, this keeps a path with spaces whole. */
  readonly spaced: string;
  readonly args: readonly string[];
}

/** Characters: longer than any real path of a program, short enough for every pattern. */
const longest = 1_000;

/** The program, or the script that an interpreter runs. */
function subjectOf(row: ProcessRow): Subject {
  const single = row.argv.length === 1 ? (row.argv[0] ?? '').trim() : '';
  // A process title like `claude mcp serve` comes as one word; a path with spaces does not begin with a bare name.
  const words = /^[\w-]+ /.test(single) ? single.split(/\s+/) : row.argv;
  const first = slashes(words[0] ?? '');
  const at = /^(node|nodejs|bun)$/i.test(bareName(first)) ? scriptIndex(words) : 0;
  const path = slashes(words[at] ?? '').slice(0, longest);
  const spaced = slashes(row.commandLine.slice(0, longest)).split(/\s-/)[0] ?? '';
  return { name: bareName(path), path, spaced, args: words.slice(at + 1) };
}

function scriptIndex(words: readonly string[]): number {
  for (let index = 1; index < words.length; index++) {
    const word = words[index] ?? '';
    if (/^(-r|--require|--import|--loader|--env-file|-C|--conditions)$/.test(word)) {
      index++;
    } else if (!word.startsWith('-') && word !== 'run') {
      return index;
    }
  }
  return 0;
}

function bareName(path: string): string {
  return (path.split('/').at(-1) ?? '').replace(/\.(exe|cmd|[cm]?js)$/i, '').replace(/^-/, '');
}

function slashes(path: string): string {
  return path.replaceAll('\\', '/');
}

/** The marks that clients leave in the environment of what they start, in the order in which they are tried: marks of an outer client are inherited. */
export const environmentMarks: readonly { readonly id: ClientId; readonly names: readonly string[] }[] = clientsVscodeLast.flatMap((row) =>
  row.environmentMarks ? [{ id: row.id, names: row.environmentMarks }] : [],
);

/** Variables whose value names the entry point of the VS Code process that started the server. */
const entryPoints = ['VSCODE_ESM_ENTRYPOINT', 'VSCODE_AMD_ENTRYPOINT'];
/** Variables whose value holds a path of the installation or of its data. */
const pathVariables = ['VSCODE_CODE_CACHE_PATH', 'VSCODE_NLS_CONFIG', 'VSCODE_IPC_HOOK'];

/**
 * Which client started a server, by the server's environment. A recognised ancestor is better evidence, because marks are inherited (a VS Code
 * terminal runs `claude`, whose servers carry the marks of both).
 * @param names names of the environment's variables
 * @param value gives a value for the few marks whose value says which program it was; used here, never kept
 */
export function clientByEnvironment(names: Iterable<string>, value?: (name: string) => string | undefined): ClientId | undefined {
  const known = new Set(names);
  const marked = environmentMarks.find((mark) => mark.names.some((name) => known.has(name)));
  if (marked) {
    return marked.id;
  }
  const entry = entryPoints.find((name) => known.has(name));
  if (entry === undefined) {
    return undefined;
  }
  const point = value?.(entry) ?? 'extensionHostProcess';
  if (/mcpProcess/i.test(point)) {
    return 'cursor';
  }
  return /extensionHost/i.test(point)
    ? familyAt(pathVariables.map((name) => (known.has(name) ? (value?.(name) ?? '') : '')).join(' '))
    : undefined;
}
