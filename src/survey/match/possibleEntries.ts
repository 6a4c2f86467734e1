import type { RawDefinition } from '../../model/definition.ts';
import { commandName, isNode, isPython } from '../../process/commandline/commandName.ts';
import type { LaunchSpec } from '../../process/commandline/launchSpec.ts';
import { observedLaunch, observedWords } from '../../process/commandline/parseLaunch.ts';
import { definitionLaunches, homeOf, observedForms } from './launchFit.ts';
import type { MatchContext, MatchInput } from './matchInput.ts';
import { isRenamed, isScript, mayBeWrapper } from './runnerFit.ts';
import { runnerPath } from './runnerPath.ts';
import { joinedWords, plainPath, type WordPattern, wordPattern } from './wordPattern.ts';

/** Entries by what a process must show to fit them: places in the list of entries. */
interface EntryIndex {
  /** By program, script or package, and by arguments (`wantedText`). */
  readonly byWords: ReadonlyMap<string, readonly number[]>;
  /** Scripts of `npm run`, which are known by the environment. */
  readonly byScript: ReadonlyMap<string, readonly number[]>;
  /** Programs that may be shims or wrappers, by their last argument. */
  readonly byLastWord: ReadonlyMap<string, readonly number[]>;
}

/** By the home folder and the system, which fill in variables. */
const indexes = new WeakMap<readonly RawDefinition[], Map<string, EntryIndex>>();
const mostIndexes = 4;
/** Of programs that may be shims so many are followed for a process: each costs a look at the files on its way. */
const mostShims = 1_000;

/**
 * The entries that may fit a server, in their order: without it each new process is compared with all entries, and each entry of a workspace costs something for
 * each process. A process that renamed itself is compared with all.
 */
export function possibleEntries(
  observed: MatchInput,
  definitions: readonly RawDefinition[],
  context: MatchContext,
): readonly RawDefinition[] {
  if (isRenamed(observed)) {
    return definitions;
  }
  const windows = context.platform === 'win32';
  const { byWords, byScript, byLastWord } = indexOf(definitions, windows, homeOf(observed, context));
  const { server, launchers, detail } = observed;
  const places = new Set<number>();
  const add = (found: readonly number[] = []): void => {
    for (const place of found) {
      places.add(place);
    }
  };
  for (const row of [...launchers, server]) {
    const [program = '', ...words] = observedWords(row);
    const forms = observedForms(row, row === server ? detail?.exe : undefined);
    const lists = forms.flatMap((form) => keysOf(seenNames(form), seenTexts(form.args), windows));
    for (const key of new Set([...keysOf([`name ${nameOf(program)}`, anyName], seenTexts(words), windows), ...lists])) {
      add(byWords.get(key));
    }
  }
  const script = detail?.environment?.get('npm_lifecycle_event');
  add(script === undefined ? [] : [...(byScript.get(script) ?? []), ...(byScript.get('') ?? [])]);
  const seen = observedLaunch(server, detail?.exe);
  if (isScript(seen)) {
    const last = lastWord(seen.args, windows);
    add([...(byLastWord.get(last) ?? []), ...(last === '' ? [] : (byLastWord.get('') ?? []))].slice(0, mostShims));
  }
  return [...places].sort((a, b) => a - b).flatMap((place) => definitions[place] ?? []);
}

function indexOf(definitions: readonly RawDefinition[], windows: boolean, home: string | undefined): EntryIndex {
  const known = indexes.get(definitions) ?? new Map<string, EntryIndex>();
  indexes.set(definitions, known);
  const circumstances = JSON.stringify([windows, home]);
  const index = known.get(circumstances) ?? makeIndex(definitions, windows, home);
  if (known.size >= mostIndexes) {
    known.clear();
  }
  known.set(circumstances, index);
  return index;
}

