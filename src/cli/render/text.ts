import stringWidth from 'string-width';
import { piledMarks, unseen } from '../../base/singleLine.ts';

const plainAscii = /^[\x20-\x7e]*$/;
/** Each character that is not seen: `unseen` in the whole text. */
export const everyUnseen = new RegExp(unseen.source, 'gu');

const shortEscapes: Readonly<Record<string, string>> = { '\n': '\\n', '\r': '\\r', '\t': '\\t' };

/**
 * Text from a configuration or a process, made harmless for a terminal: characters that move the cursor, set a colour, break the line,
 * turn the direction, are invisible or pile up on one letter become visible escapes (`\x1b`, `\n`, `\u{202e}`). Emoji sequences stay whole.
 */
export function terminalText(text: string): string {
  if (plainAscii.test(text)) {
    return text;
  }
  const flat = text.replace(piledMarks, (_, kept: string, piled: string) => kept + [...piled].map(escapeOne).join(''));
  if (!unseen.test(flat)) {
    return flat;
  }
  let safe = '';
  for (const { segment } of graphemesOf(flat)) {
    safe += isEmoji(segment) ? segment : segment.replace(everyUnseen, escapeOne);
  }
  return safe;
}

/** Made when first needed: each takes milliseconds, and most texts need neither. */
let segmenter: Intl.Segmenter | undefined;
let emoji: RegExp | undefined;

function graphemesOf(text: string): Intl.Segments {
  segmenter ??= new Intl.Segmenter('en', { granularity: 'grapheme' });
  return segmenter.segment(text);
}

function isEmoji(grapheme: string): boolean {
  // As text, because the `v` flag is newer than the compiler's target. Node 20 knows it.
  const pattern = '^\\p{RGI_Emoji}$';
  emoji ??= new RegExp(pattern, 'v');
  return emoji.test(grapheme);
}

function escapeOne(character: string): string {
  const code = character.codePointAt(0) ?? 0;
  return shortEscapes[character] ?? (code < 0x100 ? `\\x${code.toString(16).padStart(2, '0')}` : `\\u{${code.toString(16)}}`);
}

/** A server's name for a person. Some clients allow an empty one, which is shown as `""`. */
export function displayName(name: string): string {
  return name === '' ? '""' : name;
}

/** ASCII, letters of Latin alphabets, quotes, dashes, `…` and arrows: one column each, and no two of them join. */
const plainText = /^[\x20-\x7e\xa1-\xac\xae-\u02ff\u2010-\u2027\u2030-\u205e\u2190-\u21ff]*$/;

/** Terminal columns that a text takes, by Unicode's tables, which are loaded for other than plain text. The text must have passed `terminalText`. */
export function displayWidth(text: string): number {
  return plainText.test(text) ? text.length : stringWidth(text);
}

/** The text cut to a width, with `…` for what is missing. */
export function clip(text: string, width: number): string {
  return displayWidth(text) <= width ? text : `${head(text, width - 1)}…`;
}

/** The text filled with spaces to a width; longer text stays as it is. */
export function pad(text: string, width: number, align: 'left' | 'right' = 'left'): string {
  const fill = ' '.repeat(Math.max(0, width - displayWidth(text)));
  return align === 'left' ? text + fill : fill + text;
}

/** The longest beginning of whole characters that fits. */
function head(text: string, width: number): string {
  let used = 0;
  let kept = '';
  for (const { segment } of graphemesOf(text)) {
    used += displayWidth(segment);
    if (used > width) {
      break;
    }
    kept += segment;
  }
  return kept;
}

/** Ends behind a `/` or `-` in the second half, where there is one. */
function atPathBreak(text: string): string {
  const end = Math.max(text.lastIndexOf('/'), text.lastIndexOf('-')) + 1;
  return end >= text.length / 2 ? text.slice(0, end) : text;
}

/** The text in lines of at most `width` columns, broken at spaces where there are any; a long word behind `/` or `-`, else anywhere. `Infinity` = one line. */
export function wrap(text: string, width: number): string[] {
  if (displayWidth(text) <= width) {
    return [text];
  }
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    const longer = line === '' ? word : `${line} ${word}`;
    if (displayWidth(longer) <= width) {
      line = longer;
      continue;
    }
    if (line !== '') {
      lines.push(line);
    }
    line = word;
    while (displayWidth(line) > width) {
      // A character wider than the column is kept, so that the loop ends.
      const part = atPathBreak(head(line, width)) || (graphemesOf(line)[Symbol.iterator]().next().value?.segment ?? line);
      lines.push(part);
      line = line.slice(part.length);
    }
  }
  if (line !== '') {
    lines.push(line);
  }
  return lines;
}
