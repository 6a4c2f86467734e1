import { parse, TomlError } from 'smol-toml';
import { asRecord, isRecord } from '../../base/json.ts';
import { t } from '../../base/language/translate.ts';
import {
  type CommandEdits,
  checkEdit,
  commandEdits,
  EditRefused,
  type EntryPlace,
  lineEnd,
  nothingBehind,
  ownLine,
  prependItems,
  removeItems,
  type Splice,
  unsafeEdit,
} from './commandEdits.ts';
import { statesIn } from './pluginFiles.ts';
import { scanToml, type TomlPair } from './scanToml.ts';
import { emptyServerFile, type FileProblem, type Format, type ServerEntry, texts } from './serverFile.ts';

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
function tomlCommandEdits(table: string): CommandEdits {
  return commandEdits({
    locate: (text, place) => locate(text, place, table),
    entryWords: ({ words, args, entry }) => ({ words, hasArgs: args !== undefined, entry }),
    prepended,
    stripped,
    commandWord: ({ command: { value } }) => ({ start: value.start, end: value.end }),
    literal,
    checked,
  });
}

function locate(text: string, place: EntryPlace, table: string): Located {
  const path = [table, place.name];
  let root: unknown;
  let pairs: readonly TomlPair[];
  try {
    root = parse(text, { maxDepth });
    pairs = scanToml(text).pairs;
  } catch {
    throw new EditRefused(t('The file has a mistake; it is not changed until that is fixed.'));
  }
  const servers = isRecord(root) ? root[table] : undefined;
  const entry = isRecord(servers) && Object.hasOwn(servers, place.name) ? servers[place.name] : undefined;
  if (!isRecord(entry)) {
    throw new EditRefused(t('The file no longer has a server “{0}”.', place.name));
  }
  const pair = (key: string): TomlPair | undefined =>
    pairs.find((item) => item.path.length === 3 && item.path[0] === table && item.path[1] === place.name && item.path[2] === key);
  const command = pair('command');
  const args = pair('args');
  if (command?.value.kind !== 'text' || typeof entry.command !== 'string') {
    throw new EditRefused(t('The server “{0}” has no command that could be started through the guard.', place.name));
  }
  if (args !== undefined && (args.value.kind !== 'list' || texts(entry.args).length !== args.value.items.length)) {
    throw new EditRefused(t('The server “{0}” has “args” that are not a list of strings.', place.name));
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

const tableName = 'mcp_servers';

function readToml(text: string): { readonly root?: unknown; readonly problem?: FileProblem } {
  try {
    return { root: parse(text, { maxDepth }) };
  } catch (error) {
    return { problem: problemOf(error) };
  }
}

/** `config.toml` of Codex: `[mcp_servers.NAME]`, and `[projects."/its/path"] trust_level`. */
export const codexConfig: Format = {
  read(text) {
    const { root, problem } = readToml(text);
    if (problem) {
      return { ...emptyServerFile, problems: [problem] };
    }
    const servers = isRecord(root) ? root[tableName] : undefined;
    const projects = isRecord(root) ? root.projects : undefined;
    const trust = new Map<string, boolean>();
    for (const [folder, project] of Object.entries(isRecord(projects) ? projects : {})) {
      if (isRecord(project)) {
        trust.set(folder, project.trust_level === 'trusted');
      }
    }
    const lines = entryLines(text);
    const entries: ServerEntry[] = [];
    const problems: FileProblem[] = [];
    if (isRecord(servers)) {
      for (const [name, value] of Object.entries(servers)) {
        entries.push({ name, line: lines.get(name) ?? 1, value });
      }
    } else if (servers !== undefined) {
      problems.push({ message: t('“{0}” is not a table; [{0}.NAME] is expected.', tableName), line: lines.get('') ?? 1 });
    }
    const pluginStates = statesIn(asRecord(root)?.plugins, (plugin) => asRecord(plugin)?.enabled);
    return { ...emptyServerFile, entries, problems, folders: [...trust.keys()], trust, pluginStates };
  },
  edits: tomlCommandEdits(tableName),
};

/** `config.toml` of Mistral Vibe: `[[mcp_servers]]`, each with its `name`. Only read: an edit finds entries by the name of a table. */
export const vibeConfig: Format = {
  read(text) {
    const { root, problem } = readToml(text);
    if (problem) {
      return { ...emptyServerFile, problems: [problem] };
    }
    const list = isRecord(root) ? root[tableName] : undefined;
    if (!Array.isArray(list)) {
      const problems = list === undefined ? [] : [{ message: t('“{0}” is not a list; [[{0}]] is expected.', tableName), line: 1 }];
      return { ...emptyServerFile, problems };
    }
    const names = scanToml(text).pairs.filter(({ path }) => path.length === 3 && path[0] === tableName && path[2] === 'name');
    const lineAt = lineCounter(text);
    const entries: ServerEntry[] = [];
    const problems: FileProblem[] = [];
    for (const [index, value] of list.entries()) {
      const line = names.length === list.length ? lineAt(names[index]?.keyStart ?? 0) : 1;
      if (isRecord(value) && typeof value.name === 'string') {
        entries.push({ name: value.name, line, value });
      } else {
        problems.push({ message: t('A server in this list has no name; it is ignored.'), line });
      }
    }
    return { ...emptyServerFile, entries, problems };
  },
};

/** The line (1-based) on which each server is first named, and under the empty name the first line of the table itself. */
function entryLines(text: string): ReadonlyMap<string, number> {
  const { pairs, headers } = scanToml(text);
  const places = [...headers, ...pairs.map(({ path, keyStart }) => ({ path, start: keyStart }))].sort((a, b) => a.start - b.start);
  const lines = new Map<string, number>();
  const lineAt = lineCounter(text);
  for (const { path, start } of places) {
    const line = lineAt(start);
    const name = path[0] === tableName ? (path[1] ?? '') : undefined;
    if (name !== undefined && !lines.has(name)) {
      lines.set(name, line);
    }
  }
  return lines;
}

/** @returns the line (1-based) of an offset; each offset must be at least the one before */
function lineCounter(text: string): (offset: number) => number {
  let line = 1;
  let counted = 0;
  return (offset) => {
    for (let end = text.indexOf('\n', counted); end >= 0 && end < offset; end = text.indexOf('\n', counted)) {
      line += 1;
      counted = end + 1;
    }
    return line;
  };
}

function problemOf(error: unknown): FileProblem {
  if (!(error instanceof TomlError)) {
    return { message: t('The file is not valid TOML; nothing in it can be used.'), line: 1 };
  }
  // Only the first line: the others quote the file, which may contain secrets.
  const reason = (error.message.split('\n')[0] ?? '').replace(/^Invalid TOML document: /, '').replace(/["'`].*["'`]/g, '…');
  return {
    message: t('This is not valid TOML: {0}. Fix the file; nothing in it can be used until then.', reason),
    line: error.line,
    column: error.column,
  };
}
