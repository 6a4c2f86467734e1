import { readdirSync } from 'node:fs';
import { dirname, join, posix, resolve, win32 } from 'node:path';
import { isShell } from '../../process/commandline/commandName.ts';
import { splitWindowsArgs } from '../../process/commandline/windowsArgs.ts';
import { readBounded } from '../../storage/boundedFile.ts';
import { ShellValues } from './shellValues.ts';
import type { ScriptPlace } from './substitution.ts';

/** The words of a `#!` line: program and options. `env` and its options are left out, so that the program is found on PATH. Undefined without such a line. */
export function shebangWords(text: string): readonly string[] | undefined {
  const line = /^#!\s*([^\r\n]+)/.exec(text)?.[1]?.trim();
  if (line === undefined) {
    return undefined;
  }
  const [program = '', ...rest] = line.split(/\s+/);
  if (posix.basename(program) !== 'env') {
    return [program, ...rest];
  }
  const words = rest.filter((word) => word !== '-S' && !/^\w+=/.test(word));
  return words.length === 0 || words[0]?.startsWith('-') ? undefined : words;
}

/** Longer lines are not written by package managers (pnpm's search paths are the longest). */
const mostLine = 8_192;
/** The one program that a shell script starts. */
export interface ShimCommand {
  /** Program and arguments, without those that the script was given. */
  readonly words: readonly string[];
  /** The directory to which the script changes; a relative one starts at its own. */
  readonly cwd?: string;
  /** The script makes a PATH of its own, or runs something that may. */
  readonly ownPath?: true;
}

/**
 * The command that a shell script ends in, where it only prepares the start of one program: the shims of npm, pnpm and yarn, and wrappers whose lines that start
 * something agree. Undefined for every other script: what it starts cannot be read.
 */
export function shellShim(text: string, place: ScriptPlace): ShimCommand | undefined {
  const target = targetShim(text, place.real) ?? aubeShim(text, place.real);
  return target ? { words: target } : preparedProgram(text, new ShellValues(text, place));
}

/** The shims that mise writes for packages of npm name their target, from their own folder with links resolved. */
function aubeShim(text: string, real: string): readonly string[] | undefined {
  const target = /^# aube-bin-shim v\d+ target=([\w.@+/-]+)$/m.exec(text)?.[1];
  return target !== undefined && text.includes(`exec node "$basedir/${target}" "$@"`)
    ? ['node', posix.join(dirname(real), target)]
    : undefined;
}

/** The shims of pnpm 11 and newer find their own folder with a loop that follows links. Each of their `exec` lines has the script's path from there. */
function targetShim(text: string, real: string): readonly string[] | undefined {
  if (!/^# cmd-shim-target=/m.test(text)) {
    return undefined;
  }
  const found = new Set<string>();
  for (const line of text.split('\n').filter((one) => /^\s*exec\s/.test(one))) {
    const [, program, quoted, script = quoted] =
      /^\s*exec\s+(?:"\$basedir\/)?([\w-]+)(?:\.exe)?"?\s+"\$basedir(?:_abs|_win)?(?:"\/'([^'$`]+)'|\/([^"$`]+)")\s+"\$@"\s*$/.exec(line) ??
      [];
    if (program === undefined || script === undefined) {
      return undefined;
    }
    found.add(JSON.stringify([program, posix.join(dirname(real), script)]));
  }
  const [only] = found;
  return only === undefined || found.size !== 1 ? undefined : JSON.parse(only);
}

