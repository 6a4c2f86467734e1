import { posix } from 'node:path';
import { splitShell } from '../../process/commandline/shellWords.ts';
import { type ScriptPlace, withOutput } from './substitution.ts';

/** A line that may set variables that no other line names. */
const readsOthers = /^\s*(?:\.|source|eval|set\s+-a)\s/m;
/** An assignment that takes a whole line. */
const assignment = /^\s*(?:export\s+|local\s+|readonly\s+)?([A-Za-z_]\w*)=(.*?)\s*(?:;|\|\|\s*(?:exit|return)(?:\s+\d+)?\s*;?)?\s*$/;

/** The names of the variables that a shell script reads. Finding a program reads PATH. */
export function variablesIn(text: string): ReadonlySet<string> {
  const found = [...text.matchAll(/\$\{?([A-Za-z_]\w*)/g)].map(([, name = '']) => name);
  return new Set(/\bwhich\s|\bcommand\s+-v/.test(text) ? [...found, 'PATH'] : found);
}

/** The variables of one shell script, as far as its text, the files that it reads and the environment tell their values. */
export class ShellValues {
  readonly #place: ScriptPlace;
  /** Undefined: a value that is not known. */
  readonly #own = new Map<string, string | undefined>();
  /** What is known of the values that are not known. */
  readonly #guesses = new Map<string, string>();
  /** Variables that more than one place of the script assigns. */
  readonly #often: ReadonlySet<string>;
  /** Variables that a place within a line assigns, too. */
  readonly #within: ReadonlySet<string>;
  /** Variables that the script gets, and those that it does not get. */
  readonly #given = new Map<string, string | undefined>();
  /** The folder to which the script changed; undefined while it is the one in which it was started. */
  cwd: string | undefined;

  constructor(text: string, place: ScriptPlace) {
    this.#place = place;
    const code = text.replace(/^\s*#.*$/gm, '');
    // `cygpath` is used only in the POSIX environments of Windows.
    const assigned = [...code.replace(/\w+=["'`$( ]*cygpath/g, '').matchAll(/(?<![\w$-])([A-Za-z_]\w*)=/g)].map(([, name = '']) => name);
    this.#often = new Set(assigned.filter((name, index) => assigned.indexOf(name) !== index));
    const lines = code.split(/\r?\n/).flatMap((line) => (/cygpath/.test(line) ? [] : (assignment.exec(line)?.[1] ?? [])));
    this.#within = new Set([...this.#often].filter((name) => count(lines, name) > 0 && count(lines, name) < count(assigned, name)));
    // What the script sets by an assignment, `read`, `for` or `unset` stands there without `$`.
    const words = new Set(code.match(/(?<![\w${])[A-Za-z_]\w*/g));
    const { environment } = place;
    for (const name of environment ? variablesIn(text) : []) {
      if (!words.has(name) && (name === 'HOME' || !readsOthers.test(text))) {
        this.#given.set(name, environment?.get(name));
      }
    }
  }

  /** Remembers what a line assigns. @returns whether it is an assignment */
  assign(line: string): boolean {
    const [, missing, instead = ''] = /^\s*:\s+"?\$\{([A-Za-z_]\w*):?=([^{}]*)\}"?\s*$/.exec(line) ?? [];
    if (missing !== undefined) {
      this.#own.set(missing, this.#isKnown(missing) ? this.#value(missing) || this.#plain(instead) : undefined);
      return true;
    }
    const [, name, written = ''] = assignment.exec(line) ?? [];
    if (name === undefined) {
      return false;
    }
    if (!/cygpath/.test(written)) {
      const before = this.#own.get(name);
      const { file, real } = this.#place;
      const found = this.#within.has(name) ? undefined : this.#plain(written);
      // A loop that follows links by itself begins with the script.
      const value = this.#often.has(name) && (found === file || found === real) ? undefined : found;
      // Set twice to different values: which one counts depends on a condition.
      this.#own.set(name, this.#own.has(name) && before !== value ? undefined : value);
      const [guess, ...more] = value === undefined && !this.#often.has(name) && !/^\s*'/.test(written) ? (this.words(written) ?? []) : [];
      if (guess !== undefined && more.length === 0) {
        this.#guesses.set(name, guess);
      }
    }
    return true;
  }

  /** The directory that a word means: the script's own, or a path that is known. */
  folder(written: string): string | undefined {
    const [word, ...more] = this.words(written) ?? [];
    return word === undefined || more.length > 0 || /[$`~]|^-$/.test(word) ? undefined : posix.normalize(word);
  }

  /** A line with the output of commands filled in that is known. */
  withOutput(line: string): string {
    return /\$\(|`/.test(line) ? withOutput(this.#filled(line), this.#place, this.cwd) : line;
  }

  /** The words of one simple command, with the values that are known filled in. Undefined for more than one command. */
  words(line: string): readonly string[] | undefined {
    const commands = splitShell(withOutput(this.#filled(line, true), this.#place, this.cwd, true));
    return commands?.length === 1 ? commands[0]?.words : undefined;
  }

  #value(name: string): string | undefined {
    return this.#own.has(name) ? this.#own.get(name) : this.#given.get(name);
  }

  /** Whether its value is known, or that it has none. */
  #isKnown(name: string): boolean {
    return this.#own.has(name) ? this.#own.get(name) !== undefined : this.#given.has(name);
  }

  /** @param guess also with what is known of the values that are not known */
  #filled(text: string, guess = false): string {
    const { file } = this.#place;
    return text
      .replace(/\$\{(?:0|BASH_SOURCE(?:\[0\])?)%\/\*\}/g, () => posix.dirname(file))
      .replace(/\$\{BASH_SOURCE(?:\[0\])?\}|\$BASH_SOURCE\b|\$\{0\}|\$0(?!\w)/g, () => file)
      .replace(/\$(?:([A-Za-z_]\w*)|\{([A-Za-z_]\w*)\})/g, (whole, bare?: string, braced?: string) => {
        const name = bare ?? braced ?? '';
        return this.#value(name) ?? (guess ? this.#guesses.get(name) : undefined) ?? whole;
      })
      .replace(/\$\{([A-Za-z_]\w*):?-([^{}$`"']*)\}/g, (whole, name: string, instead: string) => {
        return this.#isKnown(name) ? this.#value(name) || instead : whole;
      });
  }

  /** A value without anything that the shell would still fill in. */
  #plain(written: string): string | undefined {
    const text = /^\s*'/.test(written) ? written : withOutput(this.#filled(written), this.#place, this.cwd);
    const [command, ...more] = splitShell(text) ?? [{ words: [], after: '?' }];
    const [word = '', ...others] = command?.words ?? [];
    return more.length > 0 || others.length > 0 || (command?.after ?? '') !== '' || /[$`\\]/.test(word) ? undefined : word;
  }
}

function count(list: readonly string[], item: string): number {
  return list.filter((one) => one === item).length;
}
