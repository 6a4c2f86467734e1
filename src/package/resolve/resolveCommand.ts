import { join, resolve } from 'node:path';
import { because } from '../../base/language/because.ts';
import type { ProcessRow } from '../../model/process.ts';
import { commandName, isNode, isPython, isShell } from '../../process/commandline/commandName.ts';
import type { LaunchSpec } from '../../process/commandline/launchSpec.ts';
import { launchAsNode, parseLaunch, unidentifiedRow } from '../../process/commandline/parseLaunch.ts';
import { splitShell } from '../../process/commandline/shellWords.ts';
import { readStart, statPath } from '../../storage/boundedFile.ts';
import { type Identified, identifyPackage } from '../identifyPackage.ts';
import { environmentOfInterpreter, venvConfig } from '../python/pythonEnvironment.ts';
import { findProgram, followLinks, fromHome, notFound, type SearchPlace, scriptFile } from './commandPath.ts';
import { type CommandStep, type PackageScript, packageScript } from './packageScript.ts';
import { variablesIn } from './shellValues.ts';
import { cmdShim, powershellShim, type ShimCommand, shebangWords, shellShim } from './shimText.ts';
import { holderOf, managedProgram, projectEnvironment } from './versionManagers.ts';

/** A command as a client starts it. */
export interface ClientCommand extends SearchPlace {
  /** Program and arguments. */
  readonly words: readonly string[];
}

/** Searches whose results change with a file that appears in another folder. */
export interface Searches {
  /** The scripts of package.json files that decide, outermost first. */
  readonly scripts?: readonly PackageScript[];
  /** The paths under which programs were searched for on PATH, up to the one that was found. */
  readonly tried: readonly string[];
  /** A module, a project or a version file was searched for: only following the command again shows whether another one is found. */
  readonly searched: boolean;
  /** Variables that scripts on the way read. */
  readonly variables?: readonly string[];
}

/** The place that a command leads to on this disk now. */
export type CommandLead =
  | ({
      readonly found: Identified;
      /** Links and scripts on the way: while none of them changes, neither does the result. */
      readonly visited: readonly string[];
    } & Searches)
  /** The command leaves the choice to a registry or a cache, or it starts no code of a package. */
  | ({ readonly elsewhere: true; readonly visited: readonly string[] } & Searches);

/** Longest chain of scripts that start each other. */
const deepest = 8;
/** Shims and wrappers are smaller. The first line of a larger script is read too. */
const readBytes = 64 * 1024;

type Words = readonly string[];

/**
 * Follows a command to the package that it starts: PATH, symbolic links, the shims of package managers, `#!` lines and wrappers that only start one program.
 * Reads files and runs nothing; what cannot be read is unknown. Never throws.
 */
export function resolveCommand(command: ClientCommand): CommandLead {
  const visited = new Set<string>();
  const searched = new Set<string>();
  const tried = new Set<string>();
  const variables = new Set<string>();
  const scripts: PackageScript[] = [];
  const way = () => ({
    visited: [...visited],
    tried: [...tried],
    searched: searched.size > 0,
    ...(scripts.length > 0 ? { scripts } : {}),
    ...(variables.size > 0 ? { variables: [...variables] } : {}),
  });
  let { words, cwd, environment } = command;
  for (let depth = 0; depth < deepest; depth += 1) {
    const step = stepOf(words, { ...command, cwd, environment, tried, searched, variables }, visited);
    if (step === 'elsewhere') {
      return { elsewhere: true, ...way() };
    }
    if (!('argv' in step) && step.script) {
      scripts.push(step.script);
    }
    if ('unknown' in step) {
      return { found: { unknown: step.unknown }, ...way() };
    }
    if ('argv' in step) {
      const found = packageOf(step.argv, { ...command, cwd, environment, searched }, visited);
      return { found, ...way() };
    }
    words = step.next;
    cwd = step.cwd ?? cwd;
    environment = step.ownPath ? new Map([...(environment ?? [])].filter(([name]) => name !== 'PATH')) : environment;
  }
  return { found: { unknown: because`its command leads through too many scripts` }, ...way() };
}

function stepOf(words: Words, place: SearchPlace, visited: Set<string>): CommandStep {
  const [program = '', ...args] = words;
  const name = commandName(program);
  const launch = parseLaunch(program, args);
  if (launch.wrappers.length > 0) {
    return unwrapped(launch, place, keepsPath(name, args));
  }
  if (place.environment?.has('ELECTRON_RUN_AS_NODE') && launch.launcher === 'binary' && launchAsNode(words)) {
    // An editor or a desktop application runs the script with itself as Node.
    return { argv: ['node', ...args] };
  }
  switch (launch.launcher) {
    case 'node':
      return isNode(name) ? { argv: words } : { argv: ['node', launch.target ?? '', ...launch.args] };
    case 'bun':
      return { argv: words };
    case 'python-script':
    case 'python-module':
      return isPython(name) ? interpreterStep(words, place, visited) : { unknown: because`its command cannot be followed` };
    case 'binary':
      return programStep(words, place, visited);
    case 'shell':
      return launch.target !== undefined && isShell(name)
        ? programStep([launch.target, ...launch.args], place, visited, name)
        : 'elsewhere';
    case 'npm-run':
      place.searched?.add('package.json');
      return packageScript(words, launch, place, visited);
    case 'npm-exec':
      return localProgram(launch, place);
    case 'pnpm-exec':
      place.searched?.add(join('node_modules', '.bin'));
      return projectProgram(launch, place);
    case 'uv-run':
      place.searched?.add('pyproject.toml');
      return uvProgram(launch, args.slice(args.indexOf('run') + 1), place, visited);
    default:
      return 'elsewhere';
  }
}

