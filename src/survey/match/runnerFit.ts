import { lstatSync } from 'node:fs';
import { t } from '../../base/language/translate.ts';
import type { RawDefinition } from '../../model/definition.ts';
import type { PackageRef } from '../../model/package.ts';
import { identifyPackage } from '../../package/identifyPackage.ts';
import { waySignature } from '../../package/resolve/commandPath.ts';
import { isShellLine, resolveCommand } from '../../package/resolve/resolveCommand.ts';
import { possibleStarts } from '../../package/resolve/shimText.ts';
import { commandName, isNode, isPython, lastPart } from '../../process/commandline/commandName.ts';
import type { LaunchSpec } from '../../process/commandline/launchSpec.ts';
import { npxHash } from '../../process/commandline/npmCommand.ts';
import { plainName, sameName, specName, specVersion, unscopedName } from '../../process/commandline/packageSpec.ts';
import { observedLaunch, observedWords, parseLaunch } from '../../process/commandline/parseLaunch.ts';
import { readStart, statPath } from '../../storage/boundedFile.ts';
import type { FitScope, LaunchFit, MatchInput } from './matchInput.ts';
import { npxHashIn, type RunnerPath, runnerPath } from './runnerPath.ts';
import { fitsWord, fitWords, hasVariable, isAbsolutePath, pathFrom, plainPath, wordPattern } from './wordPattern.ts';

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
      ? { strength: 'likely', wildcards: 0, why: t('npm started it as the script {0}', wanted.target) }
      : undefined;
  }
  if (seen.target === undefined || (wanted.specs.length === 0 && wanted.launcher !== 'pnpm-exec')) {
    return undefined;
  }
  const path = runnerPath(seen.target);
  if (!path) {
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
      why: t('it runs from the directory in which {0} keeps the package of the entry', wanted.launcher.replace('-', ' ')),
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
export function isRenamed(observed: MatchInput): boolean {
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
          why: t('it renamed itself; its PATH contains the npx directory of the entry'),
        }
      : undefined;
  }
  const title = plainName(observedWords(observed.server)[0]?.trim() ?? '');
  const names = [definition.name, unscopedName(specName(wanted.spec ?? '')), commandName(wanted.target ?? '').replace(/\.\w+$/, '')];
  return names.some((name) => name.length > 2 && plainName(name) === title)
    ? { strength: 'likely', wildcards: wanted.args.length, why: t('it renamed itself to the name of the entry') }
    : undefined;
}

/** Where the command of an entry led when it was last followed. */
interface Lead {
  readonly at: number;
  /** Links and scripts on the way, and how they were. */
  readonly visited: readonly string[];
  readonly signature: string;
  /** Variables that scripts on the way read, with their values. */
  readonly variables: readonly (readonly [name: string, value: string | undefined])[];
  /** The package behind it. */
  readonly ref?: PackageRef;
  /** The newest change of a link or a script on the way, epoch ms. */
  readonly changedAt: number;
  /** The commands that a script on the way may start, where it is not known which. */
  readonly starts: readonly (readonly string[])[];
  /** A script on the way decides, and it is not known what it starts. */
  readonly undecided: boolean;
}

const followed = new Map<string, Lead>();
/** Followed again after this long, in milliseconds, although nothing on the way changed. */
const freshMs = 30_000;
const mostFollowed = 1_000;

/**
 * Whether the entry's command is a shim or a wrapper that replaced itself by the server: the process shows the script only. The shim leads to that script, to the
 * same file of another version in the same project (pnpm) or formula (Homebrew), or was changed since the server started and leads to the same package elsewhere.
 * A wrapper that decides between several programs, or reads the version elsewhere, may have started it by one of its lines.
 */
