import { dirname } from 'node:path';
import type { RawDefinition } from '../../model/definition.ts';
import { isWindowsPath } from '../../process/commandline/commandName.ts';

/** The known values of a definition's variables. */
export interface VariableValues {
  readonly home?: string;
  /** The workspace folder that the definition belongs to. */
  readonly folder?: string;
  /** The folder that has one folder for each version of the plugin that the definition belongs to. */
  readonly versions?: string;
  /** The folder of the extension of Claude Desktop that the definition belongs to. */
  readonly extension?: string;
  readonly windows: boolean;
}

/** A configured word; what its client fills in matches anything. */
export interface WordPattern {
  /** The word with known variables filled in; unknown ones as written. */
  readonly text: string;
  /** The literal pieces between unknown variables; undefined when there are none. */
  readonly pieces?: readonly string[];
}

/** `${x}`, `${{ x }}`, `$X`, `{env:X}`, `{file:x}`, `%X%`. No braces inside: many that open and none that closes would take quadratic time. */
const variable = /\$\{\{[^{}]*\}\}|\$\{[^{}]*\}|\{(?:env|file):[^{}]*\}|%\w+%|\$[A-Za-z_]\w*/g;

/** Whether a text contains a variable that its client fills in. */
export function hasVariable(text: string): boolean {
  return text.search(variable) >= 0;
}

/** Fills in the known variables of a configured word; the others become wildcards. */
export function wordPattern(word: string, values: VariableValues): WordPattern {
  if (!/[$%{~]/.test(word)) {
    return { text: word };
  }
  const filled = word.replace(variable, (name) => variableValue(name, values) ?? name);
  const text = values.home !== undefined && /^~(?=$|[\\/])/.test(filled) ? values.home + filled.slice(1) : filled;
  if (!hasVariable(text) && !/^~(?=$|[\\/])/.test(text)) {
    return { text };
  }
  return { text, pieces: text.replace(/^~(?=$|[\\/])/, '$HOME').split(variable) };
}

/** The value of a variable, in any client's notation. */
function variableValue(written: string, values: VariableValues): string | undefined {
  switch (written.replace(/^[$%{]+|[}%]+$/g, '')) {
    case 'workspaceFolder':
    case 'workspaceRoot':
      return values.folder;
    case 'workspaceFolderBasename':
      return values.folder?.split(/[\\/]/).at(-1);
    case 'userHome':
    case 'HOME':
    case 'env:HOME':
    case 'USERPROFILE':
      return values.home;
    case 'CLAUDE_PLUGIN_ROOT':
      // The server may run from the folder of another version.
      return values.versions === undefined ? undefined : `${values.versions}/\${version}`;
    case '__dirname':
      return values.extension;
    case 'pathSeparator':
    case '/':
      return values.windows ? '\\' : '/';
    default:
      return undefined;
  }
}

/** Whether a text names the folder of its plugin, which has the version in its path: another version has another one. */
export function namesPluginFolder(text: string): boolean {
  return text.includes('CLAUDE_PLUGIN_ROOT');
}

/** See `VariableValues.extension`. */
export function extensionFolder({ format, file }: Pick<RawDefinition, 'format' | 'file'>): string | undefined {
  return format === 'mcpb-manifest' ? dirname(file) : undefined;
}

/** See `VariableValues.versions`. */
export function pluginVersions({ plugin }: Pick<RawDefinition, 'plugin'>): string | undefined {
  return plugin === undefined ? undefined : dirname(plugin);
}

/** Whether a client can have made the observed word from a configured one. */
export function fitsWord(pattern: WordPattern, word: string, windows: boolean): boolean {
  return fitsPieces(pattern.pieces ?? [pattern.text], word, windows);
}

/** Whether a word has these pieces in order, with anything between them. No regular expression: no configuration can make this slow. */
function fitsPieces(pieces: readonly string[], word: string, windows: boolean): boolean {
  const fold = (text: string): string => (windows ? text.toLowerCase() : text);
  const text = fold(word);
  const first = fold(pieces[0] ?? '');
  if (pieces.length < 2) {
    return text === first;
  }
  const last = fold(pieces.at(-1) ?? '');
  if (!text.startsWith(first) || !text.endsWith(last)) {
    return false;
  }
  let from = first.length;
  for (const piece of pieces.slice(1, -1).map(fold)) {
    const at = text.indexOf(piece, from);
    if (at < 0) {
      return false;
    }
    from = at + piece.length;
  }
  return from <= text.length - last.length;
}

/**
 * Compares all words.
 * @param exact false: the system gave one string, so only the joined text can be compared
 * @returns how many words matched only by a wildcard; undefined when they differ
 */
export function fitWords(patterns: readonly WordPattern[], words: readonly string[], exact: boolean, windows: boolean): number | undefined {
  const wild = patterns.filter((pattern) => pattern.pieces).length;
  if (exact) {
    return patterns.length === words.length && patterns.every((pattern, index) => fitsWord(pattern, words[index] ?? '', windows))
      ? wild
      : undefined;
  }
  const pieces = [''];
  for (const [index, pattern] of patterns.entries()) {
    const own = pattern.pieces ?? [pattern.text];
    pieces[pieces.length - 1] += `${index === 0 ? '' : ' '}${own[0] ?? ''}`;
    pieces.push(...own.slice(1));
  }
  return fitsPieces(pieces.map(joinable), joinedWords(words), windows) ? wild : undefined;
}

function joinable(text: string): string {
  return text.replace(/\s+/g, ' ');
}

/** Words as one text, with single blanks. */
export function joinedWords(words: readonly string[]): string {
  return joinable(words.join(' ')).trim();
}

/** Resolves `.`, `..` and doubled separators in the text only. Windows paths get forward slashes and lower case. */
export function plainPath(path: string): string {
  const windows = isWindowsPath(path);
  const text = windows ? path.replaceAll('\\', '/').toLowerCase() : path;
  const parts: string[] = [];
  for (const part of text.split('/')) {
    if (part === '..' && parts.length > 0 && parts.at(-1) !== '..') {
      parts.pop();
    } else if (part !== '.' && part !== '') {
      parts.push(part);
    }
  }
  return (text.startsWith('/') ? '/' : '') + parts.join('/');
}

/** Whether a path is absolute by the rules of POSIX or of Windows, on any system. */
export function isAbsolutePath(path: string): boolean {
  return path.startsWith('/') || /^[a-z]:[\\/]|^\\\\/i.test(path);
}

/** A path made absolute from a directory. */
export function pathFrom(directory: string, path: string): string {
  return plainPath(isAbsolutePath(path) ? path : `${directory}/${path}`);
}

/** Whether a path is a folder or in it. Text only. */
export function isInside(path: string, folder: string): boolean {
  const inner = plainPath(path);
  const outer = plainPath(folder);
  return inner === outer || outer === '/' || inner.startsWith(`${outer}/`);
}
