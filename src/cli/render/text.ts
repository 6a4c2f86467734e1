const graphemes = new Intl.Segmenter('en', { granularity: 'grapheme' });
// As a text: the flag is newer than the compiler's target, and Node 20 knows it.
const wholeEmoji = '^\\p{RGI_Emoji}$';
const emoji = new RegExp(wholeEmoji, 'v');
const plainAscii = /^[\x20-\x7e]*$/;
/** Controls (C0, C1, DEL), format characters (bidi overrides, zero width, tags), lone surrogates, line and paragraph separators. */
const unsafe = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u;
const everyUnsafe = new RegExp(unsafe.source, 'gu');
/** Marks that stand on the character before them. */
const zeroWidth = /^[\p{Mn}\p{Me}]+$/u;
const emojiByDefault = /^\p{Emoji_Presentation}/u;

const shortEscapes: Readonly<Record<string, string>> = { '\n': '\\n', '\r': '\\r', '\t': '\\t' };

/**
 * Text from a configuration or a process made harmless for a terminal: whatever moves the cursor, sets a colour, breaks the line,
 * turns the direction or is invisible becomes a visible escape (`\x1b`, `\n`, `\u{202e}`). Emoji sequences stay whole.
 */
export function terminalText(text: string): string {
  if (plainAscii.test(text) || !unsafe.test(text)) {
    return text;
  }
  let safe = '';
  for (const { segment } of graphemes.segment(text)) {
    safe += emoji.test(segment) ? segment : segment.replace(everyUnsafe, escapeOne);
  }
  return safe;
}

function escapeOne(character: string): string {
  const code = character.codePointAt(0) ?? 0;
  return shortEscapes[character] ?? (code < 0x100 ? `\\x${code.toString(16).padStart(2, '0')}` : `\\u{${code.toString(16)}}`);
}

/** A server's name for the eyes: an empty one, which some clients allow, would be nothing at all. */
export function displayName(name: string): string {
  return name === '' ? '""' : name;
}

/** Terminal columns that a text takes. The text must be `plain`; unknown characters count one. */
export function displayWidth(text: string): number {
  if (plainAscii.test(text)) {
    return text.length;
  }
  let width = 0;
  for (const { segment } of graphemes.segment(text)) {
    width += graphemeWidth(segment);
  }
  return width;
}

function graphemeWidth(grapheme: string): 0 | 1 | 2 {
  const code = grapheme.codePointAt(0) ?? 0;
  if (code < 0x300) {
    // A digit or © with the emoji selector (U+FE0F) is drawn wide.
    return grapheme.length > 1 && emoji.test(grapheme) ? 2 : 1;
  }
  if (zeroWidth.test(grapheme)) {
    return 0;
  }
  return isWide(code) || emojiByDefault.test(grapheme) || emoji.test(grapheme) ? 2 : 1;
}

/** East Asian Wide and Fullwidth blocks (Unicode, EastAsianWidth.txt), without the emoji, which have a property of their own. */
const wideRanges: readonly (readonly [number, number])[] = [
  [0x1100, 0x115f],
  [0x2329, 0x232a],
  [0x2e80, 0x303e],
  [0x3041, 0x4dbf],
  [0x4e00, 0xa4cf],
  [0xa960, 0xa97f],
  [0xac00, 0xd7a3],
  [0xf900, 0xfaff],
  [0xfe10, 0xfe19],
  [0xfe30, 0xfe6f],
  [0xff01, 0xff60],
  [0xffe0, 0xffe6],
  [0x16fe0, 0x18cff],
  [0x1aff0, 0x1b2ff],
  [0x20000, 0x3fffd],
];

function isWide(code: number): boolean {
  return code >= 0x1100 && wideRanges.some(([first, last]) => code >= first && code <= last);
}

/** The text cut to a width, with `…` for what is missing. */
export function clip(text: string, width: number): string {
  return displayWidth(text) <= width ? text : `${head(text, width - 1)}…`;
}

/** The text filled up with spaces to a width; longer text stays as it is. */
export function pad(text: string, width: number, align: 'left' | 'right' = 'left'): string {
  const fill = ' '.repeat(Math.max(0, width - displayWidth(text)));
  return align === 'left' ? text + fill : fill + text;
}

/** The longest beginning of whole characters that fits. */
function head(text: string, width: number): string {
  let used = 0;
  let kept = '';
  for (const { segment } of graphemes.segment(text)) {
    used += graphemeWidth(segment);
    if (used > width) {
      break;
    }
    kept += segment;
  }
  return kept;
}

/** The text in lines of at most `width` columns, broken at spaces where there are any. `Infinity` = one line. */
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
      // A character wider than the column is taken all the same: never an endless loop.
      const part = head(line, width) || (graphemes.segment(line)[Symbol.iterator]().next().value?.segment ?? line);
      lines.push(part);
      line = line.slice(part.length);
    }
  }
  if (line !== '') {
    lines.push(line);
  }
  return lines;
}
