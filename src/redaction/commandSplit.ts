/** A word of a command line as a shell splits it. */
export interface ShellWord {
  /** Without quotes and escapes. */
  readonly value: string;
  /** Where each character of the value stands in the text. */
  readonly at: readonly number[];
  /** Where the word begins and ends in the text, with its quotes. */
  readonly start: number;
  readonly end: number;
}

/** The words of one command, up to `;`, `&&`, `|`, a line break or a bracket. */
export interface ShellCommand {
  readonly words: readonly ShellWord[];
  /** Its output goes to the next command. */
  readonly isPiped: boolean;
}

/** In characters. Longer substitutions are read as ordinary text. */
const longestSubstitution = 4_096;
const blank = /\s/;
const escapable = /[\s"'\\$`;&|()]/;
const ender = /[;|()\n]/;

/**
 * Splits a text as a POSIX shell does. Made for any text, also for messages and for command lines of Windows: a quote without its end, an apostrophe, and a
 * backslash before a letter are ordinary characters. The work grows with the length of the text.
 */
export function shellCommands(text: string): ShellCommand[] {
  const commands: ShellCommand[] = [];
  let words: ShellWord[] = [];
  let value = '';
  let at: number[] = [];
  let start = -1;
  /** Quotes that have no end from here on. */
  const endless = new Set<string>();

  const add = (index: number, character: string): void => {
    value += character;
    at.push(index);
  };
  const endWord = (end: number): void => {
    if (start >= 0) {
      words.push({ value, at, start, end });
    }
    value = '';
    at = [];
    start = -1;
  };
  const endCommand = (isPiped: boolean): void => {
    if (words.length > 0) {
      commands.push({ words, isPiped });
    }
    words = [];
  };
  /** Where a quote ends that begins here; -1 where it does not. */
  const quoteEnd = (from: number, quote: string, escapes: boolean): number => {
    for (let index = from + 1; index < text.length && !endless.has(quote); index += 1) {
      if (text[index] === quote) {
        return index;
      }
      index += escapes && text[index] === '\\' ? 1 : 0;
    }
    endless.add(quote);
    return -1;
  };

  for (let index = 0; index < text.length; index += 1) {
    const character = text[index] ?? '';
    if (character === '\n' || character === '\r' || ender.test(character) || isBackground(text, index)) {
      endWord(index);
      endCommand(character === '|' && text[index + 1] !== '|');
      continue;
    }
    if (blank.test(character)) {
      endWord(index);
      continue;
    }
    const from = index;
    if (character === '\\' && escapable.test(text[index + 1] ?? '')) {
      index += 1;
      if (text[index] === '\n') {
        // A line that goes on.
        continue;
      }
      add(index, text[index] ?? '');
    } else if (character === "'" || character === '"' || (character === '$' && text[index + 1] === "'")) {
      const open = character === '$' ? index + 1 : index;
      const quote = text[open] ?? '';
      const escapes = quote === '"' || open > index;
      const end = quoteEnd(open, quote, escapes);
      if (end < 0 || (quote === "'" && isApostrophe(text, open, end))) {
        add(index, character);
      } else {
        for (let inner = open + 1; inner < end; inner += 1) {
          inner += escapes && text[inner] === '\\' && /["\\$`']/.test(text[inner + 1] ?? '') ? 1 : 0;
          add(inner, text[inner] ?? '');
        }
        index = end;
      }
    } else {
      // The result of a command is a part of the word; what it runs is judged when the word is.
      const end = substitutionEnd(text, index);
      for (; index < end; index += 1) {
        add(index, text[index] ?? '');
      }
      add(index, text[index] ?? '');
    }
    start = start < 0 ? from : start;
  }
  endWord(text.length);
  endCommand(false);
  return commands;
}

/** `&&`, and `&` beside a blank; not in `https://host/?a=1&b=2`. */
function isBackground(text: string, index: number): boolean {
  const beside = `${text[index - 1] ?? ' '}${text[index + 1] ?? ' '}`;
  return text[index] === '&' && /[\s&]/.test(beside);
}

/** `can't`: a quote after a letter whose end is in another word. */
function isApostrophe(text: string, open: number, end: number): boolean {
  return /\p{L}/u.test(text[open - 1] ?? '') && /\s/.test(text.slice(open, Math.min(end, open + 200)));
}

/** Where `$(…)` or a part between backticks ends; the place itself where none begins. */
function substitutionEnd(text: string, index: number): number {
  const limit = Math.min(text.length, index + longestSubstitution);
  if (text[index] === '`') {
    const end = text.slice(index, limit).indexOf('`', 1);
    return end < 0 ? index : index + end;
  }
  if (text[index] !== '$' || text[index + 1] !== '(') {
    return index;
  }
  let depth = 0;
  for (let at = index + 1; at < limit; at += 1) {
    depth += text[at] === '(' ? 1 : text[at] === ')' ? -1 : 0;
    if (depth === 0) {
      return at;
    }
  }
  return index;
}