function makeIndex(definitions: readonly RawDefinition[], windows: boolean, home: string | undefined): EntryIndex {
  const [byWords, byScript, byLastWord] = [new Map<string, number[]>(), new Map<string, number[]>(), new Map<string, number[]>()];
  definitions.forEach((definition, place) => {
    if (definition.command === undefined) {
      return;
    }
    const { folder } = definition;
    const values = { windows, ...(home === undefined ? {} : { home }), ...(folder === undefined ? {} : { folder }) };
    const patterns = (words: readonly string[]): readonly WordPattern[] => words.map((word) => wordPattern(word, values));
    const command = wordPattern(definition.command, values);
    const keys = keysOf(command.pieces ? [anyName] : [`name ${nameOf(command.text)}`], [wantedText(patterns(definition.args))], windows);
    for (const form of definitionLaunches(definition)) {
      const [specs, target, args] = [form.specs, form.target === undefined ? [] : [form.target], form.args].map(patterns);
      const isOpen = [...(specs ?? []), ...(target ?? [])].some(({ pieces }) => pieces);
      const names = wantedNames({ ...form, specs: (specs ?? []).map(({ text }) => text), target: target?.[0]?.text });
      keys.push(...keysOf(isOpen ? [anyName] : names, [wantedText(args ?? [])], windows));
      if (form.launcher === 'npm-run') {
        put(byScript, isOpen ? '' : (form.target ?? ''), place);
      } else if (mayBeWrapper(form) && !isOpen) {
        put(
          byLastWord,
          args?.some(({ pieces }) => pieces)
            ? ''
            : lastWord(
                (args ?? []).map(({ text }) => text),
                windows,
              ),
          place,
        );
      }
    }
    for (const key of new Set(keys)) {
      put(byWords, key, place);
    }
  });
  return { byWords, byScript, byLastWord };
}

/** The program, script or package of an entry where a client fills it in. */
const anyName = 'any';

/**
 * What a process may show of a form of an entry. The directory of a package runner names the package in its own way: there the arguments alone count.
 */
function wantedNames({
  launcher,
  specs,
  target,
}: Pick<LaunchSpec, 'launcher' | 'specs'> & { readonly target: string | undefined }): string[] {
  const byRunner = specs.length > 0 || launcher === 'pnpm-exec' ? ['runner'] : [];
  if (specs.length > 0) {
    return [...byRunner, ...(target === undefined ? [] : [`spec ${target}`]), `specs ${specsOf(specs)}`];
  }
  return target === undefined ? byRunner : [...byRunner, `name ${nameOf(target)}`];
}

function seenNames({ specs, spec, target }: LaunchSpec): string[] {
  const byRunner = target !== undefined && runnerPath(target) ? ['runner'] : [];
  // An entry may name a directory by a dot: its own name is not in the words of the process.
  const names = specs.length > 0 ? [`specs ${specsOf(specs)}`, `spec ${spec ?? ''}`] : [`name ${nameOf(target ?? '')}`, 'name '];
  return [anyName, ...byRunner, ...names];
}

function specsOf(specs: readonly string[]): string {
  return JSON.stringify([...specs].sort());
}

/** Equal for programs and scripts that fit, whatever their folders: the last part of a path, or the family of an interpreter. Empty for `.` and `..`. */
function nameOf(path: string): string {
  const name = commandName(plainPath(path));
  return /^\.*$/.test(name) ? '' : isNode(name) ? 'node' : isPython(name) ? 'python' : name.toLowerCase();
}

/** The arguments of an entry as one text; where a client fills in some, the longest word that it does not fill in; empty where it fills in all. */
function wantedText(patterns: readonly WordPattern[]): string {
  if (patterns.every(({ pieces }) => !pieces)) {
    return `= ${joinedWords(patterns.map(({ text }) => text))}`;
  }
  const plain = patterns.flatMap(({ text, pieces }) => (pieces ? [] : text.split(/\s+/)));
  const longest = plain.reduce((one, other) => (other.length > one.length ? other : one), '');
  return longest === '' ? '' : `* ${longest}`;
}

/** The texts of `wantedText` that fit the arguments of a process (`fitWords`), also where the system gives its command line as one text. */
function seenTexts(words: readonly string[]): string[] {
  const text = joinedWords(words);
  return [`= ${text}`, '', ...text.split(' ').map((word) => `* ${word}`)];
}

function keysOf(names: readonly string[], words: readonly string[], windows: boolean): string[] {
  const keys = names.flatMap((name) => words.map((text) => `${name}\n${text}`));
  return windows ? keys.map((key) => key.toLowerCase()) : keys;
}

function lastWord(words: readonly string[], windows: boolean): string {
  const last = joinedWords(words).split(' ').at(-1) ?? '';
  return windows ? last.toLowerCase() : last;
}

function put(map: Map<string, number[]>, key: string, place: number): void {
  const places = map.get(key) ?? [];
  places.push(place);
  map.set(key, places);
}
