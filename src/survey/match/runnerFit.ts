import type { RawDefinition } from '../../model/definition.ts';
import { resolveCommand } from '../../package/resolve/resolveCommand.ts';
import { commandName, isNode, isPython } from '../../process/commandline/commandName.ts';
import type { LaunchSpec } from '../../process/commandline/launchSpec.ts';
import { npxHash } from '../../process/commandline/npmCommand.ts';
import { plainName, sameName, specName, specVersion, unscopedName } from '../../process/commandline/packageSpec.ts';
import { observedLaunch, observedWords } from '../../process/commandline/parseLaunch.ts';
import type { FitScope, LaunchFit, MatchInput } from './matchInput.ts';
import { npxHashIn, type RunnerPath, runnerPath } from './runnerPath.ts';
import { fitWords, hasVariable, isAbsolutePath, pathFrom, plainPath, wordPattern } from './wordPattern.ts';

/**
 * Whether the server's own process fits the entry of a package runner, where the runner itself has ended or its title does not help: by the directory that the
 * runner installed into, or by the environment.
 */
export function runnerFit(definition: RawDefinition, wanted: LaunchSpec, observed: MatchInput, scope: FitScope): LaunchFit | undefined {
  const seen = observedLaunch(observed.server, observed.detail?.exe);
  const environment = observed.detail?.environment;
  if (isRenamed(observed)) {
    return fitRenamed(definition, wanted, observed);
  }
  if (wanted.launcher === 'npm-run') {
    return environment?.get('npm_lifecycle_event') === wanted.target && wanted.target !== undefined && seen.wrappers.length === 0
      ? { strength: 'likely', wildcards: 0, why: `npm started it as the script ${wanted.target}` }
      : undefined;
  }
  const path = seen.target === undefined ? undefined : runnerPath(seen.target);
  if (!path || (wanted.specs.length === 0 && wanted.launcher !== 'pnpm-exec')) {
    return undefined;
  }
  const wildcards = fitWords(
    wanted.args.map((word) => wordPattern(word, scope.values)),
    seen.args,
    observed.server.argvExact,
    scope.windows,
  );
  if (wildcards === undefined) {
    return undefined;
  }
  const strength = fitDirectory(wanted, path, observed);
  return (
    strength && {
      strength,
      wildcards,
      why: `it runs from the directory in which ${wanted.launcher.replace('-', ' ')} keeps the package of the entry`,
    }
  );
}

function fitDirectory(wanted: LaunchSpec, path: RunnerPath, observed: MatchInput): LaunchFit['strength'] | undefined {
  if (path.npxHash !== undefined) {
    return wanted.launcher === 'npm-exec' && fitNpxHash(wanted, path.npxHash, observed) && fitsProgram(wanted, path) ? 'same' : undefined;
  }
  if (path.runner === 'project') {
    const event = observed.detail?.environment?.get('npm_lifecycle_event');
    const exec = wanted.launcher === 'npm-exec' && (event === 'npx' || observed.detail?.environment?.get('npm_command') === 'exec');
    return (exec || wanted.launcher === 'pnpm-exec') && namesProgram(wanted, path) ? 'likely' : undefined;
  }
  if (path.runner !== wanted.launcher) {
    return undefined;
  }
  const spec = wanted.spec ?? '';
  if (path.name !== undefined && !hasVariable(spec)) {
    const version = specVersion(spec);
    const right = sameName(path.name, specName(spec)) && (version === undefined || path.version === undefined || version === path.version);
    return right && fitsProgram(wanted, path) ? 'same' : undefined;
  }
  return namesProgram(wanted, path) ? 'same' : undefined;
}

/** The program that the definition names, if any, is the one that runs. */
function fitsProgram(wanted: LaunchSpec, path: RunnerPath): boolean {
  return wanted.target === undefined || path.program === undefined || sameName(wanted.target, path.program);
}

/** The program's name is the only evidence, so it must be present and equal. */
function namesProgram(wanted: LaunchSpec, path: RunnerPath): boolean {
  const name = wanted.target ?? unscopedName(specName(wanted.spec ?? ''));
  const seen = path.program ?? (path.name === undefined ? undefined : unscopedName(path.name));
  return name !== '' && seen !== undefined && sameName(name, seen);
}

function fitNpxHash(wanted: LaunchSpec, hash: string, observed: MatchInput): boolean {
  const packages = observed.npxPackages;
  if (packages && [...packages].sort().join('\n') === [...wanted.specs].sort().join('\n')) {
    return true;
  }
  return npxHash(wanted.specs) === hash;
}

