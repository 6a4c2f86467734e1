import { t } from '../../base/language/translate.ts';
import type { RawDefinition } from '../../model/definition.ts';
import type { ProcessRow } from '../../model/process.ts';
import { commandName, isNode, isPython } from '../../process/commandline/commandName.ts';
import type { LaunchSpec } from '../../process/commandline/launchSpec.ts';
import { observedLaunch, observedWords, parseLaunch } from '../../process/commandline/parseLaunch.ts';
import type { FitScope, LaunchFit, MatchContext, MatchInput } from './matchInput.ts';
import { runnerFit, shimFit } from './runnerFit.ts';
import {
  extensionFolder,
  fitsWord,
  fitWords,
  hasVariable,
  isAbsolutePath,
  pathFrom,
  plainPath,
  pluginVersions,
  type VariableValues,
  wordPattern,
} from './wordPattern.ts';

const launches = new WeakMap<RawDefinition, readonly LaunchSpec[]>();

/** The command of a definition in its normal form, and the commands that it starts in turn. Empty for remote servers. */
export function definitionLaunches(definition: RawDefinition): readonly LaunchSpec[] {
  const known = launches.get(definition);
  if (known) {
    return known;
  }
  const forms = definition.command === undefined ? [] : formsOf(parseLaunch(definition.command, definition.args));
  launches.set(definition, forms);
  return forms;
}

function formsOf(launch: LaunchSpec): LaunchSpec[] {
  return launch.inner ? [launch, ...formsOf(launch.inner)] : [launch];
}

const seenForms = new WeakMap<ProcessRow, { readonly exe: string | undefined; readonly forms: readonly LaunchSpec[] }>();

/** The same for a process; cached, because many definitions are compared with it. */
export function observedForms(row: ProcessRow, exe: string | undefined): readonly LaunchSpec[] {
  const known = seenForms.get(row);
  if (known && known.exe === exe) {
    return known.forms;
  }
  const forms = formsOf(observedLaunch(row, exe));
  seenForms.set(row, { exe, forms });
  return forms;
}

/** Whether a definition's command line can have started this server. Environment, client and folder are compared elsewhere. */
export function fitLaunch(definition: RawDefinition, observed: MatchInput, context: MatchContext): LaunchFit | undefined {
  const configured = definitionLaunches(definition);
  const scope = scopeOf(definition, configured, observed, context);
  const rows = [...observed.launchers, observed.server];
  for (const row of rows) {
    const wildcards = fitRaw(definition, row, scope);
    if (wildcards !== undefined) {
      return { strength: 'same', wildcards, why: t('its command line is the one of the entry') };
    }
  }
  for (const row of rows) {
    const exe = row === observed.server ? observed.detail?.exe : undefined;
    for (const seen of observedForms(row, exe)) {
      for (const wanted of configured) {
        const wildcards = fitForm(wanted, seen, row.argvExact, scope);
        if (wildcards !== undefined) {
          return {
            strength: 'same',
            wildcards,
            why:
              wanted.specs.length > 0
                ? t('it runs the package of the entry with the same arguments')
                : t('it runs the program of the entry with the same arguments'),
          };
        }
      }
    }
  }
  for (const wanted of configured) {
    const fit = runnerFit(definition, wanted, observed, scope) ?? shimFit(wanted, observed, scope);
    if (fit) {
      return fit;
    }
  }
  return undefined;
}

/** The home folder that fills in variables of entries. */
export function homeOf({ detail }: MatchInput, context: MatchContext): string | undefined {
  return context.home ?? detail?.environment?.get('HOME') ?? detail?.environment?.get('USERPROFILE');
}

function scopeOf(definition: RawDefinition, configured: readonly LaunchSpec[], observed: MatchInput, context: MatchContext): FitScope {
  const windows = context.platform === 'win32';
  const home = homeOf(observed, context);
  const versions = pluginVersions(definition);
  const extension = extensionFolder(definition);
  const values: VariableValues = {
    windows,
    ...(versions === undefined ? {} : { versions }),
    ...(extension === undefined ? {} : { extension }),
    ...(home === undefined ? {} : { home }),
    ...(definition.folder === undefined ? {} : { folder: definition.folder }),
  };
  const start = definition.folder;
  const named = [definition.cwd, configured[0]?.cwd].flatMap((cwd) => (cwd === undefined ? [] : [wordPattern(cwd, values)]));
  const bases = [
    ...named
      .filter((cwd) => !cwd.pieces && (isAbsolutePath(cwd.text) || start !== undefined))
      .map((cwd) => pathFrom(start ?? '/', cwd.text)),
    ...(start === undefined ? [] : [start]),
  ];
  const cwd = observed.detail?.cwd;
  return { values, windows, bases, ...(cwd === undefined ? {} : { cwd }) };
}

/** Compares the configured words with the process's own. */
function fitRaw(definition: RawDefinition, row: ProcessRow, scope: FitScope): number | undefined {
  const [first = '', ...words] = observedWords(row);
  if (definition.command === undefined || !fitProgram(definition.command, first, scope)) {
    return undefined;
  }
  return fitWords(
    definition.args.map((word) => wordPattern(word, scope.values)),
    words,
    row.argvExact,
    scope.windows,
  );
}

