import { parse } from 'smol-toml';
import { isRecord } from '../../base/json.ts';
import {
  type CommandEdits,
  checkEdit,
  EditRefused,
  type EntryPlace,
  type EntryWords,
  lineEnd,
  nothingBehind,
  ownLine,
  prependItems,
  removeItems,
  type Splice,
  spliced,
  unsafeEdit,
} from './commandEdits.ts';
import { scanToml, type TomlPair } from './scanToml.ts';
import { texts } from './serverFile.ts';

const maxDepth = 200;

interface Located {
  readonly root: unknown;
  readonly path: readonly string[];
  readonly entry: Readonly<Record<string, unknown>>;
  readonly command: TomlPair;
  readonly args: TomlPair | undefined;
  readonly words: readonly string[];
}

/** Edits commands below one table of a TOML file, in any of TOML's notations; the rest of the text is unchanged. */
export function tomlCommandEdits(table: string): CommandEdits {
  return {
    words(text, place): EntryWords {
      const { words, args, entry } = locate(text, place, table);
      return { words, hasArgs: args !== undefined, entry };
    },
    prepend(text, place, words) {
      const found = locate(text, place, table);
      return checked(spliced(text, prepended(text, found, words)), found, [...words, ...found.words]);
    },
    strip(text, place, count, emptyArgs) {
      const found = locate(text, place, table);
      return checked(spliced(text, stripped(text, found, count, emptyArgs)), found, found.words.slice(count));
    },
  };
}

function locate(text: string, place: EntryPlace, table: string): Located {
  const path = [table, place.name];
  let root: unknown;
  let pairs: readonly TomlPair[];
  try {
    root = parse(text, { maxDepth });
    pairs = scanToml(text).pairs;
  } catch {
    throw new EditRefused('The file has a mistake; it is not changed until that is fixed.');
  }
  const servers = isRecord(root) ? root[table] : undefined;
  const entry = isRecord(servers) && Object.hasOwn(servers, place.name) ? servers[place.name] : undefined;
  if (!isRecord(entry)) {
    throw new EditRefused(`The file no longer has a server “${place.name}”.`);
  }
  const pair = (key: string): TomlPair | undefined =>
    pairs.find((item) => item.path.length === 3 && item.path[0] === table && item.path[1] === place.name && item.path[2] === key);
  const command = pair('command');
  const args = pair('args');
  if (command?.value.kind !== 'text' || typeof entry.command !== 'string') {
    throw new EditRefused(`The server “${place.name}” has no command that could be started through the guard.`);
  }
  if (args !== undefined && (args.value.kind !== 'list' || texts(entry.args).length !== args.value.items.length)) {
    throw new EditRefused(`The server “${place.name}” has “args” that are not a list of strings.`);
  }
  return { root, path, entry, command, args, words: [entry.command, ...texts(entry.args)] };
}

function prepended(text: string, { command, args }: Located, words: readonly string[]): Splice[] {
  const [first = '', ...rest] = words.map(literal);
  const { start, end } = command.value;
  const moved = [...rest, text.slice(start, end)];
  if (args) {
    return [{ start, end, text: first }, prependItems(text, args.value, moved)];
  }
  const key = `${text.slice(command.keyStart, command.lastPartStart)}args`;
  const indent = ownLine(text, command.keyStart)?.text ?? '';
  const separator = command.inline ? ', ' : lineEnd(text) + indent;
  return [{ start, end, text: `${first}${separator}${key} = [${moved.join(', ')}]` }];
}

function stripped(text: string, { command, args }: Located, count: number, emptyArgs: boolean): Splice[] {
  const item = args?.value.items[count - 1];
  if (!args || !item || count < 1) {
    throw nothingBehind();
  }
  const { start, end } = command.value;
  const moved = text.slice(item.start, item.end);
  const adjacent = /^[\s,]*$/.test(text.slice(end, args.keyStart));
  if (!emptyArgs && args.keyStart > end && adjacent && args.value.items.length === count) {
    return [{ start, end: args.value.end, text: moved }];
  }
  return [{ start, end, text: moved }, removeItems(text, args.value, count)];
}

function checked(after: string, { root, path }: Located, words: readonly string[]): string {
  let result: unknown;
  try {
    result = parse(after, { maxDepth });
  } catch {
    throw unsafeEdit();
  }
  checkEdit(root, result, path, 'command', words);
  return after;
}

/** A basic string of TOML. Its escapes are those of JSON, and DEL must be escaped too. */
function literal(word: string): string {
  return JSON.stringify(word).replaceAll('\x7f', '\\u007F');
}
