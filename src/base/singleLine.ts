import { t } from './language/translate.ts';

/**
 * Controls (C0, C1, DEL), format characters (direction marks, zero width, tags), halves of characters, line breaks, and characters without a shape: fillers, the
 * empty Braille pattern, variation selectors, which can carry a hidden text.
 */
export const unseen = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}\u2800]/u;

/** More marks on one letter than any script uses: they would cover the lines around it. The first eight are a group. */
export const piledMarks = /(\p{M}{8})(\p{M}+)/gu;

/**
 * Text of others on one line of ours: each run of control characters and of characters that are not seen becomes one space; marks piled on one letter are left out.
 * @param limit UTF-16 units that are kept
 */
export function singleLine(text: string, limit: number): string {
  return text.split(unseen).join('\n').replace(/\n+/g, ' ').replace(piledMarks, '$1').slice(0, limit);
}

/** What is not seen or has no meaning for all readers, spaces other than the plain one; quotation mark and backslash. */
const ambiguous = /[\p{C}\p{Default_Ignorable_Code_Point}\u2800"\\]|(?! )\p{Z}/u;
const mostShown = 64;

/** Text of a record, or of another program, as a part of a message or of an answer to a model: in quotation marks, escaped, with at most 64 characters between them. */
export function quotedText(text: string): string {
  let shown = '';
  for (const character of text) {
    const code = character.codePointAt(0) ?? 0;
    const next = !ambiguous.test(character) ? character : /["\\]/.test(character) ? `\\${character}` : `\\u{${code.toString(16)}}`;
    // One is left for the mark of what is missing.
    if (shown.length + next.length >= mostShown) {
      return `"${shown}…"`;
    }
    shown += next;
  }
  return `"${shown}"`;
}

/** "a, b and c"; more than `most` items end in "and N more". */
export function listText(items: readonly string[], most = 3): string {
  const shown = items.length > most ? [...items.slice(0, most), t('{0} more', items.length - most)] : [...items];
  const last = shown.pop() ?? '';
  return shown.length === 0 ? last : t('{0} and {1}', shown.join(', '), last);
}
