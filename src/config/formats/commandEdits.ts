import { isDeepStrictEqual } from 'node:util';
import { isRecord } from '../../base/json.ts';

/** Which entry of a file is meant. */
export interface EntryPlace {
  readonly name: string;
  /** For entries that stand below their project's path in the file (Claude Code's local scope). */
  readonly folder?: string;
}

/**
 * Changes of one entry's command in the text of a file; everything else stays as it is, to the byte. An entry's *words* are its command and its arguments
 * in one list, however the client splits them. Each change is checked by reading the result again.
 */
export interface CommandEdits {
  /** The words as they stand in the file. @throws EditRefused when there is no such entry, or it is none that starts a program */
  words(text: string, place: EntryPlace): EntryWords;
  /** Puts words in front: the first becomes the command, the command so far an argument. @throws EditRefused */
  prepend(text: string, place: EntryPlace, words: readonly string[]): string;
  /**
   * Takes words off the front, the reverse of `prepend`.
   * @param emptyArgs whether an empty list of arguments stays when nothing is left in it; else it goes where `prepend` would have made it
   * @throws EditRefused
   */
  strip(text: string, place: EntryPlace, count: number, emptyArgs: boolean): string;
}

export interface EntryWords {
  readonly words: readonly string[];
  /** Whether the entry has a list of arguments, be it empty. */
  readonly hasArgs: boolean;
  /** The entry as the file has it, for what else it says. */
  readonly entry: Readonly<Record<string, unknown>>;
}

/** An edit that cannot be made safely; the message is for a person and holds no values of the file. */
export class EditRefused extends Error {
  override readonly name = 'EditRefused';
}

/** What cannot be read again as it should. */
export function unsafeEdit(): EditRefused {
  return new EditRefused('The entry is written in a way that cannot be changed safely. Nothing was changed; change it by hand.');
}

/** Nothing would be left to start. */
export function nothingBehind(): EditRefused {
  return new EditRefused('The entry has no command behind the guard. Nothing was changed.');
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

/** A list in the text, from its opening bracket to behind its closing one, and what stands in it. */
export interface ListSpan {
  readonly start: number;
  readonly end: number;
  readonly items: readonly { readonly start: number; readonly end: number }[];
}

/** Puts items in front of a list, one a line where the first one has a line of its own. @param literals as they are to be written */
export function prependItems(text: string, list: ListSpan, literals: readonly string[]): Splice {
  const first = list.items[0];
  if (!first) {
    return { start: list.start + 1, end: list.start + 1, text: literals.join(', ') };
  }
  const indent = ownLine(text, first.start);
  const separator = indent === undefined || indent.at < list.start ? ' ' : lineEnd(text) + indent.text;
  return { start: first.start, end: first.start, text: literals.map((literal) => `${literal},${separator}`).join('') };
}

/** Takes the first items off a list, with what stands between them. */
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

/** The white space before a place that is the first thing on its line; undefined when something else stands before it. */
export function ownLine(text: string, offset: number): { readonly at: number; readonly text: string } | undefined {
  const at = text.lastIndexOf('\n', offset - 1) + 1;
  const before = text.slice(at, offset);
  return at > 0 && /^[ \t]*$/.test(before) ? { at, text: before } : undefined;
}

/** How the file ends its lines. */
export function lineEnd(text: string): string {
  return text.includes('\r\n') ? '\r\n' : '\n';
}

/**
 * Makes sure that an edit changed what it should and nothing else.
 * @param before,after everything that the file says, as plain values; `path` leads to the entry
 * @param command the name that the entry has for its command
 * @throws EditRefused
 */
export function checkEdit(before: unknown, after: unknown, path: readonly string[], command: string, words: readonly string[]): void {
  const oldEntry = valueAt(before, path);
  const found = valueAt(after, path);
  // Parsers differ in the prototypes that they give.
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
