import type { Node } from 'jsonc-parser';
import { isRecord } from '../../base/json.ts';
import { t } from '../../base/language/translate.ts';
import {
  type CommandEdits,
  checkEdit,
  commandEdits,
  EditRefused,
  type EntryPlace,
  type ListSpan,
  lineEnd,
  nothingBehind,
  ownLine,
  prependItems,
  removeItems,
  type Splice,
  unsafeEdit,
} from './commandEdits.ts';
import { type JsoncFile, nodeAt, parseJsonc, plainValue, properties, property } from './jsonc.ts';
import { texts } from './serverFile.ts';

/** The path of property names to an entry; undefined when there is none. */
type EntryPath = (root: Node | undefined, place: EntryPlace) => readonly string[] | undefined;

interface Located {
  readonly file: JsoncFile;
  /** To the object that has the command. */
  readonly path: readonly string[];
  readonly entry: Node;
  /** The object that has the command: the entry, or what Zed once had in `command`. */
  readonly launch: Node;
  readonly commandName: string;
  readonly command: Node;
  readonly args: Node | undefined;
  readonly words: readonly string[];
}

/** Edits commands in JSON files; comments, trailing commas, indentation and line ends are unchanged. */
export function jsonCommandEdits(pathOf: EntryPath): CommandEdits {
  return commandEdits({
    locate: (text, place) => locate(text, place, pathOf),
    entryWords({ words, args, entry, command }) {
      const value = plainValue(entry);
      return { words, hasArgs: args !== undefined || command.type === 'array', entry: isRecord(value) ? value : {} };
    },
    prepended,
    stripped,
    commandWord({ command }) {
      const word = command.type === 'array' ? (command.children?.[0] ?? command) : command;
      return { start: word.offset, end: endOf(word) };
    },
    literal: (word) => JSON.stringify(word),
    checked,
  });
}

function locate(text: string, place: EntryPlace, pathOf: EntryPath): Located {
  const file = parseJsonc(text);
  const path = pathOf(file.root, place);
  const entry = path && nodeAt(file.root, path);
  if (!path || !entry) {
    throw new EditRefused(t('The file no longer has a server “{0}”.', place.name));
  }
  if (file.problem !== undefined) {
    throw new EditRefused(t('The file has a mistake in line {0}; it is not changed until that is fixed.', file.problem.line));
  }
  const written = ['command', 'cmd'].find((name) => (property(entry, name)?.type ?? 'null') !== 'null') ?? '';
  const nested = property(entry, written)?.type === 'object' ? property(entry, written) : undefined;
  const launch = nested ?? entry;
  const commandName = nested ? 'path' : written;
  const command = property(launch, commandName);
  const args = property(launch, 'args');
  const own = command?.type === 'array' ? plainValue(command) : command?.type === 'string' ? [command.value] : [];
  const words = [...texts(own), ...texts(plainValue(args))];
  if (!command || words.length === 0 || texts(own).length !== (command.type === 'array' ? (command.children?.length ?? 0) : 1)) {
    throw new EditRefused(t('The server “{0}” has no command that could be started through the guard.', place.name));
  }
  if (args !== undefined && (args.type !== 'array' || texts(plainValue(args)).length !== (args.children?.length ?? 0))) {
    throw new EditRefused(t('The server “{0}” has “args” that are not a list of strings.', place.name));
  }
  return { file, path: nested ? [...path, written] : path, entry, launch, commandName, command, args, words };
}

function prepended(text: string, { launch, command, args }: Located, words: readonly string[]): Splice[] {
  const literals = words.map((word) => JSON.stringify(word));
  if (command.type === 'array') {
    return [prependItems(text, listOf(command), literals)];
  }
  const [first = '', ...rest] = literals;
  const replaced = { start: command.offset, end: endOf(command), text: first };
  const moved = [...rest, text.slice(command.offset, endOf(command))];
  if (args) {
    return [replaced, prependItems(text, listOf(args), moved)];
  }
  const key = properties(launch).find(({ value }) => value === command)?.offset ?? launch.offset;
  const indent = ownLine(text, key);
  const separator = indent === undefined ? ' ' : lineEnd(text) + indent.text;
  return [{ ...replaced, text: `${first},${separator}"args": [${moved.join(', ')}]` }];
}

function stripped(text: string, { command, args, launch }: Located, count: number, emptyArgs: boolean): Splice[] {
  if (command.type === 'array') {
    return [removeItems(text, listOf(command), count)];
  }
  const item = args?.children?.[count - 1];
  if (!args || !item) {
    throw nothingBehind();
  }
  const literal = text.slice(item.offset, endOf(item));
  const replaced = { start: command.offset, end: endOf(command), text: literal };
  const key = properties(launch).find(({ value }) => value === args)?.offset ?? -1;
  const adjacent = /^\s*,\s*$/.test(text.slice(endOf(command), key));
  if (!emptyArgs && adjacent && (args.children?.length ?? 0) === count) {
    return [{ start: command.offset, end: endOf(args), text: literal }];
  }
  return [replaced, removeItems(text, listOf(args), count)];
}

function checked(after: string, { file, path, commandName }: Located, words: readonly string[]): string {
  const result = parseJsonc(after);
  if (result.problem !== undefined) {
    throw unsafeEdit();
  }
  checkEdit(plainValue(file.root), plainValue(result.root), path, commandName, words);
  return after;
}

function listOf(node: Node): ListSpan {
  const items = (node.children ?? []).map((child) => ({ start: child.offset, end: endOf(child) }));
  return { start: node.offset, end: endOf(node), items };
}

function endOf(node: Node): number {
  return node.offset + node.length;
}
