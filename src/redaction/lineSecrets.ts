import { isHarmless } from './argumentSecrets.ts';
import { isOpen } from './looseSecrets.ts';
import { hidesValue, isSecretField, redacted } from './secretShapes.ts';

/** A line of YAML or INI that begins with a name: `password: S`, `- token: S`, `password = a b`, `password =a b`. */
const namedLine =
  /^((\s{0,200})(?:- +)?["']?([A-Za-z_][\w.-]{0,60})["']?(?:[ \t]{0,20}:(?=\s|$)|[ \t]{1,20}=(?![=>~])|=$)[ \t]{0,20})([^\n]*)$/;
/** Also as an escape, once or twice: of a text that another one quotes. */
const lineEnd = /(\n|(?<!\\)\\{1,2}n)/;
/** The value stands in the lines below: `password: |`, also with an anchor or a tag. */
const blockMark = /^(?:[&!]\S{1,100}\s+)?(?:[|>][-+\d]{0,2})?\s*(?:#.*)?$/;
/** The same at the end of a line with other words before it: `server --config password: |`. */
const lastName = /(?:^|\s)([A-Za-z_][\w.-]{0,60}):\s{0,20}(?:[|>][-+\d]{0,2})?$/;
/** `{password: S, port: 1}`, `tokens: [S, S]`: without quotes. */
const flowMap = /\{[^{}]{3,4096}\}/g;
const flowField = /([{,]\s{0,20}([A-Za-z_][\w.-]{0,60}):\s{1,20})([^\s,{}[\]"'`][^,{}[\]]{0,4096})/g;
const flowList = /((?:^|[\s{,])([A-Za-z_][\w.-]{0,60}):\s{0,20}\[)([^[\]{}"'`]{1,4096})(?=\])/g;
/** A line that is no value of its own: a name or a section. */
const otherName = /^\s*(?:- +)?["']?[A-Za-z_][\w.-]{0,60}["']?\s{0,20}[:=](?:\s|$)|^\s*\[/;
/** `machine h login me password S`, as in `.netrc`, also in lines. */
const netrcPassword =
  /\b((?:machine\s{1,20}\S{1,200}|default)\s{1,20}(?:(?:login|account)\s{1,20}\S{1,200}\s{1,20}){0,2}password\s{1,20})(\S{1,4096})/g;

/**
 * Redacts secrets in texts of several lines as files of settings have them (YAML, INI, `.netrc`): the whole rest of a line after a secret's name, also a plain word
 * or several, and the lines of a value below its name.
 */
export function redactLines(text: string): string {
  const words = text
    .replace(netrcPassword, (all, before: string, value: string) => (isOpen(value) ? `${before}${redacted}` : all))
    .replace(flowMap, (map) =>
      map.replace(flowField, (all, before: string, name: string, value: string) =>
        hidesValue(name, value) && isOpen(value) && !isHarmless(value) ? `${before}${redacted}` : all,
      ),
    )
    .replace(flowList, (all, before: string, name: string, items: string) =>
      isSecretField(name) && isOpen(items) ? `${before}${redacted}` : all,
    );
  if (!lineEnd.test(words)) {
    return words;
  }
  /** Of the name whose value stands in the lines below. */
  let block: { readonly indent: number; readonly isMarked: boolean } | undefined;
  return words
    .split(lineEnd)
    .map((line, index) => {
      if (index % 2 === 1) {
        return line;
      }
      const indent = line.search(/\S/);
      if (block && isInside(line, indent, block)) {
        return indent < 0 || line.trim() === redacted
          ? line
          : `${line.slice(0, indent)}${/^- +/.exec(line.slice(indent))?.[0] ?? ''}${redacted}`;
      }
      block = undefined;
      const [, before = '', blanks = '', name = '', value = ''] = namedLine.exec(line.trimEnd()) ?? [];
      const last = name === '' || !blockMark.test(value) ? lastName.exec(line.slice(-200).trimEnd()) : null;
      const named = last?.[1] ?? name;
      const isBlock = last !== null || blockMark.test(value);
      if (named === '' || !(isSecretField(named) || hidesValue(named, isBlock ? 'any text' : value))) {
        return line;
      }
      if (isBlock) {
        block = { indent: blanks.length, isMarked: /[|>!&]/.test(last?.[0] ?? value) };
        return line;
      }
      // Quoted values and objects have rules of their own, which show the quotes.
      return isOpen(value) && !isHarmless(value) && !/^(?:\{.*\}|(["']).*\1)/.test(value) ? `${before}${redacted}` : line;
    })
    .join('');
}

/** Whether a line belongs to the value of the name above: what is further inside; below a name without a mark no other names. */
function isInside(line: string, indent: number, block: { readonly indent: number; readonly isMarked: boolean }): boolean {
  return (
    indent < 0 ||
    (block.isMarked
      ? indent > block.indent
      : (indent > block.indent || /^\s*- /.test(line)) && indent >= block.indent && !otherName.test(line))
  );
}
