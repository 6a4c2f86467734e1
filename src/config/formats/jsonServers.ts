import type { Node } from 'jsonc-parser';
import { isRecord } from '../../base/json.ts';
import { t } from '../../base/language/translate.ts';
import { jsonCommandEdits } from './jsonCommandEdits.ts';
import { type JsoncFile, nodeAt, parseJsonc, plainValue, properties, property } from './jsonc.ts';
import { emptyServerFile, type FileProblem, type Format, type ServerEntry, type ServerFile, texts } from './serverFile.ts';

interface JsonFormatOptions {
  /** The paths of property names to maps of servers. All existing maps are read; of a name in several of them the first counts. */
  readonly maps: readonly (readonly string[])[];
  /** Names in a map that are settings or maps and not servers, unless their value has a command or a URL. */
  readonly besides?: readonly string[];
  /** The servers may be a list, whose items have a `name`. */
  readonly list?: true;
  /** The manifest of a plugin: in place of a map it may name a file with servers, or have a list of both. */
  readonly manifest?: true;
  /** The file may be the map itself when none of `maps` exists. */
  readonly bareMap?: true;
  /** The file has other settings too: mistakes in it are reported only when this text occurs. */
  readonly concernsUsWith?: string;
  /** Lists of names: only these servers run; these servers do not run (Gemini CLI, Qwen Code). */
  readonly allowed?: readonly string[];
  readonly excluded?: readonly string[];
  readonly plainUrl?: ServerFile['plainUrl'];
}

/** Reads maps of servers from JSON files, with comments, trailing commas, a BOM and any line ends. */
export function jsonFormat(options: JsonFormatOptions): Format {
  return {
    read: (text) => readMaps(text, options),
    edits: jsonCommandEdits((root, { name }) => entryPath(root, name, options)),
  };
}

function readMaps(text: string, options: JsonFormatOptions): ServerFile {
  const file = parseJsonc(text);
  if (options.concernsUsWith !== undefined && !text.includes(options.concernsUsWith)) {
    return { ...emptyServerFile, problems: problemThroughout(file) };
  }
  const problems: FileProblem[] = file.problem ? [file.problem] : [];
  const entries: ServerEntry[] = [];
  const found = options.maps.flatMap((path) => {
    const node = nodeAt(file.root, path);
    if (options.manifest) {
      return partsOf(node).filter(({ type }) => type === 'object');
    }
    return node === undefined || (options.besides?.includes(path.at(-1) ?? '') && looksLikeServer(node)) ? [] : [node];
  });
  for (const map of found) {
    if (options.list && map.type === 'array') {
      readList(file, map, entries, problems);
      continue;
    }
    readMap(file, map, entries, problems, namesOf(map, entries, options));
  }
  if (found.length === 0 && options.bareMap && file.root) {
    const servers = properties(file.root).filter(({ value }) => looksLikeServer(value));
    readMap(file, file.root, entries, problems, new Set(servers.map(({ name }) => name)));
  } else if (file.root && file.root.type !== 'object' && problems.length === 0) {
    problems.push(notAnObject(file.root));
  }
  const { plainUrl } = options;
  return {
    ...emptyServerFile,
    entries,
    problems,
    switchedOff: switchedOff(file, entries, options),
    secrets: inputSecrets(file),
    ...(plainUrl === undefined ? {} : { plainUrl }),
    ...(options.manifest ? { serverFiles: texts(options.maps.flatMap((path) => partsOf(nodeAt(file.root, path))).map(plainValue)) } : {}),
  };
}

function partsOf(node: Node | undefined): readonly Node[] {
  return node?.type === 'array' ? (node.children ?? []) : node ? [node] : [];
}

/**
 * The problem of a settings file without our keywords. A mistake among other settings is not reported. A file in which nothing is readable, or that has no settings
 * at all, is: it may have held servers, and its client cannot read it either.
 */
export function problemThroughout(file: JsoncFile): readonly FileProblem[] {
  if (file.problem !== undefined) {
    // One readable name, even without its value, shows that the file has other settings.
    return file.root?.type === 'object' && (file.root.children ?? []).length > 0 ? [] : [file.problem];
  }
  return file.root === undefined || file.root.type === 'object' ? [] : [notAnObject(file.root)];
}

function notAnObject(root: Node): FileProblem {
  return { message: t('The file holds {0}, not an object; nothing in it can be used.', article(root)), line: 1 };
}

