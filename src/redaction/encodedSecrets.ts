import { shownOfArgument } from './argumentSecrets.ts';
import { isOpen } from './looseSecrets.ts';
import { placedArguments } from './programSecrets.ts';
import { isSecretName, redacted } from './secretShapes.ts';

/** A part of an address or a form that is URL-encoded. */
const encodedPart = /[\w.~!*()-]{0,4096}(?:%[\dA-F]{2}[\w.~!*()+-]{0,4096})+/gi;
/** A text in JSON with escapes: what it means has other quotes and lines than what is written. One that does not end is taken to the end of its line, so that no sign is read twice. */
const escapedText = /(?<!\\)"[^"\\\n]*(?:\\.[^"\\\n]*)*"?/g;
/** With its quotes: a shorter one has no room for a name and a secret, and thousands of them would take long. */
const shortestText = 12;
/** A list of texts, and the program that gets them. */
const listStart = /\[(?=\s{0,20}\\{0,15}["'])/g;
const listItem = /\s{0,20}(\\{0,15}["'])((?:(?!(?<!\\)\1)[\s\S]){0,4096})\1\s{0,20}(,|(?=\]))/y;
const programBefore = /(?:command|cmd|program)[\\"'\s:=]{1,20}([^\\"',\s]{1,200})[\\"',\s]{1,20}(?:args|arguments)[\\"'\s:=]{1,20}$/i;

/** Decoding again and again what is encoded several times. */
const deepest = 3;

/**
 * Redacts what only shows its secrets when it is decoded: URL-encoded texts, texts in JSON with escapes, and lists of arguments in JSON, TOML or YAML
 * (`{"command":"npx","args":["x","--token","S"]}`).
 * @param judge redacts a decoded text
 */
export function redactEncoded(text: string, depth: number, judge: (decoded: string) => string): string {
  const shown = text.includes('[') ? redactLists(text) : text;
  const texts = depth < deepest && shown.includes('\\') ? shown.replace(escapedText, (all) => judgeEscaped(all, judge)) : shown;
  return depth < deepest && texts.includes('%')
    ? texts.replace(encodedPart, (part) => {
        const decoded = part
          .replaceAll('+', ' ')
          .replace(/(?:%[\dA-F]{2})+/gi, (signs) => Buffer.from(signs.replaceAll('%', ''), 'hex').toString());
        return judge(decoded) === decoded ? part : redacted;
      })
    : texts;
}

function judgeEscaped(literal: string, judge: (decoded: string) => string): string {
  if (literal.length < shortestText || !literal.includes('\\')) {
    return literal;
  }
  try {
    const decoded = JSON.parse(literal) as string;
    const judged = judge(decoded);
    return judged === decoded ? literal : JSON.stringify(judged);
  } catch {
    // A text that does not end, or escapes of another language.
    return literal;
  }
}

/** Replaces secrets in lists of texts, by the rules for arguments; and the second of two texts where the first is a secret's name. */
function redactLists(text: string): string {
  let shown = '';
  let kept = 0;
  listStart.lastIndex = 0;
  for (let start = listStart.exec(text); start; start = listStart.exec(text)) {
    const items: { readonly value: string; readonly end: number }[] = [];
    listItem.lastIndex = listStart.lastIndex;
    for (let item = listItem.exec(text); item; item = listItem.exec(text)) {
      const [all, quote = '', value = ''] = item;
      const from = item.index + all.indexOf(quote) + quote.length;
      items.push({ value, end: from + value.length });
      listStart.lastIndex = listItem.lastIndex;
    }
    const list = items.map(({ value }) => value);
    const command = programBefore.exec(text.slice(Math.max(0, start.index - 300), start.index))?.[1];
    const placed = placedArguments(list, command);
    for (const [index, { value, end }] of items.entries()) {
      const isPair = index === 1 && items.length === 2 && isSecretName(list[0] ?? '') && !isSecretName(value);
      const from = isPair ? 0 : shownOfArgument(placed, index, command);
      if (from !== undefined && isOpen(value.slice(from))) {
        shown += text.slice(kept, end - value.length + from) + redacted;
        kept = end;
      }
    }
  }
  return shown + text.slice(kept);
}