export function shimFit(wanted: LaunchSpec, observed: MatchInput, scope: FitScope): LaunchFit | undefined {
  const seen = observedLaunch(observed.server, observed.detail?.exe);
  const words = wrapperWords(wanted, scope);
  if (!words || seen.target === undefined || scope.cwd === undefined || !isScript(seen)) {
    return undefined;
  }
  const own = pathFrom(scope.cwd, seen.target);
  const patterns = wanted.args.map((word) => wordPattern(word, scope.values));
  const wildcards = fitWords(patterns, seen.args, observed.server.argvExact, scope.windows);
  const lead = leadOf(words, observed, scope);
  const script = lead.ref && plainPath(lead.ref.entry);
  if (wildcards !== undefined && script !== undefined) {
    if (script === own || inProject(script) === inProject(own)) {
      return { strength: 'same', wildcards, why: t('the command of the entry leads to the script that it runs') };
    }
    if (lead.changedAt > observed.server.startedAt && isSamePackage(lead, observed)) {
      const why = t('the command of the entry was changed since it started, and leads to its package in another place');
      return { strength: 'likely', wildcards, concluded: true, shared: sharedFolders(script, own), why };
    }
  }
  for (const [program = '', ...args] of lead.starts) {
    const start = parseLaunch(program, args);
    const target = start.launcher === seen.launcher && start.target !== undefined ? wordPattern(start.target, scope.values) : undefined;
    const given = [...start.args.map((word) => wordPattern(word, scope.values)), ...patterns];
    const wild = target && isSpecific(target) && fitsWord(target, own, scope.windows) ? fitWords(given, seen.args, true, false) : undefined;
    if (target && wild !== undefined) {
      const why = t('the command of the entry is a script that may start what it runs');
      return { strength: 'likely', wildcards: wild + (target.pieces ? 1 : 0), concluded: true, why };
    }
  }
  return undefined;
}

/** The words of a program that may be a shim or a wrapper, or of a script that is given to a shell, without the arguments. */
function wrapperWords(wanted: LaunchSpec, { values }: FitScope): readonly string[] | undefined {
  const { launcher, interpreter = 'sh', target } = wanted;
  const pattern = target === undefined || !mayBeWrapper(wanted) ? undefined : wordPattern(target, values);
  return !pattern || pattern.pieces ? undefined : launcher === 'shell' ? [interpreter, pattern.text] : [pattern.text];
}

/** Whether a command may be a shim or a wrapper: a program, or a script that is given to a shell. */
export function mayBeWrapper(launch: LaunchSpec): boolean {
  return launch.launcher === 'binary' || (launch.launcher === 'shell' && !isShellLine(launch));
}

/**
 * Whether the command of an entry is a script or a line of shell that may have become the server, and nothing shows what it starts: the words of the entry are at the
 * end of the server's.
 */
export function mayHaveStarted(wanted: LaunchSpec, observed: MatchInput, scope: FitScope): boolean {
  const seen = observedLaunch(observed.server, observed.detail?.exe);
  const words = wrapperWords(wanted, scope);
  const own = wanted.args.map((word) => wordPattern(word, scope.values));
  const fits = own.length === 0 || fitWords(own, seen.args.slice(-own.length), true, scope.windows) !== undefined;
  return isScript(seen) && fits && (isShellLine(wanted) || (words !== undefined && leadOf(words, observed, scope).undecided));
}

/** Whether a process runs a script, which a shim or a wrapper may have become. */
export function isScript({ launcher }: LaunchSpec): boolean {
  return /^(node|bun|python-script)$/.test(launcher);
}

/** Whether a path with variables names a folder first and a file last: less fits the scripts of others. */
function isSpecific({ text, pieces = [text] }: ReturnType<typeof wordPattern>): boolean {
  return /^\/[^/]+\/./.test(pieces[0] ?? '') && /[^/]$/.test(pieces.at(-1) ?? '');
}

/** Whether the words of an entry lead to the script of a process in another installation of its package. @param cwd of the entry */
export function leadsToItsPackage(words: readonly string[], observed: MatchInput, scope: FitScope): boolean {
  return isSamePackage(leadOf(words, observed, scope), observed);
}

function isSamePackage({ ref }: Lead, { server, detail }: MatchInput): boolean {
  const own = ref && detail ? identifyPackage(server, detail) : undefined;
  if (own !== undefined && 'unknown' in own) {
    // What runs was removed: its path still names it.
    const script = server.argv.find((word) => isAbsolutePath(word) && lastPart(word) === lastPart(ref?.entry ?? ''));
    return script !== undefined && statPath(script).status === 'absent' && isBeside(plainPath(script), ref?.entry ?? '');
  }
  return (
    own !== undefined &&
    own.ref.ecosystem === ref?.ecosystem &&
    sameName(own.ref.name, ref.name) &&
    lastPart(own.ref.entry) === lastPart(ref.entry)
  );
}

