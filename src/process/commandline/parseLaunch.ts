import type { ProcessRow } from '../../model/process.ts';
import { commandName, isNode, isPython, isShell } from './commandName.ts';
import { guardArguments, isGuardScript } from './guardCommand.ts';
import { type LaunchSpec, packageLaunch, plainLaunch } from './launchSpec.ts';
import { memoByCommandLine } from './memoByCommandLine.ts';
import { isSandboxScript, readNode, readTsx } from './nodeCommand.ts';
import { readBun, readBunx, readDeno, readNpm, readNpx, readPnpm, readYarn } from './npmCommand.ts';
import { scanOptions, wordSet } from './optionScan.ts';
import { readPipx, readPython, readUv, readUvx } from './pythonCommand.ts';
import { readCmd, readPowershell, readShell } from './shellCommand.ts';
import { splitWindowsArgs } from './windowsArgs.ts';
import { readWrapper } from './wrapperCommand.ts';

/** Deepest nesting of wrappers that is read. */
const deepest = 12;

interface LaunchOptions {
  /** Whether the words are npm's process title, which lacks npm's own options. */
  readonly title?: boolean;
}

/**
 * The normal form of a configured command or of the arguments of a running process, in which both can be compared. An unknown program is a `binary` with its
 * arguments. Never throws.
 * @param command program as written (path or name)
 * @param args its arguments, without the program itself
 */
export function parseLaunch(command: string, args: readonly string[], options: LaunchOptions = {}): LaunchSpec {
  return readLaunch(command, args, options.title ?? false, 0);
}

function readLaunch(command: string, args: readonly string[], title: boolean, depth: number): LaunchSpec {
  if (depth > deepest) {
    return plainLaunch('binary', args, { target: command });
  }
  const read = (inner: string, rest: readonly string[]): LaunchSpec => readLaunch(inner, rest, false, depth + 1);
  const name = commandName(command);
  if (isNode(name)) {
    return readNode(command, args, read);
  }
  if (isPython(name)) {
    return readPython(command, args, read);
  }
  if (isShell(name)) {
    return readShell(name, args, read);
  }
  const wrapped = readWrapper(name, args, read);
  if (wrapped) {
    return wrapped;
  }
  switch (name) {
    case 'npx':
      return readNpx(args, read);
    case 'npm':
      return readNpm(args, title, read);
    case 'pnpm':
      return readPnpm(args, read);
    case 'pnpx':
      return readPnpm(['dlx', ...args], read);
    case 'yarn':
    case 'yarnpkg':
      return readYarn(args, read);
    case 'bun':
      return readBun(args, read);
    case 'bunx':
      return readBunx(args, read);
    case 'deno':
      return readDeno(args);
    case 'uv':
      return readUv(args, read);
    case 'uvx':
      return readUvx(args);
    case 'pipx':
      return readPipx(args);
    case 'docker':
    case 'podman':
    case 'nerdctl':
      return readDocker(name, args);
    case 'cmd':
      return readCmd(args, read);
    case 'powershell':
    case 'pwsh':
      return readPowershell(args, read);
    case 'corepack':
      return args[0] === undefined ? plainLaunch('binary', args, { target: command }) : read(args[0].replace(/@.*$/, ''), args.slice(1));
    case 'busybox':
      return args[0] === undefined ? plainLaunch('binary', args, { target: command }) : read(args[0], args.slice(1));
    case 'tsx': {
      const script = readTsx(args);
      return script
        ? plainLaunch('node', script.args, { target: script.target ?? '', interpreter: 'tsx', supervises: 'tsx' })
        : plainLaunch('binary', args, { target: command });
    }
    default: {
      const [script = '', ...rest] = args;
      if (isGuardScript(script, rest)) {
        // VS Code's own program as Node, on machines without another one.
        return read('mcp-shepherd', guardArguments(script, rest));
      }
      return isSandboxScript(script) && rest.length > 0 ? read('srt', rest) : plainLaunch('binary', args, { target: command });
    }
  }
}

/**
 * Command and arguments of a running process: a title in one string is split, a command line with quotes is split by the rules of Windows, padding is removed.
 */
