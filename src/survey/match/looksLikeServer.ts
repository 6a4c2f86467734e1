import type { ProcessRow } from '../../model/process.ts';
import { commandName, isPython, isShell } from '../../process/commandline/commandName.ts';
import type { LaunchSpec } from '../../process/commandline/launchSpec.ts';
import { specName } from '../../process/commandline/packageSpec.ts';
import { launchAsNode, observedLaunch, observedWords } from '../../process/commandline/parseLaunch.ts';
import type { MatchInput } from './matchInput.ts';
import { runnerPath } from './runnerPath.ts';
import { isAbsolutePath, pathFrom } from './wordPattern.ts';

/** `mcp` as a word of its own in a name: `mcp-server-git`, `my_mcp`, `myMcpServer`, `@modelcontextprotocol/…`. */
const token = /(^|[^a-z0-9])mcp(s|[^a-z0-9]|$)|mcp[-_]?server|modelcontextprotocol|fastmcp|(?<=[a-z0-9])Mcp(?=[A-Z]|$)/;
/** Programs for MCP that are not servers: inspectors, hosts, our own. */
const tools = /inspector|mcp-?host|mcp-?cli$|mcporter|mcp-?client|mcp-?proxy-?manager|mcp-shepherd|mcp-?probe|add-mcp|mcp-get|smithery$/i;
/** File and folder names that say nothing about the program, such as a version: the folder above is used instead. */
const generic =
  /^((index|main|server|app|cli|start|stdio|run|__main__|bundle|entry)(\.[cm]?[jt]sx?|\.pyw?)?|dist|build|out|src|lib|bin|server|packages|esm|cjs|v?\d+(\.\d+)+([-+][\w.+-]+)?)$/i;
/** `claude mcp list`, `gh mcp add`: commands with which clients manage their servers. */
const administration =
  /^(list|ls|add|add-json|remove|rm|get|login|logout|install|uninstall|enable|disable|help|reset|init|update|auth|inspect|dev|-.*|--help|--version)$/;
/** Programs that may have the name of a server in their arguments or directory, and are not servers. */
const otherPrograms =
  /^(vi|vim|nvim|nano|emacs|less|more|tail|head|cat|grep|rg|ag|find|fd|git|tar|ssh|scp|rsync|curl|wget|make|tsc|esbuild|eslint|biome|prettier|jest|vitest|mocha|pytest|strace|gdb|code|cursor|ps|top|htop|watch|kill|pgrep|du|ls|cp|mv|rm|ln|xdg-open|docker-compose|pip3?)$/;

/**
 * Whether a process that matches no entry looks like an MCP server, by the name of the program or package that it runs. Programs that only have such a name in
 * their arguments, editors, installers, inspectors and clients do not.
 */
export function looksLikeServer(observed: MatchInput): boolean {
  const { detail } = observed;
  if (detail?.stdin === 'terminal' && detail.listens === false) {
    // The user runs it in a terminal (help, log-in): no client is connected to it.
    return false;
  }
  const isElectron = detail?.environment?.has('ELECTRON_RUN_AS_NODE') === true && looksAsNode(observed.server, detail.cwd);
  return (
    isElectron ||
    looksLikeRow(observed.server, detail?.cwd) ||
    observed.launchers.some((row) => namesServer(observedLaunch(row), undefined))
  );
}

/** The same by the command line only, for the first pass. */
export function looksLikeRow(row: ProcessRow, cwd?: string): boolean {
  return !/\s--type=/.test(row.commandLine) && namesServer(observedLaunch(row), cwd);
}

/** The same for an application that may run as Node: whether it does, the environment shows. */
export function looksAsNode(row: ProcessRow, cwd?: string): boolean {
  const launch = launchAsNode(observedWords(row));
  return launch !== undefined && namesServer(launch, cwd);
}

function namesServer(launch: LaunchSpec, cwd: string | undefined): boolean {
  const program = commandName(launch.target ?? '');
  if (otherPrograms.test(program) || (launch.launcher === 'binary' && (isShell(program) || isPython(program)))) {
    return false;
  }
  switch (launch.launcher) {
    case 'npm-exec':
    case 'pnpm-dlx':
    case 'yarn-dlx':
    case 'bunx':
    case 'uvx':
    case 'pipx-run': {
      const name = specName(launch.spec ?? '');
      return (
        isServerName(name, launch.args) || (launch.target !== undefined && isServerName(launch.target, launch.args)) || serves(launch.args)
      );
    }
    case 'deno':
      return isServerName(launch.spec === undefined ? subjectName(launch.target ?? '', cwd) : specName(launch.spec), launch.args);
    case 'docker':
      return isServerName((launch.target ?? '').replace(/[:@][^/]*$/, ''), launch.args);
    case 'python-module':
      return isServerName(launch.target ?? '', launch.args);
    case 'npm-run':
    case 'cmd':
    case 'uv-run':
    case 'shell':
      return false;
    default:
      return (
        launch.target !== undefined &&
        (isServerName(subjectName(launch.target, cwd), launch.args) || (launch.launcher === 'binary' && serves(launch.args)))
      );
  }
}

/** `claude mcp serve`, `codex mcp-server`, `ng mcp`: programs that offer their tools. */
function serves(args: readonly string[]): boolean {
  const [first = '', second] = args;
  return first === 'mcp-server' || (first === 'mcp' && second !== undefined && /^(serve|server|start|run|stdio)$/.test(second));
}

function isServerName(name: string, args: readonly string[]): boolean {
  if (!token.test(name) || tools.test(name)) {
    return false;
  }
  // The SDK's own command (`mcp run server.py`, `fastmcp run`) and commands of clients.
  return !/^(mcp|fastmcp)$/.test(name) || !administration.test(args[0] ?? 'help');
}

/** The name of a script: its package below node_modules, else its file, else the nearest folder above with a specific name. */
function subjectName(path: string, cwd: string | undefined): string {
  const installed = runnerPath(path);
  if (installed) {
    return installed.name ?? installed.program ?? commandName(path);
  }
  const whole = isAbsolutePath(path) || cwd === undefined ? path : pathFrom(cwd, path);
  const parts = whole.split(/[\\/]+/).filter((part) => part !== '' && part !== '.');
  const last = parts.findLastIndex((part) => !generic.test(part));
  return (parts[last] ?? '').replace(/\.(exe|cmd|[cm]?[jt]sx?|pyw?)$/i, '');
}
