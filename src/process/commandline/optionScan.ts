/** The options at the beginning of a command line. */
export interface OptionScan {
  /** Index of the first operand, or of the word after `--`. */
  readonly next: number;
  /** Whether `--` ended the options. */
  readonly dashes: boolean;
  /** The values of options that take one, by option name as written (`-p`, `--package`). */
  readonly values: ReadonlyMap<string, readonly string[]>;
  /** Options without a value. */
  readonly flags: ReadonlySet<string>;
}

/**
 * Reads the options before the first operand.
 * @param withValue the options that take the next word; `--name=value` never does
 * @param attached letters of the options that may have their value attached (`-ppkg`)
 */
export function scanOptions(words: readonly string[], start: number, withValue: ReadonlySet<string>, attached = ''): OptionScan {
  const values = new Map<string, string[]>();
  const flags = new Set<string>();
  const put = (name: string, value: string): void => {
    const list = values.get(name) ?? [];
    list.push(value);
    values.set(name, list);
  };
  let index = start;
  for (; index < words.length; index++) {
    const word = words[index] ?? '';
    if (word === '--') {
      return { next: index + 1, dashes: true, values, flags };
    }
    if (!word.startsWith('-') || word === '-') {
      break;
    }
    const equals = word.startsWith('--') ? word.indexOf('=') : -1;
    if (equals > 0) {
      put(word.slice(0, equals), word.slice(equals + 1));
    } else if (withValue.has(word)) {
      put(word, words[index + 1] ?? '');
      index++;
    } else if (!word.startsWith('--') && word.length > 2 && attached.includes(word[1] ?? ' ')) {
      put(word.slice(0, 2), word.slice(2));
    } else {
      flags.add(word);
    }
  }
  return { next: Math.min(index, words.length), dashes: false, values, flags };
}

/** All values given under any of these names, in the order of the names. */
export function optionValues(scan: OptionScan, ...names: readonly string[]): string[] {
  return names.flatMap((name) => scan.values.get(name) ?? []);
}

/** The words of a text as a set. */
export function wordSet(text: string): ReadonlySet<string> {
  return new Set(text.split(/\s+/).filter((word) => word !== ''));
}