/** The path of an entry: in the first map that has it as a server. */
function entryPath(root: Node | undefined, name: string, options: JsonFormatOptions): readonly string[] | undefined {
  const maps = options.maps.filter((path) => {
    const node = nodeAt(root, path);
    return node !== undefined && !(options.besides?.includes(path.at(-1) ?? '') && looksLikeServer(node));
  });
  const inMap = (path: readonly string[]): boolean => namesOf(nodeAt(root, path), [], options).has(name);
  const found = maps.find(inMap);
  return found ? [...found, name] : maps.length === 0 && options.bareMap ? [name] : undefined;
}

/** Adds the entries of one map. Of a repeated name the later entry counts, as in all clients. */
export function readMap(file: JsoncFile, map: Node, entries: ServerEntry[], problems: FileProblem[], only?: ReadonlySet<string>): void {
  if (map.type === 'null') {
    return;
  }
  if (map.type !== 'object') {
    if (!file.isBroken(map)) {
      problems.push({
        message: t('The servers are {0} here; an object with a name for each is expected.', article(map)),
        ...file.position(map.offset),
      });
    }
    return;
  }
  const all = properties(map).filter(({ name }) => only?.has(name) ?? true);
  const last = new Map(all.map(({ name }, index) => [name, index]));
  const repeated = new Set<string>();
  for (const [index, { name, offset, value }] of all.entries()) {
    const { line } = file.position(offset);
    if (last.get(name) === index) {
      if (!file.isBroken(value)) {
        entries.push({ name, line, value: plainValue(value) });
      }
    } else if (!repeated.has(name)) {
      repeated.add(name);
      problems.push({ message: t('The server “{0}” is named twice in this file; the later entry counts.', name), line });
    }
  }
}

/** Adds the entries of a list, by the name in each. */
function readList(file: JsoncFile, list: Node, entries: ServerEntry[], problems: FileProblem[]): void {
  for (const item of list.children ?? []) {
    const name = property(item, 'name');
    if (file.isBroken(item)) {
      continue;
    }
    if (name?.type === 'string') {
      entries.push({ name: String(name.value), line: file.position(name.offset).line, value: plainValue(item) });
    } else {
      problems.push({ message: t('A server in this list has no name; it is ignored.'), ...file.position(item.offset) });
    }
  }
}

/** The names in a map that are servers and that no earlier map has. */
function namesOf(map: Node | undefined, before: readonly ServerEntry[], { besides = [] }: JsonFormatOptions): ReadonlySet<string> {
  const known = new Set(before.map(({ name }) => name));
  const all = properties(map).filter(({ name, value }) => !known.has(name) && (!besides.includes(name) || looksLikeServer(value)));
  return new Set(all.map(({ name }) => name));
}

/** Whether it has a command or a URL; a server may be called `command`, and then that is an object. */
function looksLikeServer(node: Node): boolean {
  return ['command', 'url', 'serverUrl', 'httpUrl'].some((name) => (property(node, name)?.type ?? 'object') !== 'object');
}

function article(node: Node): string {
  switch (node.type) {
    case 'array':
      return t('a list');
    case 'string':
      return t('a string');
    case 'number':
      return t('a number');
    case 'boolean':
      return t('a boolean');
    case 'null':
      return t('a null');
    default:
      return `a ${node.type}`;
  }
}

function switchedOff(file: JsoncFile, entries: readonly ServerEntry[], options: JsonFormatOptions): ServerFile['switchedOff'] {
  const excluded = options.excluded ? texts(plainValue(nodeAt(file.root, options.excluded))) : [];
  const allowed = options.allowed ? plainValue(nodeAt(file.root, options.allowed)) : undefined;
  const kept = Array.isArray(allowed) ? new Set<unknown>(allowed) : undefined;
  const others = kept ? entries.map(({ name }) => name).filter((name) => !kept.has(name)) : [];
  const names = [...excluded, ...others];
  return names.length === 0 ? [] : [{ names, dotMcpOnly: false }];
}

/** Defaults of password inputs (VS Code): these may contain the password itself. */
function inputSecrets(file: JsoncFile): string[] {
  const inputs = plainValue(property(file.root, 'inputs'));
  return (Array.isArray(inputs) ? inputs : []).flatMap((input) =>
    isRecord(input) && input.password === true && typeof input.default === 'string' ? [input.default] : [],
  );
}
