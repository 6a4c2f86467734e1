import yaml from 'yaml';
import { isRecord } from '../../base/json.ts';
import { t } from '../../base/language/translate.ts';
import { yamlTree } from '../../base/yaml.ts';
import {
  type CommandEdits,
  checkEdit,
  commandEdits,
  EditRefused,
  type EntryPlace,
  type ListSpan,
  lineEnd,
  nothingBehind,
  prependItems,
  removeItems,
  type Splice,
  unsafeEdit,
} from './commandEdits.ts';
import { texts } from './serverFile.ts';

interface Located {
  /** The whole file, with a list of servers as a map of its indexes. */
  readonly root: unknown;
  readonly path: readonly string[];
  readonly commandName: string;
  readonly command: Place;
  readonly args: (Place & { readonly list: yaml.YAMLSeq }) | undefined;
  /** The entry is between braces. */
  readonly inline: boolean;
  readonly words: readonly string[];
  readonly entry: Readonly<Record<string, unknown>>;
}

/** Offsets of a key, and of its value without the comment behind it. */
interface Place {
  readonly key: number;
  readonly keyEnd: number;
  readonly start: number;
  readonly end: number;
}

/**
 * Edits commands of YAML files: in a map of servers, or in a list whose items have a `name`. All other bytes are unchanged, comments included. An entry with an anchor, an
 * alias, a tag or a merge key on the way to its command is refused: other parts of the file may depend on it.
 *
 * @param key the key of the servers, at the top of the file
 */
export function yamlCommandEdits(key: string): CommandEdits {
  return commandEdits({
    locate: (text, place) => locate(text, place, key),
    entryWords: ({ words, args, entry }) => ({ words, hasArgs: args !== undefined, entry }),
    prepended: (text, found, words) => prepended(text, found, words.map(literal)),
    stripped,
    commandWord: ({ command: { start, end } }) => ({ start, end }),
    literal,
    checked: (after, found, words) => checked(after, found, key, words),
  });
}

function locate(text: string, { name }: EntryPlace, key: string): Located {
  const tree = yamlTree(text);
  if (!tree) {
    throw new EditRefused(t('The file has a mistake; it is not changed until that is fixed.'));
  }
  const root = plain(tree.document.contents);
  const servers = yaml.isMap(root) ? plain(pairOf(root, key)?.value) : undefined;
  const found = yaml.isMap(servers) ? inMap(servers, name) : yaml.isSeq(servers) ? inList(servers, name) : undefined;
  if (!found || !yaml.isMap(found.entry)) {
    throw new EditRefused(t('The file no longer has a server “{0}”.', name));
  }
  const { entry, at } = found;
  const path = [key, at];
  const all = byIndex(tree.value, key);
  const value = path.reduce<unknown>((inner, step) => (isRecord(inner) ? inner[step] : undefined), all);
  const commandName = ['command', 'cmd'].find((one) => pairOf(entry, one) !== undefined) ?? '';
  const command = pairOf(entry, commandName);
  const args = pairOf(entry, 'args');
  const list = args && plain(args.value);
  const own = isRecord(value) ? value[commandName] : undefined;
  if (!isRecord(value) || !command || typeof own !== 'string' || own === '') {
    throw new EditRefused(t('The server “{0}” has no command that could be started through the guard.', name));
  }
  if (args && !(yaml.isSeq(list) && texts(value.args).length === list.items.length)) {
    throw new EditRefused(t('The server “{0}” has “args” that are not a list of strings.', name));
  }
  return {
    root: all,
    path,
    commandName,
    command: placeOf(text, command, plain(command.value)),
    args: args && yaml.isSeq(list) ? { ...placeOf(text, args, list), list } : undefined,
    inline: entry.flow === true,
    words: [own, ...texts(value.args)],
    entry: value,
  };
}

function inMap(servers: yaml.YAMLMap, name: string): { readonly entry: unknown; readonly at: string } | undefined {
  const pair = pairOf(servers, name);
  return pair && { entry: plain(pair.value), at: name };
}

function inList(servers: yaml.YAMLSeq, name: string): { readonly entry: unknown; readonly at: string } | undefined {
  const items = servers.items.flatMap((item, index) => {
    const entry = plain(item);
    const own = yaml.isMap(entry) ? pairOf(entry, 'name')?.value : undefined;
    return yaml.isScalar(own) && own.value === name ? [{ entry, at: String(index) }] : [];
  });
  if (items.length > 1) {
    throw new EditRefused(t('The file has {0} servers “{1}”; it is not changed until each has a name of its own.', items.length, name));
  }
  return items[0];
}

/** A part on the way to the command. @throws EditRefused where other parts of the file may depend on it, or it on them */
function plain(node: unknown): yaml.Node | undefined {
  const marked =
    yaml.isAlias(node) ||
    (yaml.isNode(node) && 'anchor' in node && node.anchor !== undefined) ||
    (yaml.isNode(node) && node.tag !== undefined && !isPlainTag(node.tag));
  // The library has a symbol for a merge key.
  if (marked || (yaml.isMap(node) && node.items.some(({ key }) => yaml.isScalar(key) && typeof key.value === 'symbol'))) {
    throw new EditRefused(
      t(
        'The entry uses an anchor, an alias, a tag or a merge key (“&”, “*”, “!”, “<<”): other parts of the file may depend on it. Nothing was changed; change it by hand.',
      ),
    );
  }
  return yaml.isNode(node) ? node : undefined;
}

