import { type LaunchReader, type LaunchSpec, wrapLaunch } from './launchSpec.ts';
import { optionValues, scanOptions, wordSet } from './optionScan.ts';
import { splitShell } from './shellWords.ts';

/** A program that only starts another one with its remaining words. */
interface Wrapper {
  /** Words that must follow the name; without them the program is not a wrapper. */
  readonly verb?: readonly string[];
  /** Options that take the next word. */
  readonly values?: string;
  /** Number of the wrapper's own operands before the command. */
  readonly operands?: number;
  /** `NAME=value` words before the command. */
  readonly assignments?: boolean;
  /** The command always follows `--`. */
  readonly dashes?: boolean;
  /** Options for the working directory of the command. */
  readonly directory?: readonly string[];
  /** Name of the launcher in messages, if it is not the program's. */
  readonly label?: string;
}

const wrappers: Readonly<Record<string, readonly Wrapper[]>> = {
  env: [{ values: '-u --unset -C --chdir -a --argv0', assignments: true, directory: ['-C', '--chdir'] }],
  'mcp-shepherd': [{ verb: ['guard'], dashes: true, label: 'mcp-shepherd guard' }],
  disclaimer: [{}],
  srt: [{ values: '--settings -s -c --command' }],
  nohup: [{}],
  nice: [{ values: '-n --adjustment' }],
  ionice: [{ values: '-c --class -n --classdata' }],
  setsid: [{}],
  stdbuf: [{ values: '-i --input -o --output -e --error' }],
  timeout: [{ values: '-s --signal -k --kill-after', operands: 1 }],
  time: [{ values: '-f --format -o --output' }],
  caffeinate: [{ values: '-t -w' }],
  arch: [{ values: '-arch' }],
  sudo: [
    { values: '-u --user -g --group -h --host -p --prompt -C --close-from -D --chdir', assignments: true, directory: ['-D', '--chdir'] },
  ],
  bwrap: [{ dashes: true }],
  'sandbox-exec': [{ values: '-f -n -p -D' }],
  firejail: [{ dashes: true }, {}],
  dotenv: [
    { values: '-e -v -c', dashes: true },
    { verb: ['run'], values: '-f --file -v --variable -e --env-file', dashes: true },
  ],
  dotenvx: [{ verb: ['run'], values: '-f --env-file -e --env', dashes: true }],
  op: [{ verb: ['run'], values: '--env-file --account', dashes: true }],
  doppler: [{ verb: ['run'], dashes: true }],
  infisical: [{ verb: ['run'], dashes: true }],
  direnv: [{ verb: ['exec'], operands: 1 }],
  mise: [
    { verb: ['exec'], dashes: true },
    { verb: ['x'], dashes: true },
  ],
  fnm: [{ verb: ['exec'], values: '--using' }],
  volta: [{ verb: ['run'], values: '--node --npm --pnpm --yarn' }],
  conda: [{ verb: ['run'], values: '-n --name -p --prefix --cwd', directory: ['--cwd'] }],
  mamba: [{ verb: ['run'], values: '-n --name -p --prefix --cwd', directory: ['--cwd'] }],
  poetry: [{ verb: ['run'], values: '-C --directory -P --project', directory: ['-C', '--directory'] }],
  pdm: [{ verb: ['run'], values: '-p --project' }],
  rye: [{ verb: ['run'] }],
  pixi: [{ verb: ['run'], values: '-e --environment --manifest-path' }],
  hatch: [{ verb: ['run'] }],
};

/** The command inside a wrapper. @returns undefined when the program is not a wrapper, or not used as one */
export function readWrapper(name: string, args: readonly string[], read: LaunchReader): LaunchSpec | undefined {
  for (const wrapper of Object.hasOwn(wrappers, name) ? (wrappers[name] ?? []) : []) {
    const launch = unwrap(name, wrapper, args, read);
    if (launch) {
      return launch;
    }
  }
  return undefined;
}

function unwrap(name: string, wrapper: Wrapper, args: readonly string[], read: LaunchReader): LaunchSpec | undefined {
  const values = wordSet(wrapper.values ?? '');
  const before = wrapper.verb ? scanOptions(args, 0, values) : undefined;
  const verbAt = before?.next ?? 0;
  if (wrapper.verb && !wrapper.verb.every((word, index) => args[verbAt + index] === word)) {
    return undefined;
  }
  let scan = scanOptions(args, verbAt + (wrapper.verb?.length ?? 0), values);
  let start = scan.next;
  if (wrapper.dashes) {
    const at = args.indexOf('--', verbAt);
    if (at < 0) {
      return undefined;
    }
    start = at + 1;
  } else {
    // `env -i A=1 -u B C=2 cmd`, `env -S 'cmd args'`
    const split = name === 'env' ? splitText(scan.flags, args) : undefined;
    if (split) {
      return wrapLaunch(name, readAll(split, read) ?? read('', []));
    }
    while (wrapper.assignments && /^\w+=/.test(args[start] ?? '')) {
      scan = scanOptions(args, start + 1, values);
      start = scan.next;
    }
    start += wrapper.operands ?? 0;
    if (wrapper.operands && args[start] === '--') {
      start++;
    }
  }
  const text = optionValues(scan, '-c', '--command')[0];
  const words = name === 'srt' && text !== undefined ? shellLine(text) : name === 'srt' ? sandboxed(args.slice(start)) : args.slice(start);
  const inner = readAll(words, read);
  const directory = optionValues(scan, ...(wrapper.directory ?? []))[0];
  return inner && wrapLaunch(wrapper.label ?? name, inner, directory);
}

function readAll(words: readonly string[], read: LaunchReader): LaunchSpec | undefined {
  const [command, ...rest] = words;
  return command === undefined || command === '' ? undefined : read(command, rest);
}

/** `env -S "node --flag" …`: the text is split into words. */
function splitText(flags: ReadonlySet<string>, args: readonly string[]): string[] | undefined {
  const at = args.findIndex((word) => word === '-S' || word === '--split-string');
  return at >= 0 && (flags.has('-S') || flags.has('--split-string'))
    ? [...shellLine(args[at + 1] ?? ''), ...args.slice(at + 2)]
    : undefined;
}

/** The command of the sandbox, which is given as words or as one quoted line. */
function sandboxed(words: readonly string[]): readonly string[] {
  return words.length === 1 && /\s/.test(words[0] ?? '') ? shellLine(words[0] ?? '') : words;
}

function shellLine(text: string): readonly string[] {
  return splitShell(text)?.at(-1)?.words ?? text.split(/\s+/);
}
