import type { ClientId } from '../model/definition.ts';
import type { ProcessRow } from '../model/process.ts';
import { memoByCommandLine } from '../process/commandline/memoByCommandLine.ts';
import { familyAt } from './vscodeFamily.ts';

/** One way in which a client shows in the process table. */
interface ClientProcess {
  readonly id: ClientId;
  /** Name of the program, or of the script that node or bun runs, without suffix. */
  readonly program?: RegExp;
  /** Anywhere in the program's path or the script's path (with forward slashes). */
  readonly path?: RegExp;
  /** The same program with these arguments is something else: a server. */
  readonly unless?: RegExp;
}

/**
 * Clients that are programs of their own, most specific first. VS Code and its relatives are told by process type below.
 * Each name and path is one that was seen or that the client's package installs; what is missing here is `unknown`, never another one.
 */
const clientProcesses: readonly ClientProcess[] = [
  { id: 'vscode-agent-host', program: /^copilot-runtime$/ },
  {
    id: 'claude-code',
    path: /\/claude-code\/[^/]+\/claude\.app\/Contents\/MacOS\/claude$|@anthropic-ai\/claude-code(-[\w-]+)?\/|\/claude\/versions\/[^/]+$/,
    unless: /^mcp serve\b/,
  },
  {
    id: 'claude-desktop',
    path: /\/Claude\.app\/Contents\/(MacOS|Frameworks)\/|\/AnthropicClaude\/|\/WindowsApps\/Claude_|\/Claude\/app-[\d.]+\/|\/claude-desktop\//,
  },
  { id: 'claude-desktop', program: /^claude-desktop$/ },
  { id: 'claude-code', program: /^claude$/, unless: /^mcp serve\b/ },
  { id: 'codex', path: /@openai\/codex(-[\w-]+)?\//, unless: /^mcp-server\b/ },
  { id: 'codex', program: /^codex$/, unless: /^mcp-server\b/ },
  { id: 'qwen', path: /@qwen-code\/qwen-code\// },
  { id: 'qwen', program: /^qwen$/ },
  { id: 'gemini', path: /@google\/gemini-cli\// },
  { id: 'gemini', program: /^gemini$/ },
  { id: 'kilo', path: /@kilocode\/cli[^/]*\/|kilocode\.kilo-code[^/]*\/bin\// },
  { id: 'kilo', program: /^(kilo|kilocode)$/ },
  { id: 'opencode', path: /\/opencode-ai\/|\/opencode-(linux|darwin|windows)[^/]*\// },
  { id: 'opencode', program: /^opencode$/ },
  { id: 'copilot-cli', path: /@github\/copilot(-(linux|darwin|win32)[\w-]*)?\// },
  { id: 'copilot-cli', program: /^copilot$/ },
  { id: 'auggie', path: /@augmentcode\/auggie\// },
  { id: 'auggie', program: /^auggie$/ },
  { id: 'amp', path: /@sourcegraph\/amp\// },
  { id: 'amp', program: /^amp$/ },
  { id: 'goose', program: /^(goosed?|goose-desktop)$/, unless: /^mcp\b/ },
  { id: 'zed', program: /^(zed-editor|zeditor)$/ },
  { id: 'zed', program: /^zed$/, path: /\/Zed( \w+)?\.app\/|\/zed[^/]*\/(bin|libexec)\/|\/bin\/zed$/ },
  { id: 'windsurf', path: /\/windsurf\b.*\/language_server_[^/]+$/i },
  { id: 'antigravity', path: /\/antigravity\b.*\/language_server_[^/]+$/i },
  { id: 'antigravity', program: /^agy$/ },
  { id: 'kiro', program: /^(kiro-cli|kiro-cli-chat)$/ },
  { id: 'amazon-q', program: /^(qchat|q)$/, path: /\/amazon-q\/|\/\.local\/bin\/q(chat)?$/ },
  { id: 'crush', program: /^crush$/ },
  { id: 'droid', program: /^droid$/ },
  { id: 'lm-studio', path: /\/LM[ -]Studio(\.app|\/)/i },
];

/**
 * Which client a process is, by its arguments alone.
 * @returns undefined for everything else, for servers that clients offer (`claude mcp serve`), and for a desktop VS Code's utility
 * processes, which look all alike (see `isAmbiguousHost`)
 */
export function recogniseClient(row: ProcessRow): ClientId | undefined {
  const line = row.commandLine;
  if (/--type=extensionHost\b/.test(line) || line.includes('mcpProcessMain')) {
    return familyOf(row);
  }
  if (/\s--type=/.test(line)) {
    // Electron's and Chromium's own children: renderers, GPU, crash handlers; and VS Code's terminals, watchers and file servers.
    return undefined;
  }
  const subject = subjectOf(row);
  const tail = subject.args.join(' ');
  for (const client of clientProcesses) {
    const named = client.program === undefined || client.program.test(subject.name);
    const placed = client.path === undefined || client.path.test(subject.path) || (!row.argvExact && client.path.test(subject.spaced));
    if (named && placed) {
      return client.unless?.test(tail) ? undefined : client.id;
    }
  }
  return undefined;
}

/**
 * A utility process of a desktop VS Code (or relative): extension host, Agent Host, terminals' host and watchers look alike. The
 * environment of its children tells them apart.
 */
export function isAmbiguousHost(row: ProcessRow): boolean {
  return row.commandLine.includes('--type=utility') && row.commandLine.includes('--utility-sub-type=node.mojom.NodeService');
}

/** VS Code's terminals: never a client, and what runs in them was started by the person, not by the client above. */
export function isTerminalHost(row: ProcessRow): boolean {
  return /--type=ptyHost\b/.test(row.commandLine);
}

/** Which relative of VS Code a process of it belongs to, by the path of its program. */
export function familyOf(row: ProcessRow): ClientId {
  const script = row.argv.find((word, index) => index > 0 && !word.startsWith('-'));
  const text = row.argvExact ? [row.argv[0] ?? '', script ?? ''] : [row.commandLine.slice(0, longest).split(/\s--type=/)[0] ?? ''];
  return text.map((path) => familyAt(path)).find((id) => id !== 'vscode') ?? 'vscode';
}

interface Subject {
  readonly name: string;
  readonly path: string;
  /** The line up to its first option: a path with spaces whole, where the system gives one string. */
  readonly spaced: string;
  readonly args: readonly string[];
}

/** Longer than any real path of a program, short enough for every pattern. */
const longest = 1_000;

/** The program, or the script that an interpreter runs. */
function subjectOf(row: ProcessRow): Subject {
  const single = row.argv.length === 1 ? (row.argv[0] ?? '').trim() : '';
  // A title like `claude mcp serve` comes as one word; a path with spaces does not begin with a bare name.
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

/** Marks that clients leave in the environment of what they start, most specific first: an outer client's marks are inherited. */
const environmentMarks: readonly { readonly id: ClientId; readonly names: readonly string[] }[] = [
  { id: 'claude-code', names: ['CLAUDE_CODE_SESSION_ID', 'CLAUDE_PROJECT_DIR', 'CLAUDECODE'] },
  { id: 'qwen', names: ['QWEN_CODE_NO_RELAUNCH', 'QWEN_CODE'] },
  { id: 'gemini', names: ['GEMINI_CLI'] },
  { id: 'kilo', names: ['KILO', 'KILO_PID', 'KILOCODE_VERSION'] },
  { id: 'opencode', names: ['OPENCODE', 'OPENCODE_PID'] },
  { id: 'copilot-cli', names: ['COPILOT_AGENT_SESSION_ID', 'COPILOT_CLI_BINARY_VERSION'] },
  { id: 'vscode-agent-host', names: ['COPILOT_MCP_APPS', 'COPILOT_CLI_RUN_AS_NODE'] },
];

/** Variables whose value names the entry point of VS Code's own process that started the server. */
const entryPoints = ['VSCODE_ESM_ENTRYPOINT', 'VSCODE_AMD_ENTRYPOINT'];
/** Variables whose value holds a path of the installation or of its data. */
const places = ['VSCODE_CODE_CACHE_PATH', 'VSCODE_NLS_CONFIG', 'VSCODE_IPC_HOOK'];

/**
 * Which client a server was started by, as its environment says. A fall-back: an ancestor that is recognised knows better, because
 * marks are inherited (a VS Code terminal runs `claude`, whose servers carry both).
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
    ? familyAt(places.map((name) => (known.has(name) ? (value?.(name) ?? '') : '')).join(' '))
    : undefined;
}

/** Which client a process is (`recogniseClient`), asked for every process at every look. */
export const clientRow = memoByCommandLine(recogniseClient);