/** The library gives tags to maps and lists that have none in the file. */
function isPlainTag(tag: string): boolean {
  return tag.startsWith('tag:yaml.org,2002:');
}

/** Of a repeated key the last one counts, as for the reader. */
function pairOf(map: yaml.YAMLMap, name: string): yaml.Pair | undefined {
  return map.items.findLast(({ key }) => yaml.isScalar(key) && key.value === name);
}

function placeOf(text: string, { key }: yaml.Pair, value: yaml.Node | undefined): Place {
  const [from, keyEnd] = (yaml.isNode(key) && key.range) || [];
  const [start, end] = value?.range ?? [];
  if (
    from === undefined ||
    keyEnd === undefined ||
    start === undefined ||
    end === undefined ||
    (yaml.isScalar(value) && text.slice(start, end).includes('\n'))
  ) {
    throw unsafeEdit();
  }
  return { key: from, keyEnd, start, end: yaml.isSeq(value) ? listEnd(text, value) : end };
}

/** Where the last item of a list ends: its node ends behind the line breaks and comments below it. */
function listEnd(text: string, list: yaml.YAMLSeq): number {
  return list.flow ? (list.range?.[1] ?? 0) : (itemsOf(text, list).at(-1)?.end ?? 0);
}

/** The items as written. @throws EditRefused for items over several lines, and with marks */
function itemsOf(text: string, list: yaml.YAMLSeq): ListSpan['items'] {
  return list.items.map((item) => {
    const [start, end] = plain(item)?.range ?? [];
    if (start === undefined || end === undefined || text.slice(start, end).includes('\n')) {
      throw unsafeEdit();
    }
    return { start, end };
  });
}

function prepended(text: string, { command, args, inline }: Located, words: readonly string[]): Splice[] {
  const [first = '', ...rest] = words;
  const { start, end } = command;
  const replaced = { start, end, text: first };
  const moved = [...rest, text.slice(start, end)];
  if (args?.list.flow) {
    return [replaced, prependItems(text, { ...args, items: itemsOf(text, args.list) }, moved)];
  }
  if (args) {
    const dash = args.start;
    const separator = lineEnd(text) + indentAt(text, dash);
    return [replaced, { start: dash, end: dash, text: moved.map((item) => `- ${item}${separator}`).join('') }];
  }
  if (inline) {
    const key = text[command.key] === '"' ? '"args"' : 'args';
    return [{ ...replaced, text: `${first}, ${key}: [${moved.join(', ')}]` }];
  }
  const at = lineStop(text, end);
  const line = lineEnd(text) + indentAt(text, command.key);
  return [replaced, { start: at, end: at, text: `${line}args:${moved.map((item) => `${line}  - ${item}`).join('')}` }];
}

function stripped(text: string, { command, args, inline }: Located, count: number, emptyArgs: boolean): Splice[] {
  const items = args ? itemsOf(text, args.list) : [];
  const item = items[count - 1];
  if (!args || !item) {
    throw nothingBehind();
  }
  const replaced = { start: command.start, end: command.end, text: text.slice(item.start, item.end) };
  const kept = items[count];
  if (!kept && !emptyArgs) {
    // As `prepend` wrote it: the list right behind the command.
    const from = inline ? command.end : lineStop(text, command.end);
    if (args.key > from && /^\s*,?\s*$/.test(text.slice(from, args.key)) && !hasComment(text, args, items)) {
      return [replaced, { start: from, end: args.end, text: '' }];
    }
  }
  if (args.list.flow) {
    return [replaced, removeItems(text, { ...args, items }, count)];
  }
  if (kept) {
    return [replaced, { start: args.start, end: text.lastIndexOf('-', kept.start - 1), text: '' }];
  }
  // No list without brackets is empty.
  if (hasComment(text, args, items)) {
    throw unsafeEdit();
  }
  return [replaced, { start: text.indexOf(':', args.keyEnd) + 1, end: args.end, text: ' []' }];
}

/** Whether there is more than white space and punctuation between the key of a list, its items and its end. */
function hasComment(text: string, { keyEnd, end }: Place, items: ListSpan['items']): boolean {
  const gaps = [...items, { start: end, end }].map((item, index) => text.slice(items[index - 1]?.end ?? keyEnd, item.start));
  return gaps.some((gap) => !/^[\s:,[\]-]*$/.test(gap));
}

/** The white space below an offset: a dash or a key before it on its line counts as a space for each character. */
function indentAt(text: string, offset: number): string {
  return text.slice(text.lastIndexOf('\n', offset - 1) + 1, offset).replace(/\S/g, ' ');
}

/** The end of a line, before its line break. */
function lineStop(text: string, offset: number): number {
  const at = text.indexOf('\n', offset);
  return at < 0 ? text.length : text[at - 1] === '\r' ? at - 1 : at;
}

function checked(after: string, { root, path, commandName }: Located, key: string, words: readonly string[]): string {
  const tree = yamlTree(after);
  if (!tree) {
    throw unsafeEdit();
  }
  checkEdit(root, byIndex(tree.value, key), path, commandName, words);
  return after;
}

function byIndex(root: unknown, key: string): unknown {
  const servers = isRecord(root) ? root[key] : undefined;
  return isRecord(root) && Array.isArray(servers) ? { ...root, [key]: { ...servers } } : root;
}

/** A string in double quotes. Its escapes are those of JSON; parsers of YAML 1.1 take some more characters for line breaks. */
function literal(word: string): string {
  return JSON.stringify(word).replace(/[\x7f-\x9f\u2028\u2029\ufeff]/g, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`);
}