/** `process.title` replaced the whole command line: it is one word that is not the program. */
function isRenamed(observed: MatchInput): boolean {
  const words = observedWords(observed.server).filter((word) => word !== '');
  const exe = observed.detail?.exe;
  const program = exe === undefined ? '' : commandName(exe);
  return words.length === 1 && (isNode(program) || isPython(program) || program === 'bun') && commandName(words[0] ?? '') !== program;
}

function fitRenamed(definition: RawDefinition, wanted: LaunchSpec, observed: MatchInput): LaunchFit | undefined {
  const hash = npxHashIn(observed.detail?.environment?.get('PATH') ?? '');
  if (hash !== undefined && wanted.specs.length > 0) {
    return wanted.launcher === 'npm-exec' && fitNpxHash(wanted, hash, observed)
      ? {
          strength: 'likely',
          wildcards: wanted.args.length,
          why: 'it renamed itself; its PATH contains the npx directory of the entry',
        }
      : undefined;
  }
  const title = plainName(observedWords(observed.server)[0]?.trim() ?? '');
  const names = [definition.name, unscopedName(specName(wanted.spec ?? '')), commandName(wanted.target ?? '').replace(/\.\w+$/, '')];
  return names.some((name) => name.length > 2 && plainName(name) === title)
    ? { strength: 'likely', wildcards: wanted.args.length, why: 'it renamed itself to the name of the entry' }
    : undefined;
}

/** Where the command of an entry led when it was last followed. */
const followed = new Map<string, { readonly at: number; readonly script: string | undefined }>();
/** Followed again after this long, in milliseconds. */
const freshMs = 30_000;
const mostFollowed = 1_000;

/**
 * Whether the entry's command is a shim or a wrapper that replaced itself by the server: the process shows the script only. The shim leads to that script, or
 * to the same file of another version in the same project (pnpm) or formula (Homebrew).
 */
export function shimFit(wanted: LaunchSpec, observed: MatchInput, scope: FitScope): LaunchFit | undefined {
  const seen = observedLaunch(observed.server, observed.detail?.exe);
  const pattern = wanted.target === undefined || wanted.launcher !== 'binary' ? undefined : wordPattern(wanted.target, scope.values);
  if (!pattern || pattern.pieces || seen.target === undefined || !/^(node|bun|python-script)$/.test(seen.launcher)) {
    return undefined;
  }
  const wildcards = fitWords(
    wanted.args.map((word) => wordPattern(word, scope.values)),
    seen.args,
    observed.server.argvExact,
    scope.windows,
  );
  const script = wildcards === undefined ? undefined : scriptBehind(pattern.text, observed, scope);
  if (wildcards === undefined || script === undefined || scope.cwd === undefined) {
    return undefined;
  }
  const own = pathFrom(scope.cwd, seen.target);
  return script === own || inProject(script) === inProject(own)
    ? { strength: 'same', wildcards, why: 'the command of the entry leads to the script that it runs' }
    : undefined;
}

function scriptBehind(command: string, observed: MatchInput, scope: FitScope): string | undefined {
  const environment = observed.detail?.environment;
  const cwd = scope.bases[0] ?? scope.cwd;
  // What else differs between servers of one client does not matter for a path, nor the directory for a name on PATH.
  const key = JSON.stringify(
    /[\\/]/.test(command) ? [command, isAbsolutePath(command) ? '' : cwd] : [command, '', environment?.get('PATH')],
  );
  const known = followed.get(key);
  const now = performance.now();
  if (known && now - known.at < freshMs) {
    return known.script;
  }
  const lead = resolveCommand({ words: [command], cwd, environment, platform: scope.windows ? 'win32' : 'linux' });
  const script = 'found' in lead && 'ref' in lead.found ? plainPath(lead.found.ref.entry) : undefined;
  if (followed.size >= mostFollowed) {
    followed.clear();
  }
  followed.set(key, { at: now, script });
  return script;
}

/** A script of an installed package by its project and its path in the package, in Homebrew's Cellar by its path in a version; for any other script its path. */
function inProject(script: string): string {
  const first = script.indexOf('/node_modules/.pnpm/');
  const last = script.lastIndexOf('/node_modules/');
  return first < 0 ? script.replace(/(\/Cellar\/[^/]+\/)[^/]+\//, '$1') : `${script.slice(0, first)}\n${script.slice(last)}`;
}
