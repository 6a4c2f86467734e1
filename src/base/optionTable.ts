import { parseArgs } from 'node:util';

/** How the text behind an option becomes a value. */
export interface ValueKind<T> {
  /** The value where the option is not given. */
  readonly initial: T;
  /** Ends the option's line in the help: " (default 30)". */
  readonly remark?: string;
  /** @param before what earlier ones of the same option gave @returns the new value, or why the text is refused */
  read(text: string, before: T): T | InvalidValue;
}

/** A refused text. The reason follows the option's name: "must be an absolute path". */
export class InvalidValue {
  readonly reason: string;

  constructor(reason: string) {
    this.reason = reason;
  }
}

interface Option<T> {
  readonly kind: ValueKind<T>;
  /** The word for the value in the help; absent: a flag. */
  readonly placeholder?: string;
  /** One letter. */
  readonly short?: string;
  /** For the help; undefined = not listed there. */
  readonly help: string | undefined;
}

/** Options by name, without the dashes, in the order of the help. */
export type OptionTable = Readonly<Record<string, Option<unknown>>>;

export type OptionValues<Table extends OptionTable> = {
  readonly [Name in keyof Table]: Table[Name] extends Option<infer Value> ? Value : never;
};

/** Why a command line is refused; `describeProblem` makes a sentence of it. */
export type OptionProblem =
  | { readonly kind: 'unknown' | 'no-value' | 'unexpected-value'; readonly option: string }
  | { readonly kind: 'invalid'; readonly option: string; readonly reason: string }
  /** A word that belongs to no option, where only options may stand. */
  | { readonly kind: 'stray-word'; readonly word: string }
  /** Options that do not go together; the reason is a whole sentence. */
  | { readonly kind: 'contradiction'; readonly reason: string };

type OptionReading<Table extends OptionTable> =
  | { readonly problem: OptionProblem }
  | { readonly problem: undefined; readonly values: OptionValues<Table>; readonly given: ReadonlySet<string> };

/** One option as it was written. */
interface GivenOption {
  readonly name: string;
  /** With its dashes, without a value. */
  readonly written: string;
  readonly value: string | undefined;
  /** Whether the value came in the same word, after `=`. */
  readonly inline: boolean;
  /** Position among the words. */
  readonly index: number;
}

interface SplitWords {
  readonly options: readonly GivenOption[];
  /** Everything else, also all words after `--`. */
  readonly others: readonly { readonly word: string; readonly index: number }[];
}

/** An option without a value: true when it is given. An option without `help` is not listed in the help. */
export function flag(help: string | undefined, short?: string): Option<boolean> {
  return { kind: { initial: false, read: () => true }, help, ...(short === undefined ? {} : { short }) };
}

/** An option with a value. `placeholder` names the value in the help. */
export function option<T>(placeholder: string, kind: ValueKind<T>, help: string): Option<T> {
  return { kind, placeholder, help };
}

/** Any text; the last one counts. */
export const anyText: ValueKind<string | undefined> = { initial: undefined, read: (value) => value };

/** Repeatable. */
export const repeatedText: ValueKind<readonly string[]> = { initial: [], read: (value, before) => [...before, value] };

/** Names separated by commas; repeatable. */
export const nameList: ValueKind<readonly string[]> = {
  initial: [],
  read: (value, before) => [
    ...before,
    ...value
      .split(',')
      .map((name) => name.trim())
      .filter((name) => name !== ''),
  ],
};

/** A whole number from `min` to `max`. */
export function wholeNumber<I extends number | undefined>(min: number, max: number, initial: I): ValueKind<number | I> {
  return {
    initial,
    ...defaultRemark(initial),
    read: (value) =>
      /^\d{1,15}$/.test(value) && Number(value) >= min && Number(value) <= max
        ? Number(value)
        : new InvalidValue(`must be a whole number from ${min} to ${max}, not "${value}"`),
  };
}

