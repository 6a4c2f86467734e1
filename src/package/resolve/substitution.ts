import { readdirSync, readlinkSync } from 'node:fs';
import { posix } from 'node:path';
import { splitShell } from '../../process/commandline/shellWords.ts';
import { readBounded, statPath } from '../../storage/boundedFile.ts';
import { findProgram, followLinks } from './commandPath.ts';

/** What a shell script is started with, as far as that is known. */
export interface ScriptPlace {
  /** The script as it was found. */
  readonly file: string;
  /** The same with its links resolved. */
  readonly real: string;
  /** Environment of the process that starts it; undefined when it is not known. */
  readonly environment?: ReadonlyMap<string, string> | undefined;
  /** Gets the files and folders that decide. */
  readonly visited?: Set<string>;
}

/** Lines that a command prints, in each order that a system may use: the order of names depends on the language of the shell. Undefined: not known. */
type Output = readonly (readonly string[])[] | undefined;

/** `$(…)` or `` `…` `` without another one in it. Not `$((…))`, which is arithmetic. */
const innermost = /\$\(([^()`]*)\)|`([^`$]*)`/g;
/** Most levels of one in another. */
const deepest = 8;
/** Of a folder, so many names are compared. */
const mostNames = 1_000;
/** What a shell acts on no further. */
const plain = /^[\w@%+=:,./-]{1,4096}$/;
/** Stands for a text that is not known, as a variable of an entry does. */
const anything = '${_}';

/**
 * A line with the output of its commands filled in, where files alone tell what they print. Runs nothing.
 * @param cwd the folder to which the script changed; undefined when it is not known
 * @param guess instead of every other output: the text that it begins with, and a variable
 */
export function withOutput(line: string, place: ScriptPlace, cwd: string | undefined, guess = false): string {
  let text = line;
  for (let depth = 0; depth < deepest && /\$\(|`/.test(text); depth += 1) {
    const before = text;
    text = text.replace(innermost, (whole, inner?: string, ticks?: string) => {
      const body = inner ?? ticks ?? '';
      return printed(body, place, cwd) ?? (guess ? beginning(body) + anything : whole);
    });
    if (text === before) {
      break;
    }
  }
  return text;
}

/** The one line that a pipeline prints. */
function printed(body: string, place: ScriptPlace, cwd: string | undefined): string | undefined {
  const quiet = body.replace(/\s*(?:[12&]?>\s*\/dev\/null|2>&1)/g, '');
  const named = /^\s*<\s*("?)([^"\s<>]+)\1\s*$/.exec(quiet)?.[2];
  const commands = named === undefined ? splitShell(quiet) : [{ words: ['cat', named], after: '' }];
  if (commands === undefined || (named === undefined && /[<>]/.test(quiet)) || body.includes('$')) {
    return undefined;
  }
  const [first, second] = commands;
  if (first?.words[0] === 'cd' && /^(&&|;)$/.test(first.after) && second?.words[0] === 'pwd' && commands.length === 2) {
    return folderAfter([...first.words, ...second.words], place, cwd);
  }
  if (first === undefined || commands.slice(0, -1).some(({ after }) => after !== '|') || commands.at(-1)?.after !== '') {
    return undefined;
  }
  const output = commands.slice(1).reduce((lines: Output, { words }) => lines && filtered(words, lines), source(first.words, place, cwd));
  const results = new Set(output?.map((lines) => (lines.length === 1 ? lines[0] : undefined)));
  const [only] = results;
  return results.size === 1 && only !== undefined && plain.test(only) ? only : undefined;
}

/** `cd FOLDER && pwd`, also with `-P`. */
function folderAfter(words: readonly string[], place: ScriptPlace, cwd: string | undefined): string | undefined {
  const [folder, ...more] = words.filter((word) => !/^(cd|pwd|-P|--)$/.test(word));
  const path = folder === undefined || more.length > 0 ? undefined : absolute(folder, cwd);
  const clean = path?.replace(/(.)\/$/, '$1');
  const found = clean !== undefined && words.includes('-P') ? (followLinks(clean, place.visited ?? new Set()) ?? clean) : clean;
  return found !== undefined && plain.test(found) ? found : undefined;
}

function absolute(path: string, cwd: string | undefined): string | undefined {
  return posix.isAbsolute(path) ? posix.normalize(path) : cwd === undefined ? undefined : posix.join(cwd, path);
}

function source(words: readonly string[], place: ScriptPlace, cwd: string | undefined): Output {
  const [program = '', ...all] = words;
  const args = all.filter((word) => word !== '--');
  const [last = ''] = args.slice(-1);
  const visited = place.visited ?? new Set<string>();
  const path = absolute(last, cwd);
  const one = (line: string | undefined): Output => (line === undefined ? undefined : [[line]]);
  switch ([program, ...args.slice(0, -1)].join(' ')) {
    case 'pwd':
      return args.length === 0 ? one(cwd) : undefined;
    case 'dirname':
      return one(posix.dirname(last));
    case 'basename':
      return one(posix.basename(last));
    case 'realpath':
    case 'readlink -f':
      return one(path === place.file ? place.real : path && followLinks(path, visited));
    case 'readlink':
      return one(path && linkText(path, visited));
    case 'which':
    case 'command -v':
      return one(findProgram(last, { cwd, environment: place.environment, platform: 'linux' }));
    case 'cat':
    case 'head -1':
    case 'head -n1':
    case 'head -n 1':
      return linesOf(path, program === 'head', visited);
    case 'echo':
    case 'printf %s\\n':
      return byName(expanded(last, cwd, visited) ?? [last]);
    default:
      return program === 'ls' ? listed(args, cwd, visited) : undefined;
  }
}

function linkText(path: string, visited: Set<string>): string | undefined {
  visited.add(path);
  try {
    return readlinkSync(path);
  } catch {
    return undefined;
  }
}

function linesOf(path: string | undefined, first: boolean, visited: Set<string>): Output {
  const real = path && followLinks(path, visited);
  const read = real ? readBounded(real, 64 * 1024) : undefined;
  if (real === undefined || read?.status !== 'ok') {
    return undefined;
  }
  visited.add(real);
  const lines = read.text.replace(/\r?\n+$/, '').split(/\r?\n/);
  return [first ? lines.slice(0, 1) : lines];
}

/** `ls`, by name, by version (`-v`) or the newest first (`-t`), of a folder or, with `-d`, of what a `*` in a path means. */
function listed(args: readonly string[], cwd: string | undefined, visited: Set<string>): Output {
  const letters = args
    .filter((word) => word.startsWith('-'))
    .map((word) => word.slice(1))
    .join('');
  const [place, ...more] = args.filter((word) => !word.startsWith('-'));
  if (place === undefined || more.length > 0 || !/^[1dvrt]*$/.test(letters)) {
    return undefined;
  }
  const folder = absolute(place, cwd);
  const names = letters.includes('d') ? expanded(place, cwd, visited) : folder && namesIn(folder, visited);
  if (!names || folder === undefined || names.length > mostNames) {
    return undefined;
  }
  const path = (name: string): string => (letters.includes('d') ? (absolute(name, cwd) ?? name) : posix.join(folder, name));
  const sorted = letters.includes('t') ? byTime(names, path, visited) : letters.includes('v') ? byVersion(names) : byName(names);
  return letters.includes('r') ? reversed(sorted) : sorted;
}

/** The visible names in a folder. Undefined when it cannot be read. */
function namesIn(folder: string, visited: Set<string>): readonly string[] | undefined {
  const real = followLinks(folder, visited);
  if (real === undefined) {
    return undefined;
  }
  visited.add(real);
  try {
    return readdirSync(real).filter((name) => !name.startsWith('.'));
  } catch {
    return undefined;
  }
}

/** What a word with `*` in one part of its path means. Undefined for other patterns, and where nothing fits. */
function expanded(word: string, cwd: string | undefined, visited: Set<string>): readonly string[] | undefined {
  const [, before = '', pattern = '', rest = ''] = /^((?:[^*]*\/)?)([^*/]*\*[^/]*)((?:\/[^*]*)?)$/.exec(word) ?? [];
  const folder = absolute(before === '' ? '.' : before, cwd);
  const names = pattern !== '' && folder !== undefined && !/[?[\]{}\\]/.test(word) ? namesIn(folder, visited) : undefined;
  const found = names
    ?.filter((name) => fitsStars(pattern.split('*'), name))
    .filter((name) => rest === '' || statPath(posix.join(folder ?? '', name, rest)).status === 'ok')
    .map((name) => before + name + rest);
  return found?.length ? found : undefined;
}

function fitsStars([first = '', ...others]: readonly string[], name: string): boolean {
  let from = name.startsWith(first) ? first.length : -1;
  for (const [index, piece] of others.entries()) {
    const at = index === others.length - 1 ? name.length - piece.length : name.indexOf(piece, from);
    from = from < 0 || at < from || !name.startsWith(piece, at) ? -1 : at + piece.length;
  }
  return from >= 0;
}

const inLanguage = new Intl.Collator('en', { ignorePunctuation: true });

/** In the order of bytes, and in that of a language, which may leave out dots. */
function byName(lines: readonly string[]): Output {
  return [[...lines].sort(), [...lines].sort((a, b) => inLanguage.compare(a, b) || (a < b ? -1 : 1))];
}

/** By the numbers with dots in them, where nothing else differs: `sort -V` and `ls -v` of different systems disagree about the rest. */
function byVersion(lines: readonly string[]): Output {
  const parts = lines.map((line) => line.split(/(\d+(?:\.\d+)*)/));
  const texts = new Set(parts.map((own) => JSON.stringify(own.filter((_, index) => index % 2 === 0))));
  const numbers = parts.map((own) => own.filter((_, index) => index % 2 === 1).flatMap((part) => [...part.split('.').map(Number), -1]));
  const order = lines.map((_, index) => index).sort((a, b) => compare(numbers[a] ?? [], numbers[b] ?? []));
  const equal = order.some((at, index) => index > 0 && compare(numbers[order[index - 1] ?? 0] ?? [], numbers[at] ?? []) === 0);
  return texts.size > 1 || equal ? undefined : [order.map((at) => lines[at] ?? '')];
}

function compare(one: readonly number[], other: readonly number[]): number {
  const at = one.findIndex((number, index) => number !== other[index]);
  return at < 0 ? one.length - other.length : (one[at] ?? 0) - (other[at] ?? 0);
}

function byTime(names: readonly string[], path: (name: string) => string, visited: Set<string>): Output {
  const times = new Map<string, number>();
  for (const name of names) {
    visited.add(path(name));
    const seen = statPath(path(name));
    times.set(name, seen.status === 'ok' ? seen.stat.mtimeMs : Number.NaN);
  }
  // Of equally old ones either may come first.
  const sorted = (list: readonly string[]): string[] => [...list].sort((a, b) => (times.get(b) ?? 0) - (times.get(a) ?? 0));
  return [...times.values()].includes(Number.NaN) ? undefined : [sorted(names), sorted([...names].reverse())];
}

function reversed(output: Output): Output {
  return output?.map((lines) => [...lines].reverse());
}

function filtered([program = '', ...options]: readonly string[], output: NonNullable<Output>): Output {
  switch (`${program} ${options.join(' ').replace(/-n ?(?=1$)/, '-')}`.trim()) {
    case 'head -1':
      return output.map((lines) => lines.slice(0, 1));
    case 'tail -1':
      return output.map((lines) => lines.slice(-1));
    case 'sort':
    case 'sort -r':
    case 'sort -V':
    case 'sort -rV':
    case 'sort -Vr':
    case 'sort -V -r':
    case 'sort -r -V': {
      const sorted = output.map(options.join('').includes('V') ? byVersion : byName);
      const all = sorted.includes(undefined) ? undefined : sorted.flatMap((one) => one ?? []);
      return options.join('').includes('r') ? reversed(all) : all;
    }
    case 'tr -d [:space:]':
    case 'tr -d \\n':
    case 'tr -d \\r\\n':
    case 'sed -e s,\\\\,/,g':
      return output;
    default:
      return undefined;
  }
}

/** The text that the output of a command which lists paths begins with; empty for others. */
function beginning(body: string): string {
  const words = splitShell(body)?.[0]?.words ?? [];
  const lists = /^(echo|printf|find)$/.test(words[0] ?? '') || (words[0] === 'ls' && words.some((word) => /^-\w*d/.test(word)));
  const path = lists ? words.find((word) => word.startsWith('/')) : undefined;
  return path === undefined || !/^[\w@%+=:,./*-]+$/.test(path) ? '' : path.replace(/\*.*$/, '');
}