export const observedWords: (row: ProcessRow) => readonly string[] = memoByCommandLine((row) => {
  if (!row.argvExact && row.commandLine.includes('"')) {
    return splitWindowsArgs(row.commandLine);
  }
  const words = row.argv.map((word) => word.replace(/\0+$/, ''));
  const only = words[0] ?? '';
  // A title is one string with blanks. The path of a program may contain blanks too, but does not begin with one of these names.
  if (words.filter((word) => word !== '').length === 1 && /^(npm|npx|pnpm|pnpx|yarn|bunx) /.test(only)) {
    return only.trim().split(/\s+/);
  }
  return words;
});

/**
 * The launch of a script by an application that runs as Node: Electron does so where `ELECTRON_RUN_AS_NODE` is set, which only the environment shows. Without it,
 * the same words open the file. Undefined when no argument is a script of Node.
 */
export function launchAsNode([, ...args]: readonly string[]): LaunchSpec | undefined {
  const launch = parseLaunch('node', args);
  const script = launch.launcher === 'node' ? (launch.target ?? '') : '';
  return /\.[cm]?js$|[\\/]node_modules[\\/]\.bin[\\/][^\\/]+$/.test(script) ? launch : undefined;
}

/** By executable. */
const launchesOf = memoByCommandLine(() => new Map<string | undefined, LaunchSpec>());

/**
 * The normal form of a running process. It is remembered, because each entry is compared with it.
 * @param exe the executable, if known. An interpreter replaces a first word that was renamed (`exec -a`)
 */
export function observedLaunch(row: ProcessRow, exe?: string): LaunchSpec {
  const known = launchesOf(row);
  const launch = known.get(exe) ?? launchAs(row, exe);
  known.set(exe, launch);
  return launch;
}

function launchAs(row: ProcessRow, exe: string | undefined): LaunchSpec {
  const words = observedWords(row);
  const [first = '', ...rest] = words;
  const name = commandName(first);
  const program = exe === undefined ? undefined : commandName(exe.replace(/ \(deleted\)$/, ''));
  if (
    program !== undefined &&
    (isNode(program) || isPython(program)) &&
    !isNode(name) &&
    !isPython(name) &&
    rest.length > 0 &&
    !isTitle(first)
  ) {
    return parseLaunch((exe ?? first).replace(/ \(deleted\)$/, ''), rest);
  }
  // On POSIX a running npm always has a title; its real arguments begin with Node.
  return parseLaunch(first, rest, { title: first === 'npm' });
}

function isTitle(first: string): boolean {
  return /^(npm|npx|pnpm|yarn|bunx)$/.test(first);
}

/** A row for a process that is known only by its command line, or that does not run yet. Its identity, start and memory mean nothing. */
export function unidentifiedRow(known: Pick<ProcessRow, 'pid' | 'ppid' | 'name' | 'argv' | 'argvExact'>): ProcessRow {
  return {
    identity: { bootId: '-', pidNamespace: '-', pid: known.pid, start: '?' },
    startedAt: 0,
    startErrorMs: 0,
    commandLine: known.argv.join(' '),
    rssBytes: 0,
    state: '?',
    ...known,
  };
}

const globalValues = wordSet('-H --host -c --context --config -l --log-level --tlscacert --tlscert --tlskey');
/** Options of `docker run` without a value; all others take one. */
const switches = wordSet(
  '-i -t -d -it -ti -dit -itd -id -di -P -q --interactive --tty --rm --init --privileged --read-only --detach --publish-all --no-healthcheck --oom-kill-disable ' +
    '--sig-proxy --disable-content-trust --quiet --help --no-hosts --replace --rmi --tls-verify --no-TTY -T --no-deps --service-ports --use-aliases --build',
);

/**
 * `docker run [options] image args`, also of podman and nerdctl, `container run`, and `exec`. The client process counts as the server, because the container
 * belongs to the daemon.
 */
function readDocker(tool: string, args: readonly string[]): LaunchSpec {
  const before = scanOptions(args, 0, globalValues);
  const verb = args[before.next] === 'container' ? before.next + 1 : before.next;
  if (args[verb] !== 'run' && args[verb] !== 'exec') {
    return plainLaunch('binary', args, { target: tool });
  }
  let index = verb + 1;
  for (; index < args.length; index++) {
    const word = args[index] ?? '';
    if (word === '--') {
      index++;
      break;
    }
    if (!word.startsWith('-')) {
      break;
    }
    const attached = word.includes('=') || switches.has(word) || /^-[evpumlhwac][^-]./.test(word) || /^-[itdPq]+$/.test(word);
    index += attached ? 0 : 1;
  }
  return packageLaunch('docker', [], args[index], args.slice(index + 1));
}
