import { isDeepStrictEqual } from 'node:util';
import { isRecord } from '../../base/json.ts';
import { t } from '../../base/language/translate.ts';

/** Identifies one entry of a file. */
export interface EntryPlace {
  readonly name: string;
  /** For entries below their project's path in the file (Claude Code's local scope). */
  readonly folder?: string;
}

/**
 * Changes one entry's command in the text of a file; all other bytes are unchanged. An entry's *words* are its command and its arguments in one list, in whichever
 * fields the client has them. Each change is checked by parsing the result.
 */
export interface CommandEdits {
  /** The words in the file. @throws EditRefused when there is no such entry, or when it does not start a program */
  words(text: string, place: EntryPlace): EntryWords;
  /** Adds words in front: the first becomes the command, the old command an argument. @throws EditRefused */
  prepend(text: string, place: EntryPlace, words: readonly string[]): string;
  /** Puts another word in place of the command. @throws EditRefused */
  replace(text: string, place: EntryPlace, command: string): string;
  /**
   * Removes words from the front, the reverse of `prepend`.
   * @param emptyArgs whether an empty list of arguments stays; otherwise it is removed, because `prepend` added it
   * @throws EditRefused
   */
  strip(text: string, place: EntryPlace, count: number, emptyArgs: boolean): string;
}

export interface EntryWords {
  readonly words: readonly string[];
  /** Whether the entry has a list of arguments, even an empty one. */
  readonly hasArgs: boolean;
  /** The entry in the file, with all fields. */
  readonly entry: Readonly<Record<string, unknown>>;
}

/** What differs between the notations of files. */
interface Notation<Found extends { readonly words: readonly string[] }> {
  /** Finds an entry and its words. @throws EditRefused */
  locate(text: string, place: EntryPlace): Found;
  entryWords(found: Found): EntryWords;
  /** @param words not yet written in the notation of the file */
  prepended(text: string, found: Found, words: readonly string[]): readonly Splice[];
  stripped(text: string, found: Found, count: number, emptyArgs: boolean): readonly Splice[];
  /** Offsets of the command's word. */
  commandWord(found: Found): { readonly start: number; readonly end: number };
  literal(word: string): string;
  /** The changed text. @throws EditRefused when another part of the file changed, too */
  checked(after: string, found: Found, words: readonly string[]): string;
}

/** The editor of a notation: each change is made in the text and then checked. */
export function commandEdits<Found extends { readonly words: readonly string[] }>(notation: Notation<Found>): CommandEdits {
  const change = (text: string, found: Found, splices: readonly Splice[], words: readonly string[]): string =>
    notation.checked(spliced(text, splices), found, words);
  return {
    words: (text, place) => notation.entryWords(notation.locate(text, place)),
    prepend(text, place, words) {
      const found = notation.locate(text, place);
      return change(text, found, notation.prepended(text, found, words), [...words, ...found.words]);
    },
    replace(text, place, command) {
      const found = notation.locate(text, place);
      const splice = { ...notation.commandWord(found), text: notation.literal(command) };
      return change(text, found, [splice], [command, ...found.words.slice(1)]);
    },
    strip(text, place, count, emptyArgs) {
      const found = notation.locate(text, place);
      if (count < 1 || count >= found.words.length) {
        throw nothingBehind();
      }
      return change(text, found, notation.stripped(text, found, count, emptyArgs), found.words.slice(count));
    },
  };
}

/** An edit that cannot be made safely. The message is for the user and contains no values of the file. */
export class EditRefused extends Error {
  override readonly name = 'EditRefused';
}

/** The refusal of an entry whose notation no edit can change without a risk for the rest of the file. */
export function unsafeEdit(): EditRefused {
  return new EditRefused(t('The entry is written in a way that cannot be changed safely. Nothing was changed; change it by hand.'));
}

/** The refusal of an entry that starts the guard without a server behind it. */
export function nothingBehind(): EditRefused {
  return new EditRefused(t('The entry has no command behind the guard. Nothing was changed.'));
}