/** Compares a program by path, or by name where the definition leaves it to PATH (or to a version manager's shim). */
function fitProgram(wanted: string, seen: string, scope: FitScope): boolean {
  const pattern = wordPattern(wanted, scope.values);
  if (pattern.pieces) {
    return fitsWord(pattern, seen, scope.windows);
  }
  if (!/[\\/]/.test(pattern.text) || /[\\/](shims|\.volta[\\/]bin)[\\/]/.test(pattern.text)) {
    return sameProgram(pattern.text, seen);
  }
  return (
    fitPath(pattern.text, seen, scope) ||
    (scope.windows && sameProgram(pattern.text, seen) && fitPath(pattern.text.replace(/\.\w+$/, ''), seen.replace(/\.\w+$/, ''), scope))
  );
}

function sameProgram(a: string, b: string): boolean {
  if (a === b) {
    return true;
  }
  const [first, second] = [commandName(a), commandName(b)];
  return first === second || (isPython(first) && isPython(second) && /^(python3?|py)$/.test(first)) || (isNode(first) && isNode(second));
}

/** Compares two normal forms. @returns the number of wildcards used; undefined when they differ */
function fitForm(wanted: LaunchSpec, seen: LaunchSpec, exact: boolean, scope: FitScope): number | undefined {
  if (!fitTarget(wanted, seen, scope)) {
    return undefined;
  }
  return fitWords(
    wanted.args.map((word) => wordPattern(word, scope.values)),
    seen.args,
    exact,
    scope.windows,
  );
}

function fitTarget(wanted: LaunchSpec, seen: LaunchSpec, scope: FitScope): boolean {
  if (wanted.specs.length > 0 || seen.specs.length > 0) {
    return wanted.launcher === seen.launcher && fitSpecs(wanted, seen, scope);
  }
  const target = wanted.target;
  if (target === undefined || seen.target === undefined) {
    return false;
  }
  switch (wanted.launcher) {
    case 'docker':
      // Options before the image (volumes, variables) make another server: only the whole line counts, and that was compared before.
      return false;
    case 'npm-run':
    case 'pnpm-exec':
    case 'uv-run':
    case 'cmd':
      return wanted.launcher === seen.launcher && fitsWord(wordPattern(target, scope.values), seen.target, scope.windows);
    case 'python-module':
      return seen.launcher === 'python-module' && target === seen.target && fitInterpreter(wanted, seen, scope);
    case 'binary':
      // A script whose first line names its interpreter, or a program found on PATH.
      return /^(binary|node|bun|python-script|shell)$/.test(seen.launcher) && fitProgram(target, seen.target, scope);
    default:
      return (
        wanted.launcher === seen.launcher &&
        fitScript(target, seen.target, scope) &&
        (wanted.launcher !== 'python-script' || fitInterpreter(wanted, seen, scope))
      );
  }
}

function fitInterpreter(wanted: LaunchSpec, seen: LaunchSpec, scope: FitScope): boolean {
  return wanted.interpreter === undefined || seen.interpreter === undefined || fitProgram(wanted.interpreter, seen.interpreter, scope);
}

/** Compares specs as written, in any order. The title of npm exec has no `-p`: it shows only the program. */
function fitSpecs(wanted: LaunchSpec, seen: LaunchSpec, scope: FitScope): boolean {
  const patterns = wanted.specs.map((spec) => wordPattern(spec, scope.values));
  const same =
    patterns.length === seen.specs.length && patterns.every((pattern) => seen.specs.some((spec) => fitsWord(pattern, spec, scope.windows)));
  if (same) {
    return wanted.target === undefined || seen.target === undefined || wanted.target === seen.target;
  }
  return wanted.launcher === 'npm-exec' && wanted.target !== undefined && seen.target === undefined && wanted.target === seen.spec;
}

function fitScript(wanted: string, seen: string, scope: FitScope): boolean {
  const pattern = wordPattern(wanted, scope.values);
  if (pattern.pieces) {
    return (
      fitsWord(pattern, seen, scope.windows) || (scope.cwd !== undefined && fitsWord(pattern, pathFrom(scope.cwd, seen), scope.windows))
    );
  }
  return fitPath(pattern.text, seen, scope);
}

/** Compares paths as text, both made absolute where the base is known. */
function fitPath(wanted: string, seen: string, scope: FitScope): boolean {
  if (wanted === seen) {
    return true;
  }
  const fold = (path: string): string => (scope.windows ? plainPath(path).toLowerCase() : plainPath(path));
  if (fold(wanted) === fold(seen)) {
    return true;
  }
  const bases = isAbsolutePath(wanted) ? ['/'] : scope.bases;
  const absolute = isAbsolutePath(seen) ? seen : scope.cwd === undefined ? undefined : pathFrom(scope.cwd, seen);
  if (absolute === undefined) {
    return isAbsolutePath(wanted) && fold(wanted).endsWith(`/${fold(seen)}`);
  }
  if (bases.length === 0) {
    // Relative to an unknown directory: the client's directory is usually the server's own.
    return scope.cwd !== undefined && fold(pathFrom(scope.cwd, wanted)) === fold(absolute);
  }
  return bases.some((base) => fold(pathFrom(base, wanted)) === fold(absolute));
}

/** Words of a definition that the command line of its server contains. */
export function launchKeywords(definition: RawDefinition): string[] {
  return definitionLaunches(definition).flatMap((launch) => {
    const words = [...launch.specs, ...(launch.target === undefined ? [] : [launch.target])];
    return words.filter((word) => !hasVariable(word));
  });
}