/** Whether it is a line of shell (`sh -c …`) that does more than start one program: its target is that line. */
export function isShellLine({ launcher, interpreter, wrappers }: LaunchSpec): boolean {
  return launcher === 'shell' && interpreter !== undefined && wrappers.at(-1) === interpreter;
}

/** Wrappers that give the command another PATH. */
const pathMakers = /^(mise|fnm|volta|conda|mamba|poetry|pdm|rye|pixi|hatch|direnv)$/;

/** Whether a wrapper passes the PATH of the client on. A login shell, a line that prepares an environment first, and a PATH that is written there make another one. */
function keepsPath(wrapper: string, args: Words): boolean {
  if (pathMakers.test(wrapper) || args.some((word) => /(^|\s)PATH=/.test(word))) {
    return false;
  }
  const commands = splitShell(args[0] === '-c' ? (args[1] ?? '') : '');
  return !isShell(wrapper) || commands?.filter(({ words }) => words[0] !== 'cd').length === 1;
}

/** The command inside wrappers (`env`, `sh -c`, our guard), as words. */
function unwrapped(launch: LaunchSpec, place: SearchPlace, pathKept: boolean): CommandStep {
  const { target, interpreter, args } = launch;
  if (isShellLine(launch)) {
    return { unknown: because`its command is a line of shell that does more than start one program` };
  }
  // Which Node runs a script is another question.
  if (!pathKept && launch.launcher !== 'node' && !(interpreter ?? target ?? '').includes('/')) {
    return 'elsewhere';
  }
  const starters: Partial<Record<LaunchSpec['launcher'], Words>> = {
    node: [interpreter ?? 'node'],
    'python-script': [interpreter ?? 'python3'],
    'python-module': [interpreter ?? 'python3', '-m'],
    binary: [],
    shell: [interpreter ?? 'sh'],
  };
  const starter = starters[launch.launcher];
  if (target === undefined || starter === undefined) {
    // A registry decides, or a shell line with more than one program.
    return 'elsewhere';
  }
  const next = [...starter, target, ...args];
  const cwd = launch.cwd === undefined ? {} : { cwd: resolve(place.cwd ?? '/', fromHome(launch.cwd, place)) };
  return { next: launch.wrappers.some(isShell) ? next.map((word) => fromHome(word, place)) : next, ...cwd };
}

/** A Python is part of the answer: its place decides which packages it loads. */
function interpreterStep([program = '', ...args]: Words, place: SearchPlace, visited: Set<string>): CommandStep {
  const found = findProgram(program, place);
  if (found === undefined) {
    return notFound(program, place);
  }
  const managed = managedProgram(found, place, visited);
  if (managed !== undefined) {
    return typeof managed === 'string' ? { argv: [managed, ...args] } : managed;
  }
  followLinks(found, visited);
  return { argv: [found, ...args] };
}

