import { realpathSync } from 'node:fs';
import { basename, delimiter, isAbsolute, join, resolve } from 'node:path';
import { errorName } from '../../base/errors.ts';
import type { ProcessDetail } from '../../model/process.ts';
import { type Identified, identifyPackage } from '../../package/identifyPackage.ts';
import type { LaunchSpec } from '../../process/commandline/launchSpec.ts';
import { parseLaunch, unidentifiedRow } from '../../process/commandline/parseLaunch.ts';
import { readStart, statPath } from '../../storage/boundedFile.ts';

/** The command that the guard is about to start. */
export interface ConfiguredCommand {
  readonly command: string;
  readonly args: readonly string[];
  /** Absolute. */
  readonly cwd: string;
  readonly env: Readonly<NodeJS.ProcessEnv>;
}

/** `#!/usr/bin/env python3`. */
const envLine = /^#!\s*\S*\/env\s+(?:-S\s*)?(\S+)/;
const scriptLine = /^#!\s*(\S+)/;
/** The form that installers write for paths with spaces. */
const wrappedLine = /^#!\/bin\/sh\n'''exec' "?([^"\n]+?)"? "\$0"/;

/**
 * Finds the package that a command will load, before it is started: identifies the process that it would become like a running one. A command that installs or
 * chooses its package at the start (npx, uvx …) is unknown until it runs. Reads files and starts nothing. Never throws.
 */
export function configuredPackage(configured: ConfiguredCommand): Identified {
  try {
    const words = wordsOf(configured);
    return 'unknown' in words ? words : identifyWords(words.argv, { ...configured, cwd: words.cwd });
  } catch (error) {
    return { unknown: `its package could not be found (${errorName(error)})` };
  }
}

function wordsOf({
  command,
  args,
  cwd,
}: ConfiguredCommand): { readonly argv: readonly string[]; readonly cwd: string } | { readonly unknown: string } {
  const launch = parseLaunch(command, args);
  const inner = innermost(launch);
  const directory = resolve(cwd, launch.cwd ?? '.');
  if (inner.launcher === 'binary' && launch.wrappers.length === 0) {
    return { argv: [command, ...args], cwd: directory };
  }
  switch (inner.launcher) {
    case 'node':
    case 'bun':
    case 'python-script':
    case 'python-module':
      // Without a wrapper the arguments hold more than the parsed launch: the options of the interpreter.
      if (launch === inner && launch.wrappers.length === 0) {
        return { argv: [command, ...args], cwd: directory };
      }
      return {
        argv: [inner.interpreter ?? defaultInterpreter(inner), ...moduleWords(inner), inner.target ?? '', ...inner.args],
        cwd: directory,
      };
    case 'binary':
      return { argv: [inner.target ?? '', ...inner.args], cwd: directory };
    default:
      return { unknown: `what ${basename(command).slice(0, 64)} starts is known only when it runs` };
  }
}

function innermost(launch: LaunchSpec): LaunchSpec {
  return launch.inner ? innermost(launch.inner) : launch;
}

function defaultInterpreter(launch: LaunchSpec): string {
  return launch.launcher.startsWith('python') ? 'python3' : launch.launcher;
}

function moduleWords(launch: LaunchSpec): readonly string[] {
  return launch.launcher === 'python-module' ? ['-m'] : [];
}

function identifyWords(argv: readonly string[], { cwd, env }: ConfiguredCommand, depth = 0): Identified {
  const [program = '', ...rest] = argv;
  const file = findProgram(program, cwd, env);
  if (file === undefined) {
    return { unknown: `${basename(program).slice(0, 64)} was not found` };
  }
  const interpreter = depth < 3 ? interpreterOf(file) : undefined;
  if (interpreter !== undefined) {
    // The kernel does the same: it starts the interpreter with the path under which the script was found.
    return identifyWords([interpreter, file, ...rest], { command: interpreter, args: [], cwd, env }, depth + 1);
  }
  const environment = new Map(Object.entries(env).flatMap(([name, value]) => (value === undefined ? [] : [[name, value] as const])));
  const row = unidentifiedRow({ pid: 0, ppid: 0, name: basename(file).slice(0, 15), argv, argvExact: true });
  const detail: ProcessDetail = { exe: realpathSync.native(file), cwd, environment, stdin: 'unknown', listens: 'unknown', missing: [] };
  return identifyPackage(row, detail);
}

function findProgram(program: string, cwd: string, env: Readonly<NodeJS.ProcessEnv>): string | undefined {
  const suffixes = process.platform === 'win32' ? ['', '.exe'] : [''];
  const names = /[\\/]/.test(program)
    ? [resolve(cwd, program)]
    : (env.PATH ?? env.Path ?? '').split(delimiter).map((folder) => join(isAbsolute(folder) ? folder : resolve(cwd, folder), program));
  return names
    .flatMap((name) => suffixes.map((suffix) => name + suffix))
    .find((name) => {
      const seen = statPath(name);
      return program !== '' && seen.status === 'ok' && seen.stat.isFile();
    });
}

/** The interpreter that a script's first line names; undefined for binaries. Reads 512 bytes. */
function interpreterOf(file: string): string | undefined {
  const text = readStart(file, 512)?.toString('utf8') ?? '';
  return wrappedLine.exec(text)?.[1] ?? envLine.exec(text)?.[1] ?? scriptLine.exec(text)?.[1];
}