function leadOf(words: readonly string[], observed: MatchInput, scope: FitScope): Lead {
  const environment = observed.detail?.environment;
  const cwd = scope.bases[0] ?? scope.cwd;
  const [command = ''] = words;
  // What else differs between servers of one client does not matter for a path, nor the directory for a name on PATH.
  const key = JSON.stringify(
    words.length === 1 && isAbsolutePath(command)
      ? [command]
      : words.length === 1 && !/[\\/]/.test(command)
        ? [command, environment?.get('PATH')]
        : [...words, cwd, environment?.get('PATH')],
  );
  const known = followed.get(key);
  const now = performance.now();
  const isSame = known?.variables.every(([name, value]) => environment?.get(name) === value);
  if (known && isSame && now - known.at < freshMs && known.signature === waySignature(known.visited)) {
    return known;
  }
  const found = resolveCommand({ words, cwd, environment, platform: scope.windows ? 'win32' : 'linux' });
  const ref = 'found' in found && 'ref' in found.found ? found.found.ref : undefined;
  const isUnknown = 'found' in found && 'unknown' in found.found && !scope.windows;
  const file = isUnknown ? found.visited.findLast((path) => readStart(path, 2)?.toString() === '#!') : undefined;
  const lead: Lead = {
    at: now,
    visited: found.visited,
    signature: waySignature(found.visited),
    variables: (found.variables ?? []).map((name) => [name, environment?.get(name)]),
    ...(ref === undefined ? {} : { ref }),
    changedAt: Math.max(0, ...found.visited.map(lastChange)),
    starts: file === undefined ? [] : possibleStarts(file, environment),
    undecided: file !== undefined,
  };
  if (followed.size >= mostFollowed) {
    followed.clear();
  }
  followed.set(key, lead);
  return lead;
}

/** When a link or a script was changed, epoch ms. A script that was copied with its times has a young change time. */
function lastChange(path: string): number {
  const stat = lstatSync(path, { throwIfNoEntry: false });
  return stat ? Math.max(stat.mtimeMs, stat.ctimeMs) : 0;
}

/**
 * A script of an installed package by its project and its path in the package, in Homebrew's Cellar by its path in a version, in Nix's store by its path in a build,
 * in a snap by its path in a revision; for any other script its path.
 */
function inProject(script: string): string {
  // Without `node_modules`: what `pnpm add -g` installed.
  const first = script.search(/(?:\/node_modules)?\/\.pnpm\//);
  const last = script.lastIndexOf('/node_modules/');
  return first < 0
    ? script
        .replace(/(\/Cellar\/[^/]+\/)[^/]+\//, '$1')
        .replace(/(\/store\/)[\da-z]{32}-([^/]+?)-\d[^/]*\//, '$1$2/')
        .replace(/(\/snap\/[^/]+\/)(?:x?\d+|current)\//, '$1')
    : `${script.slice(0, first)}\n${script.slice(last)}`;
}

/** How many folders two paths have in common, from the root on. */
export function sharedFolders(one: string, other: string): number {
  const parts = other.split('/');
  const differs = one.split('/').findIndex((part, index) => part !== parts[index]);
  return differs < 0 ? parts.length : differs;
}

/** Whether a path that was removed differs from another one in versions alone, or in the name of one folder, which was removed too: a release beside another one. */
function isBeside(removed: string, other: string): boolean {
  const versionless = (path: string): string => path.replace(/\d+(\.\d+)+[\w.+-]*/g, '');
  const [parts, others] = [removed.split('/'), other.split('/')];
  const [differs = 0, ...more] = parts.flatMap((part, index) => (part === others[index] ? [] : [index]));
  const isFolder = parts.length === others.length && more.length === 0 && differs > 0;
  return versionless(removed) === versionless(other) || (isFolder && statPath(parts.slice(0, differs + 1).join('/')).status === 'absent');
}
