import { isDeepStrictEqual } from 'node:util';
import yaml from 'yaml';
import { t } from '../../base/language/translate.ts';
import { yamlTree } from '../../base/yaml.ts';
import { EditRefused, lineEnd, ownLine, type Splice, spliced, unsafeEdit } from './commandEdits.ts';
import { type EntryForm, type LocalEntry, withEntry } from './entryForms.ts';

/** Adds an entry to a YAML file: as the first of its servers, or with their key at the end of the file. @throws EditRefused */
export function addYamlEntry(form: EntryForm, text: string, entry: LocalEntry): string {
  const before = text.trim() === '' ? undefined : yamlTree(text);
  if (text.trim() !== '' && !before) {
    throw new EditRefused(t('The file has a mistake; it is not changed until that is fixed.'));
  }
  const [key = ''] = form.paths[0] ?? [];
  const expected = withEntry(before?.value ?? {}, [key], form, entry);
  const after = spliced(text, [splice(text, before?.document.contents, key, form, entry)]);
  const result = yamlTree(after);
  if (!result || !isDeepStrictEqual(result.value, expected)) {
    throw unsafeEdit();
  }
  return after;
}

function splice(text: string, root: unknown, key: string, { list, value }: EntryForm, entry: LocalEntry): Splice {
  const own = list ? [value(entry)] : { [entry.name]: value(entry) };
  const pair = yaml.isMap(root) ? root.items.find((item) => yaml.isScalar(item.key) && item.key.value === key) : undefined;
  const servers = pair?.value;
  const eol = lineEnd(text);
  if (yaml.isCollection(servers) && servers.items.length > 0) {
    const [first] = servers.items;
    const start = yaml.isSeq(servers)
      ? servers.range?.[0]
      : yaml.isPair(first) && yaml.isNode(first.key)
        ? first.key.range?.[0]
        : undefined;
    const indent = start === undefined ? undefined : ownLine(text, start)?.text;
    if (start === undefined || servers.anchor !== undefined || (indent === undefined && servers.flow !== true)) {
      throw unsafeEdit();
    }
    if (servers.flow) {
      const at = (servers.range?.[0] ?? 0) + 1;
      return { start: at, end: at, text: `${JSON.stringify(own).slice(1, -1)}, ` };
    }
    return { start, end: start, text: written(own).replaceAll('\n', `${eol}${indent}`) };
  }
  if (servers !== undefined && servers !== null && !(yaml.isScalar(servers) && servers.value === null)) {
    // An empty map or list between braces.
    const [start, end] = (yaml.isCollection(servers) && servers.flow === true && servers.range) || [];
    if (start === undefined || end === undefined || !/^[{[]\s*[}\]]$/.test(text.slice(start, end))) {
      throw unsafeEdit();
    }
    // As the client itself writes: in lines of their own, where only blanks stand between the key and the braces.
    const [keyStart = 0, keyEnd = 0] = (yaml.isNode(pair?.key) && pair.key.range) || [];
    const indent = text.slice(text.lastIndexOf('\n', keyStart - 1) + 1, keyStart);
    const isBlock = yaml.isMap(root) && root.flow !== true && /^ *$/.test(indent);
    return isBlock && /^:[ \t]+$/.test(text.slice(keyEnd, start))
      ? {
          start: keyEnd,
          end,
          text: written({ [key]: own })
            .trimEnd()
            .slice(key.length)
            .replaceAll('\n', `${eol}${indent}`),
        }
      : { start, end, text: JSON.stringify(own) };
  }
  if (servers !== undefined || (yaml.isMap(root) && root.flow === true)) {
    throw unsafeEdit();
  }
  const gap = text === '' || text.endsWith('\n') ? '' : eol;
  return { start: text.length, end: text.length, text: gap + written({ [key]: own }).replaceAll('\n', eol) };
}

/** In block style, with strings in double quotes: parsers of YAML 1.1 read some plain words as other values. Ends in a line break. */
function written(value: unknown): string {
  return yaml.stringify(value, {
    lineWidth: 0,
    doubleQuotedMinMultiLineLength: 1_000_000,
    defaultStringType: 'QUOTE_DOUBLE',
    defaultKeyType: 'PLAIN',
  });
}