/** @param shell the shell that the file is given to; undefined: the file itself is started */
function programStep([program = '', ...args]: Words, place: SearchPlace, visited: Set<string>, shell?: string): CommandStep {
  const file = shell === undefined ? findProgram(program, place) : scriptFile(program, place);
  if (file === undefined) {
    return notFound(program, place);
  }
  const managed = managedProgram(file, place, visited);
  if (managed !== undefined) {
    return typeof managed === 'string' ? { next: [managed, ...args] } : managed;
  }
  const real = followLinks(file, visited);
  const start = real === undefined ? undefined : readStart(real, readBytes);
  if (real === undefined || start === undefined) {
    return { unknown: because`${file} cannot be read` };
  }
  visited.add(real);
  const text = start.toString('utf8');
  if (place.platform === 'win32' && /\.(cmd|ps1)$/i.test(file)) {
    const words = /\.cmd$/i.test(file) ? cmdShim(text, file) : powershellShim(text, file);
    return words ? { next: [...words, ...args] } : { unknown: because`${file} is no shim that can be read` };
  }
  const first = shebangWords(text);
  if (first === undefined && shell === undefined) {
    return place.platform === 'win32'
      ? 'elsewhere'
      : { unknown: because`${file} is a program and no script: what it starts cannot be read` };
  }
  const [interpreter = '', ...options] = first ?? [shell ?? 'sh'];
  const name = commandName(interpreter);
  if (isShell(name)) {
    for (const name of variablesIn(text)) {
      place.variables?.add(name);
    }
    const python = /^'''exec' "?([^"\n]+?)"? "\$0"/m.exec(text)?.[1];
    const shim =
      python === undefined ? shellShim(text, { file, real, environment: place.environment, visited }) : { words: [python, file] };
    return shim ? shimStep(shim, args, place) : { unknown: because`${file} is a shell script that does more than start one program` };
  }
  if (isNode(name) || isPython(name) || name === 'bun' || name === 'deno') {
    return { next: [interpreter, ...options, file, ...args] };
  }
  return 'elsewhere';
}

function shimStep({ words, cwd, ownPath }: ShimCommand, args: Words, place: SearchPlace): CommandStep {
  return {
    next: [...words, ...args],
    ...(cwd === undefined ? {} : { cwd: resolve(place.cwd ?? '/', cwd) }),
    ...(ownPath ? { ownPath } : {}),
  };
}

/** `npx NAME`: npm starts a program of this name that the project has, and asks no registry (libnpmexec). Any other choice is npm's. */
function localProgram(launch: LaunchSpec, place: SearchPlace): CommandStep {
  const { spec = '', target } = launch;
  if (target !== undefined || launch.specs.length !== 1 || !/^[\w.-]+$/.test(spec)) {
    return 'elsewhere';
  }
  place.searched?.add(join('node_modules', '.bin'));
  const found = projectProgram({ ...launch, target: spec }, place);
  return typeof found === 'object' && 'unknown' in found ? 'elsewhere' : found;
}

/** `pnpm exec NAME`, `yarn run NAME`: the program of the project. */
function projectProgram(launch: LaunchSpec, place: SearchPlace): CommandStep {
  const cwd = launch.cwd === undefined ? place.cwd : resolve(place.cwd ?? '/', launch.cwd);
  const program = join('node_modules', '.bin', launch.target ?? '');
  const folder = cwd === undefined || launch.target === undefined ? undefined : holderOf(cwd, program);
  return folder === undefined
    ? { unknown: because`the program of its project is not found` }
    : { next: [join(folder, program), ...launch.args], cwd: folder };
}

/**
 * `uv run COMMAND`: the program in the environment of the project (docs.astral.sh/uv, "Running commands"). A member of a workspace uses the environment of the
 * workspace. Options that make another environment leave the choice to uv, and so does a script that names its own packages.
 * @param words what follows `run`
 */
function uvProgram(launch: LaunchSpec, words: Words, place: SearchPlace, visited: Set<string>): CommandStep {
  const { inner, target = '', args } = launch;
  const options = words.slice(0, words.indexOf(target));
  if (
    inner === undefined ||
    launch.specs.length > 0 ||
    options.some((word) => /^(--(no-project|isolated|active|with|python|script)\b|-[pws])/.test(word))
  ) {
    return 'elsewhere';
  }
  const cwd = launch.cwd === undefined ? place.cwd : resolve(place.cwd ?? '/', launch.cwd);
  const named = options.flatMap(
    (word, index) => /^--project=(.+)$/.exec(word)?.[1] ?? (word === '--project' ? (options[index + 1] ?? '') : []),
  )[0];
  const from = cwd === undefined ? undefined : resolve(cwd, named ?? '.');
  const folder = from === undefined ? undefined : holderOf(from, 'pyproject.toml');
  const environment = folder === undefined ? undefined : projectEnvironment(folder, place);
  if (environment === undefined) {
    return { unknown: because`the environment of its project is not found` };
  }
  visited.add(environment);
  const python = join(environment, 'bin', 'python');
  const moved = cwd === undefined ? {} : { cwd };
  if (inner.launcher === 'python-script') {
    const script = resolve(cwd ?? '/', inner.target ?? '');
    return /^# \/\/\/ script$/m.test(readStart(script, readBytes)?.toString('utf8') ?? '')
      ? 'elsewhere'
      : { next: [python, script, ...inner.args], ...moved };
  }
  if (inner.launcher === 'python-module') {
    return { next: [python, '-m', inner.target ?? '', ...inner.args], ...moved };
  }
  const own = join(environment, 'bin', target);
  return { next: [!target.includes('/') && statPath(own).status === 'ok' ? own : target, ...args], ...moved };
}

/** The package of a command line that ends in an interpreter. */
function packageOf(argv: Words, { cwd, environment, searched }: SearchPlace, visited: Set<string>): Identified {
  const [program = ''] = argv;
  const python = isPython(commandName(program));
  if (python) {
    // Modules are searched for, in the folders of an environment that may change too.
    searched?.add(program);
  }
  const exe = python ? followLinks(program, visited) : program;
  const row: ProcessRow = unidentifiedRow({ pid: 0, ppid: 0, name: commandName(program), argv, argvExact: true });
  const found = identifyPackage(row, {
    ...(exe === undefined ? {} : { exe }),
    ...(cwd === undefined ? {} : { cwd }),
    ...(environment === undefined ? {} : { environment }),
    stdin: 'unknown',
    listens: 'unknown',
    missing: [],
  });
  // The interpreter of an environment decides which packages are loaded, wherever a link to the script leads.
  if ('ref' in found && !(python && venvConfig(found.ref.environment) && environmentOfInterpreter(program) === found.ref.environment)) {
    followLinks(found.ref.entry, visited);
  }
  return found;
}
