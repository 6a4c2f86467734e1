import { basename, delimiter, dirname, isAbsolute, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { errorName } from '../base/errors.ts';
import { because } from '../base/language/because.ts';
import type { PackageRef } from '../model/package.ts';
import type { ProcessDetail, ProcessRow } from '../model/process.ts';
import { launchAsNode, observedWords } from '../process/commandline/parseLaunch.ts';
import { statPath } from '../storage/boundedFile.ts';
import type { MetadataCache } from './metadataCache.ts';
import { denoPackage } from './npm/denoCache.ts';
import { bunScript, denoScript, nodeScript, type ScriptArgument } from './npm/nodeEntry.ts';
import { refOfScript } from './npm/nodePackage.ts';
import { joinedPath, programFile, workingDirectory } from './processView.ts';
import { identifyPython } from './python/identifyPython.ts';

/** Where to find a process's package, or for the user why that is unknown. */
export type Identified = { readonly ref: PackageRef } | { readonly unknown: string };

type Runtime = 'node' | 'bun' | 'deno' | 'python';

/**
 * Finds the package that a process was loaded from, by its arguments, directories and some environment variables; reads files only. The program file decides
 * which runtime it is, because a process can change its arguments. Never throws.
 * @param cache keeps what many servers share: the descriptions of their packages
 */
export function identifyPackage(row: ProcessRow, detail: ProcessDetail, cache?: MetadataCache): Identified {
  try {
    const runtime = runtimeOf(row, detail);
    if (runtime === undefined) {
      const program = basename(programFile(detail) ?? row.argv[0] ?? row.name);
      return { unknown: because`its program (${program.slice(0, 64)}) is not a runtime whose packages can be read` };
    }
    return runtime === 'python' ? identifyPython(row, detail) : identifyScript(runtime, row, detail, cache);
  } catch (error) {
    return { unknown: because`its package could not be found (${errorName(error)})` };
  }
}

/** Which interpreter a process is, by its program file; undefined for any other program. */
export function runtimeOf(row: ProcessRow, detail: ProcessDetail): Runtime | undefined {
  const exe = programFile(detail);
  const byFile = exe === undefined ? undefined : runtimeByName(exe);
  // Electron programs (editors) run their JavaScript servers with themselves as Node.
  const electron = detail.environment?.has('ELECTRON_RUN_AS_NODE') === true && launchAsNode(observedWords(row)) !== undefined;
  return byFile ?? (electron ? 'node' : undefined) ?? (exe === undefined ? runtimeByName(row.argv[0] ?? row.name) : undefined);
}

function runtimeByName(program: string): Runtime | undefined {
  const name = basename(program.replaceAll('\\', '/'))
    .toLowerCase()
    .replace(/\.exe$/, '');
  if (/^node(js)?([-.]?\d[\d.]*)?$/.test(name) || name === 'node-mainthread') {
    return 'node';
  }
  if (/^(python|pypy)w?\d*(\.\d+)?t?$/.test(name)) {
    return 'python';
  }
  return name === 'bun' || name === 'deno' ? name : undefined;
}

function identifyScript(runtime: 'node' | 'bun' | 'deno', row: ProcessRow, detail: ProcessDetail, cache?: MetadataCache): Identified {
  if (/^(npm|npx|pnpm|yarn) /.test(row.commandLine) && row.argv.length <= 1) {
    return { unknown: because`it only launches another process` };
  }
  const find = { node: nodeScript, bun: bunScript, deno: denoScript }[runtime];
  const args = row.argv.slice(1);
  const found = find(args);
  const direct =
    'unknown' in found
      ? found
      : runtime === 'deno' && found.script.startsWith('npm:')
        ? denoPackage(found.script, row, detail)
        : fromArgument(found, args, { row, detail }, cache);
  if ('ref' in direct || !titleWasSet(row)) {
    return direct;
  }
  if (detail.environment === undefined) {
    return direct;
  }
  return fromEnvironment(detail) ?? { unknown: because`it replaced its own command line, and its environment does not show what it runs` };
}

/** Whether a process replaced its arguments by a title: one argument that is not its program. */
function titleWasSet(row: ProcessRow): boolean {
  return !row.argvExact || (row.argv.length <= 1 && runtimeByName(row.argv[0] ?? '') === undefined);
}

function fromArgument(
  found: { readonly script: string; readonly at: number },
  args: readonly string[],
  { row, detail }: { readonly row: ProcessRow; readonly detail: ProcessDetail },
  cache: MetadataCache | undefined,
): Identified {
  const script = row.argvExact ? found.script : joinedPath(args, found.at, workingDirectory(detail));
  if (script.startsWith('file://')) {
    return refOfScript(fileURLToPath(script), cache);
  }
  if (isAbsolute(script)) {
    return refOfScript(script, cache);
  }
  const cwd = workingDirectory(detail);
  if (cwd === undefined) {
    return { unknown: because`its script is named relative to a working directory that is gone or cannot be read` };
  }
  return refOfScript(resolve(cwd, script), cache);
}

/**
 * The package by what npm, pnpm and bun set in the environment of a script: the command as a line of shell, and its directory at the front of PATH.
 * Undefined without these, and when the line is more than one plain command.
 */
function fromEnvironment(detail: ProcessDetail): Identified | undefined {
  const line = detail.environment?.get('npm_lifecycle_script');
  if (line === undefined || line.length > 4096) {
    return undefined;
  }
  const words = plainWords(line);
  const command = words?.[0];
  if (words === undefined || command === undefined) {
    return undefined;
  }
  if (runtimeByName(command) === 'node') {
    const script: ScriptArgument = nodeScript(words.slice(1));
    const directory = dirname(detail.environment?.get('npm_package_json') ?? '');
    return 'unknown' in script || !isAbsolute(directory) ? undefined : refOfScript(resolve(directory, script.script));
  }
  const bins = (detail.environment?.get('PATH') ?? '')
    .split(delimiter)
    .filter((directory) => /[\\/]node_modules[\\/]\.bin$/.test(directory));
  const entry = /[\\/]/.test(command)
    ? undefined
    : bins.map((directory) => join(directory, command)).find((path) => statPath(path).status === 'ok');
  return entry === undefined ? undefined : refOfScript(entry);
}

/** Splits a line of shell that is one plain command; undefined when it has a character that a shell acts on. */
function plainWords(line: string): string[] | undefined {
  const words = line.match(/"[^"$`\\]*"|'[^']*'|[^\s"']+/g) ?? [];
  const plain = words.map((word) => (/^["']/.test(word) ? word.slice(1, -1) : word));
  return words.some((word) => !/^["']/.test(word) && /[|&;<>()$`\\*?=]/.test(word)) ? undefined : plain;
}