/** One replacement in a text. */
export interface Splice {
  readonly start: number;
  readonly end: number;
  readonly text: string;
}

/** Applies replacements that do not overlap. */
export function spliced(text: string, splices: readonly Splice[]): string {
  return [...splices]
    .sort((a, b) => b.start - a.start)
    .reduce((result, { start, end, text: piece }) => result.slice(0, start) + piece + result.slice(end), text);
}

/** A list in the text, from its opening bracket to behind its closing one, and its items. */
export interface ListSpan {
  readonly start: number;
  readonly end: number;
  readonly items: readonly { readonly start: number; readonly end: number }[];
}

/** Adds items at the start of a list, each on its own line where the first item has one. @param literals as written to the file */
export function prependItems(text: string, list: ListSpan, literals: readonly string[]): Splice {
  const first = list.items[0];
  if (!first) {
    return { start: list.start + 1, end: list.start + 1, text: literals.join(', ') };
  }
  const indent = ownLine(text, first.start);
  const separator = indent === undefined || indent.at < list.start ? ' ' : lineEnd(text) + indent.text;
  return { start: first.start, end: first.start, text: literals.map((literal) => `${literal},${separator}`).join('') };
}

/** Removes the first items of a list, with the text between them. */
export function removeItems(text: string, list: ListSpan, count: number): Splice {
  const first = list.items[0];
  const last = list.items.at(-1);
  if (!first || !last || count === 0) {
    return { start: list.start, end: list.start, text: '' };
  }
  const kept = list.items[count];
  const comma = /^\s*,/.exec(text.slice(last.end, list.end))?.[0].length ?? 0;
  return { start: first.start, end: kept?.start ?? last.end + comma, text: '' };
}

/** The white space between the start of the line and an offset; undefined when there is other text. */
export function ownLine(text: string, offset: number): { readonly at: number; readonly text: string } | undefined {
  const at = text.lastIndexOf('\n', offset - 1) + 1;
  const before = text.slice(at, offset);
  return at > 0 && /^[ \t]*$/.test(before) ? { at, text: before } : undefined;
}

/** The line end that the file uses. */
export function lineEnd(text: string): string {
  return text.includes('\r\n') ? '\r\n' : '\n';
}

/**
 * Checks that an edit changed the command and nothing else.
 *
 * @param before,after the parsed file; `path` leads to the entry
 * @param command the entry's key for its command
 * @throws EditRefused
 */
export function checkEdit(before: unknown, after: unknown, path: readonly string[], command: string, words: readonly string[]): void {
  const oldEntry = valueAt(before, path);
  const found = valueAt(after, path);
  // Parsers give objects different prototypes.
  const newEntry = isRecord(found) ? { ...found } : undefined;
  const expected = isRecord(oldEntry) ? withWords(oldEntry, command, words) : undefined;
  const same = newEntry && 'args' in newEntry ? expected : expected && withoutEmptyArgs(expected);
  if (
    !isDeepStrictEqual(replacedAt(before, path, null), replacedAt(after, path, null)) ||
    !newEntry ||
    !isDeepStrictEqual(newEntry, same)
  ) {
    throw unsafeEdit();
  }
}

function withWords(entry: Readonly<Record<string, unknown>>, command: string, words: readonly string[]): Record<string, unknown> {
  return Array.isArray(entry[command]) ? { ...entry, [command]: [...words] } : { ...entry, [command]: words[0], args: words.slice(1) };
}

function withoutEmptyArgs({ args, ...rest }: Record<string, unknown>): Record<string, unknown> {
  return Array.isArray(args) && args.length > 0 ? { args, ...rest } : rest;
}

function valueAt(value: unknown, path: readonly string[]): unknown {
  return path.reduce<unknown>((inner, name) => (isRecord(inner) ? inner[name] : undefined), value);
}

function replacedAt(value: unknown, path: readonly string[], replacement: unknown): unknown {
  const [name, ...rest] = path;
  return name === undefined ? replacement : isRecord(value) ? { ...value, [name]: replacedAt(value[name], rest, replacement) } : value;
}