/** Seconds as text, milliseconds as value. @param limits seconds; 0 is refused with `above0` */
export function seconds<I extends number | undefined>(
  limits: { readonly max: number; readonly above0?: boolean },
  initialSeconds: I,
): ValueKind<number | I> {
  const ms = (value: number): number => Math.round(value * 1_000);
  return {
    initial: initialSeconds === undefined ? initialSeconds : ms(initialSeconds),
    ...defaultRemark(initialSeconds),
    read: (value) =>
      /^\d{1,15}(?:\.\d+)?$/.test(value) && Number(value) <= limits.max && (!limits.above0 || Number(value) > 0)
        ? ms(Number(value))
        : new InvalidValue(`must be a number of seconds ${limits.above0 ? 'above 0 and ' : ''}up to ${limits.max}, not "${value}"`),
  };
}

/** One of some words. */
export function choice<const W extends string, const I extends NoInfer<W> | undefined>(words: readonly W[], initial: I): ValueKind<W | I> {
  return {
    initial,
    remark: `: ${words.map((word) => ((word as string) === initial ? `${word} (default)` : word)).join(', ')}`,
    read: (value) => words.find((word) => word === value) ?? new InvalidValue(`must be one of ${words.join(', ')}, not "${value}"`),
  };
}

/** Text of a certain form. @param form completes "must be …" */
export function matching(pattern: RegExp, form: string): ValueKind<string | undefined> {
  return {
    initial: undefined,
    read: (value) => (pattern.test(value) ? value : new InvalidValue(`must be ${form}, not "${value}"`)),
  };
}

function defaultRemark(value: number | undefined): { readonly remark?: string } {
  return value === undefined ? {} : { remark: ` (default ${value})` };
}

/** Tells options from other words. Options that the table does not have are taken for flags; `readOptions` refuses them. */
export function splitWords(words: readonly string[], table: OptionTable): SplitWords {
  if (words.length === 0) {
    // Most guards have no options; the parser's first use costs half a millisecond.
    return { options: [], others: [] };
  }
  const { tokens } = parseArgs({
    args: [...words],
    options: Object.fromEntries(
      Object.entries(table).map(([name, { placeholder, short }]) => [
        name,
        { type: placeholder === undefined ? 'boolean' : 'string', ...(short === undefined ? {} : { short }) },
      ]),
    ),
    allowPositionals: true,
    strict: false,
    tokens: true,
  });
  return {
    options: tokens.flatMap((token) =>
      token.kind === 'option'
        ? [{ name: token.name, written: token.rawName, value: token.value, inline: token.inlineValue === true, index: token.index }]
        : [],
    ),
    others: tokens.flatMap((token) => (token.kind === 'positional' ? [{ word: token.value, index: token.index }] : [])),
  };
}

/** The values of all options of the table; the first mistake ends it. A word that is an option itself is never a value, unless it is written after `=`. */
export function readOptions<Table extends OptionTable>(given: readonly GivenOption[], table: Table): OptionReading<Table> {
  const values = new Map<string, unknown>(Object.entries(table).map(([name, { kind }]) => [name, kind.initial]));
  for (const { name, written, value, inline } of given) {
    const found = Object.hasOwn(table, name) ? table[name] : undefined;
    if (!found) {
      return { problem: { kind: 'unknown', option: written } };
    }
    if (found.placeholder === undefined && value !== undefined) {
      return { problem: { kind: 'unexpected-value', option: written } };
    }
    if (found.placeholder !== undefined && (!value || (!inline && isOption(value, table)))) {
      return { problem: { kind: 'no-value', option: written } };
    }
    const read = found.kind.read(value ?? '', values.get(name));
    if (read instanceof InvalidValue) {
      return { problem: { kind: 'invalid', option: written, reason: read.reason } };
    }
    values.set(name, read);
  }
  return {
    problem: undefined,
    values: Object.fromEntries(values) as OptionValues<Table>,
    given: new Set(given.map(({ name }) => name)),
  };
}

function isOption(word: string, table: OptionTable): boolean {
  const name = /^--([^=]+)/.exec(word)?.[1];
  return name === undefined
    ? Object.values(table).some(({ short }) => short !== undefined && word === `-${short}`)
    : Object.hasOwn(table, name);
}
