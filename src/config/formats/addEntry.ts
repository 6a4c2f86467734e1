import { isDeepStrictEqual } from 'node:util';
import type { Node } from 'jsonc-parser';
import { parse as parseToml, stringify as writeToml } from 'smol-toml';
import { isRecord } from '../../base/json.ts';
import { t } from '../../base/language/translate.ts';
import type { FormatId } from '../../clients/clientDescription.ts';
import { EditRefused, lineEnd, ownLine, type Splice, spliced, unsafeEdit } from './commandEdits.ts';
import { type EntryForm, type LocalEntry, withEntry } from './entryForms.ts';
import { formatOf } from './formats.ts';
import { nodeAt, parseJsonc, plainValue } from './jsonc.ts';

/**
 * Adds an entry to the text of a file, in the form of its client; all other bytes are unchanged. The result is parsed and compared.
 * @throws EditRefused when the file has a mistake, an entry of that name, or a notation that cannot be changed safely
 */
export async function addEntry(format: FormatId, form: EntryForm, text: string, entry: LocalEntry): Promise<string> {
  if (entry.name === '__proto__' || entry.name === '<<') {
    throw unsafeEdit();
  }
  const { add } = await formatOf(format);
  if (add) {
    return add(form, text, entry);
  }
  return format === 'codex-config' ? addToml(form, text, entry) : addJson(form, text, entry);
}

function addJson(form: EntryForm, text: string, entry: LocalEntry): string {
  const given = text.trim() === '' ? `{}${lineEnd(text)}` : text;
  const file = parseJsonc(given);
  if (file.problem !== undefined) {
    throw new EditRefused(t('The file has a mistake in line {0}; it is not changed until that is fixed.', file.problem.line));
  }
  const path = form.paths.find((one) => nodeAt(file.root, one)) ?? form.paths[0] ?? [];
  const expected = withEntry(plainValue(file.root), path, form, entry);
  // The deepest object on the way that the file has.
  let depth = path.length;
  let parent = nodeAt(file.root, path);
  while (depth > 0 && !parent) {
    depth -= 1;
    parent = nodeAt(file.root, path.slice(0, depth));
  }
  const [key = '', ...rest] = [...path, entry.name].slice(depth);
  const value = rest.reduceRight<unknown>((inner, name) => ({ [name]: inner }), form.value(entry));
  if (parent?.type !== 'object') {
    throw unsafeEdit();
  }
  const after = spliced(given, property(given, parent, key, value));
  const result = parseJsonc(after);
  if (result.problem !== undefined || !isDeepStrictEqual(plainOf(plainValue(result.root)), plainOf(expected))) {
    throw unsafeEdit();
  }
  return after;
}

/** A property behind the others of an object, laid out as they are. */
function property(text: string, { offset, length, children = [] }: Node, key: string, value: unknown): Splice[] {
  const unit = /^([ \t]+)\S/m.exec(text)?.[1] ?? '  ';
  const last = children.at(-1);
  const own = last ? ownLine(text, last.offset)?.text : `${indentOf(text, offset)}${unit}`;
  if (own === undefined && last) {
    return [
      { start: last.offset + last.length, end: last.offset + last.length, text: `, ${JSON.stringify(key)}: ${JSON.stringify(value)}` },
    ];
  }
  const indent = own ?? unit;
  const line = lineEnd(text) + indent;
  const written = `${line}${JSON.stringify(key)}: ${JSON.stringify(value, undefined, unit).replaceAll('\n', line)}`;
  if (!last) {
    const empty = /^\{\s*\}$/.test(text.slice(offset, offset + length));
    const end = empty ? offset + length - 1 : offset + 1;
    return [{ start: offset + 1, end, text: `${written}${lineEnd(text)}${indentOf(text, offset)}` }];
  }
  const from = last.offset + last.length;
  const rest = /^[ \t]*(,?)[ \t]*(?:\/\/[^\r\n]*|\/\*[^*\r\n]*\*\/[ \t]*)?(?=\r?\n)/.exec(text.slice(from));
  const at = from + (rest?.[0].length ?? 0);
  if (!rest || at === from) {
    return [{ start: from, end: from, text: `,${written}` }];
  }
  return rest[1] === ','
    ? [{ start: at, end: at, text: `${written},` }]
    : [
        { start: from, end: from, text: ',' },
        { start: at, end: at, text: written },
      ];
}

/** The white space at the start of an offset's line. */
function indentOf(text: string, offset: number): string {
  return /^[ \t]*/.exec(text.slice(text.lastIndexOf('\n', offset - 1) + 1))?.[0] ?? '';
}

function addToml(form: EntryForm, text: string, entry: LocalEntry): string {
  const path = form.paths[0] ?? [];
  const table = writeToml(
    path.reduceRight<Record<string, unknown>>((inner, key) => ({ [key]: inner }), { [entry.name]: form.value(entry) }),
  );
  const eol = lineEnd(text);
  const separator = text === '' ? '' : text.endsWith('\n') ? eol : eol + eol;
  const after = `${text}${separator}${table.trim().replaceAll('\n', eol)}${eol}`;
  let before: unknown;
  try {
    before = parseToml(text);
  } catch {
    throw new EditRefused(t('The file has a mistake; it is not changed until that is fixed.'));
  }
  const expected = withEntry(before, path, form, entry);
  try {
    if (isDeepStrictEqual(plainOf(parseToml(after)), plainOf(expected))) {
      return after;
    }
  } catch {
    // Another notation of the table does not allow a header for it.
  }
  throw unsafeEdit();
}

/** Without the prototypes that parsers give to objects. */
function plainOf(value: unknown): unknown {
  return Array.isArray(value)
    ? value.map(plainOf)
    : isRecord(value) && !(value instanceof Date)
      ? Object.fromEntries(Object.entries(value).map(([name, item]) => [name, plainOf(item)]))
      : value;
}