/** `NAME=value` before a command: the value is for that command only. */
const valuesBefore = /^\s*(?:\w+=(?:"[^"]*"|'[^']*'|[^\s"'$`(]*)\s+)+(?=[^\s#&|;])/;
/** Control flow, and commands that change neither PATH nor the directory. */
const harmless =
  /^\s*(?:#|$|(?:if|elif|while|until|for|case|then|else|fi|do|done|esac|set|export|readonly|local|declare|unset|umask|ulimit|echo|printf|mkdir|test|true|exit|return|shift)\b|\[|:(?:\s|$)|;;|[^()]*\)\s*$|[{}]\s*$|exec\s+\d*[<>])/;
/** A line that starts the program. */
const starting = /^\s*(?:exec\s|(?:\S*\/)?(?:node|bun|deno|python[\d.]*)\s|.*\s"?\$@"?\s*$)/;

/** A start in the middle of a line. */
const startsToo = /\bexec\s+[^<>\d\s]|\$[@*]|(?:[;&|]|\bthen|\bdo)\s*(?:\S*\/)?(?:node|bun|deno|python[\d.]*)\s/;

/** The lines of a script, those that go on after a `\\` or a pipe as one. Undefined where one is longer than package managers write. */
function linesIn(text: string): readonly string[] | undefined {
  const lines = text
    .replace(/\\\r?\n/g, ' ')
    .replace(/^(?!\s*#)(.*[^|\r\n]\|)[ \t]*\r?\n/gm, '$1 ')
    .split(/\r?\n/);
  return lines.some((line) => line.length > mostLine) ? undefined : lines;
}

function preparedProgram(text: string, values: ShellValues): ShimCommand | undefined {
  const lines = linesIn(text);
  if (lines === undefined) {
    return undefined;
  }
  const found = new Map<string, ShimCommand>();
  let cwd: string | undefined = '.';
  let ownPath = false;
  let branches = 0;
  for (const whole of lines) {
    const written = whole.replace(valuesBefore, '');
    ownPath ||= /^\s*(?:export\s+)?(?:[^#]*\s)?PATH=/.test(whole);
    if (values.assign(written)) {
      continue;
    }
    const line = values.withOutput(written);
    const [, changed, rest = ''] =
      /^\s*(?:cd|pushd)\s+(?:-P\s+|--\s+)?(.*?)\s*(?:$|;\s*$|&&\s*(.*)$|\|\|\s*(?:exit|return|\{[^{}]*\bexit\b).*$)/.exec(line) ?? [];
    if (changed !== undefined) {
      const to = values.folder(changed);
      // In a branch it depends on a condition.
      cwd = branches > 0 || to === undefined || cwd === undefined ? undefined : posix.isAbsolute(to) ? to : posix.join(cwd, to);
      values.cwd = cwd !== undefined && posix.isAbsolute(cwd) ? cwd : undefined;
    }
    if (/[;&|]/.test(changed ?? '') || (changed === undefined && /^\s*(?:cd|pushd|popd)\b/.test(line))) {
      return undefined;
    }
    const command = changed === undefined ? line : rest;
    branches += /^\s*(?:if|case|while|until|for)\b/.test(command) ? 1 : /^\s*(?:fi|esac|done)\b/.test(command) ? -1 : 0;
    if (starting.test(command) && !harmless.test(command)) {
      const words = commandWords(command, values);
      if (words === undefined || (cwd === undefined && !isAbsoluteCommand(words))) {
        return undefined;
      }
      const own: ShimCommand = { words, ...(cwd === undefined || cwd === '.' ? {} : { cwd }), ...(ownPath ? { ownPath } : {}) };
      found.set(JSON.stringify(own), own);
    } else if (!/^\s*#/.test(command) && startsToo.test(command)) {
      // A function, a condition and a command in one line, a list of arguments that it changes.
      return undefined;
    } else if (!harmless.test(command)) {
      // `. FILE`, `eval`, `nvm use`: a program that only does some work changes no PATH, but nothing shows which it is.
      ownPath = true;
    }
  }
  const [only] = found.values();
  return found.size === 1 ? only : undefined;
}

/**
 * The commands that a shell script may end in, with the words that it was given left out. Variables whose value is not known stay as they are written. Empty for
 * what is no shell script.
 * @param file links resolved
 * @param environment of the process that starts it; undefined when it is not known
 */
export function possibleStarts(file: string, environment?: ReadonlyMap<string, string>): readonly (readonly string[])[] {
  const read = readBounded(file, 64 * 1024);
  const text = read.status === 'ok' ? read.text : '';
  const lines = isShell(posix.basename(shebangWords(text)?.[0] ?? '')) ? (linesIn(text) ?? []) : [];
  const values = new ShellValues(text, { file, real: file, environment });
  return lines.flatMap((whole) => {
    const line = whole.replace(valuesBefore, '');
    if (values.assign(line)) {
      return [];
    }
    const words = starting.test(line) && !harmless.test(line) ? values.words(line) : undefined;
    const own = words?.filter((word) => word !== '$@' && word !== '$*').slice(words[0] === 'exec' ? 1 : 0);
    return own?.length ? [own] : [];
  });
}

/** Whether a command means the same in every directory: its program, or the script that it gives to an interpreter, has an absolute path. */
function isAbsoluteCommand([program = '', ...args]: readonly string[]): boolean {
  const script = args.find((word) => !word.startsWith('-'));
  const interpreted = /^(?:node|bun|deno|python[\d.]*)$/.test(posix.basename(program));
  return posix.isAbsolute(interpreted && !args.includes('-m') ? (script ?? '') : program) && !(interpreted && args.includes('-m'));
}

function commandWords(line: string, values: ShellValues): readonly string[] | undefined {
  let words = values.words(line)?.filter((word) => word !== '$@' && word !== '$*') ?? [];
  if (words[0] === 'exec') {
    words = words.slice(words[1] === '-a' ? 3 : 1);
  }
  const [program = '', ...rest] = words;
  if (program === '' || words.some((word) => /[$`]/.test(word))) {
    return undefined;
  }
  // The shims take the Node beside them where there is one, else that of PATH: both run the same script.
  return [
    posix.basename(program) === 'node' ? 'node' : program,
    ...rest.map((word) => (word.startsWith('/') ? posix.normalize(word) : word)),
  ];
}

/** The command of a `.cmd` shim of npm, pnpm or yarn; undefined for any other batch file. @param file with the separators of Windows */
export function cmdShim(text: string, file: string): readonly string[] | undefined {
  const folder = win32.dirname(file);
  const found = new Set<string>();
  for (const line of text.split(/\r?\n/)) {
    const call =
      /^\s*(?:endLocal\s.*?&\s*)?(?:goto\s.*?\|\|\s*title\s.*?&\s*)?@?("%_prog%"|"%~dp0\\node\.exe"|"%dp0%\\node\.exe"|node)\s+(.*%\*.*)$/i.exec(
        line,
      );
    if (call?.[2] !== undefined) {
      const words = splitWindowsArgs(call[2].replace(/%~?dp0%?\\?/gi, `${folder}\\`)).filter((word) => word !== '%*');
      found.add(JSON.stringify(['node', ...words.map((word) => (win32.isAbsolute(word) ? win32.normalize(word) : word))]));
    }
  }
  return onlyCommand(found);
}

/** The command of a `.ps1` shim of npm or pnpm; undefined for any other script. */
export function powershellShim(text: string, file: string): readonly string[] | undefined {
  const folder = win32.dirname(file);
  const found = new Set<string>();
  for (const match of text.matchAll(/&\s+"(?:\$basedir\/)?node\$exe"\s+((?:(?:"[^"\n]*"|-[\w=.-]+)\s+)+)\$args/g)) {
    const words = [...(match[1] ?? '').matchAll(/"([^"\n]*)"|(\S+)/g)].map(([, quoted, bare = '']) =>
      (quoted ?? bare).replace(/^\$basedir/, folder),
    );
    found.add(JSON.stringify(['node', ...words.map((word) => (win32.isAbsolute(word) ? win32.normalize(word) : word))]));
  }
  return onlyCommand(found);
}

function onlyCommand(found: ReadonlySet<string>): readonly string[] | undefined {
  const [only] = found;
  if (only === undefined || found.size !== 1) {
    return undefined;
  }
  const words: readonly string[] = JSON.parse(only);
  return words.some((word) => /[%$]/.test(word)) || words.length < 2 ? undefined : words;
}

/** Most shims in one folder that are read to find the one that started a process. */
const mostShims = 200;

/**
 * The shims that may have started a process: pnpm's name the script by a path through `.bin/..`, so their folder is known, and the package is in their text.
 * @param cwd of the process: the path may be relative to it
 * @param visited gets the folder: an installer may write the shim a moment later
 */
export function standInsOf(argv: readonly string[], cwd: string | undefined, name: string, visited: Set<string>): string[] {
  const written = argv.map((word) => /^((?:.*\/)?node_modules\/\.bin)\/\.\.\//.exec(word)?.[1]).find((one) => one !== undefined);
  if (written === undefined || (cwd === undefined && !written.startsWith('/'))) {
    return [];
  }
  const folder = resolve(cwd ?? '/', written);
  visited.add(folder);
  try {
    const files = readdirSync(folder).filter((file) => !/\.(cmd|ps1)$/i.test(file));
    return files
      .slice(0, mostShims)
      .map((file) => join(folder, file))
      .filter((path) => {
        const read = readBounded(path, 64 * 1024);
        return read.status === 'ok' && read.text.includes(`/node_modules/${name}/`);
      });
  } catch {
    return [];
  }
}
