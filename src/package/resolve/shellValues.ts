import { dirname, posix } from 'node:path';
import { splitShell } from '../../process/commandline/shellWords.ts';

/** Longer values are no names of folders. */
const mostValue = 500;
/** A line that may set variables that no other line names. */
const readsOthers = /^\s*(?:\.|source|eval|set\s+-a)\s/m;

/** The names of the variables that a shell script reads. */
export function variablesIn(text: string): ReadonlySet<string> {
  return new Set([...text.matchAll(/\$\{?([A-Za-z_]\w*)/g)].map(([, name = '']) => name));
}

/** The variables of one shell script, as far as its text and the environment tell their values. */
export class ShellValues {
  readonly #file: string;
  readonly #real: string;
  /** Undefined: a value that is not known. */
  readonly #own = new Map<string, string | undefined>();
  /** Variables that more than one place of the script assigns, also within a line. */
  readonly #often: ReadonlySet<string>;
  /** Variables that the script gets, and those that it does not get. */
  readonly #given = new Map<string, string | undefined>();

  /**
   * @param file the script as it was found
   * @param real the same with its links resolved
   * @param environment of the process that starts it; undefined when it is not known
   */
  constructor(text: string, file: string, real: string, environment?: ReadonlyMap<string, string>) {
    this.#file = file;
    this.#real = real;
    const assigned = [...text.matchAll(/(?<![\w$])([A-Za-z_]\w*)=/g)].map(([, name = '']) => name);
    this.#often = new Set(assigned.filter((name, index) => assigned.indexOf(name) !== index));
    // What the script sets by an assignment, `read`, `for` or `unset` stands there without `$`.
    const words = new Set(text.replace(/^\s*#.*$/gm, '').match(/(?<![\w${])[A-Za-z_]\w*/g));
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
    const [, name, written = ''] = /^\s*(?:export\s+|local\s+|readonly\s+)?([A-Za-z_]\w*)=(.*)$/.exec(line) ?? [];
    if (name === undefined) {
      return false;
    }
    // `cygpath` is used only in the POSIX environments of Windows.
    if (!/cygpath/.test(written)) {
      const before = this.#own.get(name);
      const value = (this.#often.has(name) ? undefined : this.#self(written)) ?? this.#ownFolder(written) ?? this.#plain(written);
      // Set twice to different values: which one counts depends on a condition.
      this.#own.set(name, this.#own.has(name) && before !== value ? undefined : value);
    }
    return true;
  }

  /** The directory that a word means: the script's own, or a path that is known. */
  folder(written: string): string | undefined {
    const own = this.#ownFolder(written);
    const [word, ...more] = own === undefined ? (this.words(written) ?? []) : [own];
    return word === undefined || more.length > 0 || /[$`~]|^-$/.test(word) ? undefined : word;
  }

  /** The words of one simple command, with the values that are known filled in. Undefined for more than one command. */
  words(line: string): readonly string[] | undefined {
    const direct = line.replace(/\$\(\s*dirname\s+(?:--\s+)?"?\$0"?\s*\)|`dirname\s+"?\$0"?`|\$\{0%\/\*\}/g, dirname(this.#file));
    const commands = splitShell(this.#filled(direct));
    return commands?.length === 1 ? commands[0]?.words : undefined;
  }

  #value(name: string): string | undefined {
    return this.#own.has(name) ? this.#own.get(name) : this.#given.get(name);
  }

  /** Whether its value is known, or that it has none. */
  #isKnown(name: string): boolean {
    return this.#own.has(name) ? this.#own.get(name) !== undefined : this.#given.has(name);
  }

  #filled(text: string): string {
    return text
      .replace(
        /\$(?:([A-Za-z_]\w*)|\{([A-Za-z_]\w*)\})/g,
        (whole, bare?: string, braced?: string) => this.#value(bare ?? braced ?? '') ?? whole,
      )
      .replace(/\$\{([A-Za-z_]\w*):?-([^{}$`"']*)\}/g, (whole, name: string, instead: string) => {
        return this.#isKnown(name) ? this.#value(name) || instead : whole;
      });
  }

  /** A value without anything that the shell would still fill in. */
  #plain(written: string): string | undefined {
    const text = /^\s*'/.test(written) ? written : this.#filled(written);
    const plain = /^\s*(?:"([^"$`\\]*)"|'([^']*)'|([^\s"'$`\\;&|]*))\s*$/.exec(text);
    return plain?.slice(1).find((value) => value !== undefined);
  }

  /** The path of the script: `$0`, `"$(readlink -f "${BASH_SOURCE[0]}")"` … */
  #self(written: string): string | undefined {
    const form = this.#form(written);
    return form === '@' ? this.#file : form === '=' ? this.#real : undefined;
  }

  /** The folder that a script writes as its own, or a path from there: `$(dirname "$0")`, `"$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"` … */
  #ownFolder(written: string): string | undefined {
    const form = written.includes('dirname') ? this.#form(written) : undefined;
    const match =
      /^\$\(dirname ([@=])\)((?:\/[\w.+-]+)*)\/?$/.exec(form ?? '') ??
      /^\$\(cd (?:-P )?\$\(dirname ([@=])\)((?:\/[\w.+-]+)*)\/? && pwd(?: -P)?\)\/?$/.exec(form ?? '');
    return match ? posix.normalize(dirname(match[1] === '=' ? this.#real : this.#file) + (match[2] ?? '')) : undefined;
  }

  /** A value with `@` for the script and `=` for the script with its links resolved. */
  #form(written: string): string | undefined {
    if (written.length > mostValue) {
      return undefined;
    }
    return written
      .replaceAll('"', '')
      .replaceAll("'", '')
      .replace(/\s+/g, ' ')
      .replaceAll(' -- ', ' ')
      .replaceAll(/\$\{BASH_SOURCE(?:\[0\])?\}|\$BASH_SOURCE|\$0/g, '@')
      .replaceAll(/\$(?:([A-Za-z_]\w*)|\{([A-Za-z_]\w*)\})/g, (whole, bare?: string, braced?: string) => {
        const value = this.#own.get(bare ?? braced ?? '');
        return value === this.#real ? '=' : value === this.#file ? '@' : whole;
      })
      .replaceAll('$(echo @ | sed -e s,\\\\,/,g)', '@')
      .replaceAll(/\$\((?:readlink -f|realpath) [@=]\)/g, '=')
      .replaceAll(/ ?>\/dev\/null(?: 2>&1)?/g, '')
      .trim();
  }
}
