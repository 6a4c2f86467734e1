import { singleLine } from '../base/singleLine.ts';
import { isEmptyWord, redacted } from './secretShapes.ts';

/** In characters. Values from this length on are found by so many first characters: a text may hold only the beginning of a long value. */
export const headLength = 256;
/** Values of so many characters are replaced inside other words too. */
const longLength = 8;
const shortest = 4;

/** @returns where the value ends that begins at this place of the text; 0 when none does */
type EndOfValue = (text: string, at: number) => number;

/**
 * A function that replaces these values, also URL-encoded, in a text. No regular expression is made from them, and the work grows with the text, not with the
 * number of values: values are other people's texts.
 */
export function knownValues(values: Iterable<string>): (text: string) => string {
  const forms = new Set<string>();
  for (const value of values) {
    // A name or a line is shown without signs that are not seen.
    const line = /^[\x20-\x7e]*$/.test(value) ? value : singleLine(value, value.length);
    for (const form of [value, value.trim(), line.trim(), encoded(value)]) {
      if (!isEmptyWord(form)) {
        forms.add(form);
      }
    }
  }
  const all = [...forms];
  const long = longValues(all.filter((form) => form.length >= longLength));
  const short = shortValues(all.filter((form) => form.length < longLength));
  // What is redacted already is left alone, whatever the values are.
  return (text) => {
    const pieces = forms.size === 0 ? [text] : text.split(redacted).map((piece) => (long ? replaced(piece, long) : piece));
    return short
      ? pieces
          .flatMap((piece) => piece.split(redacted))
          .map((piece) => replaced(piece, short))
          .join(redacted)
      : pieces.join(redacted);
  };
}

/** Replaces what values cover; values that overlap are one part. */
function replaced(text: string, endOfValue: EndOfValue): string {
  let result = '';
  let kept = 0;
  for (let at = 0; at < text.length; at++) {
    let end = endOfValue(text, at);
    if (end > 0) {
      const start = at;
      for (at++; at < end; at++) {
        // Near its end only: what lies deeper in a long value rarely reaches beyond it.
        end = at + headLength > end ? Math.max(end, endOfValue(text, at)) : end;
      }
      result += text.slice(kept, start) + redacted;
      kept = end;
      at = end - 1;
    }
  }
  return kept === 0 ? text : result + text.slice(kept);
}

/** The longest value at a place, by a binary search in the sorted list. */
function longValues(values: readonly string[]): EndOfValue | undefined {
  const sorted = [...values].sort();
  const starts = new Set(sorted.map((value) => value.slice(0, longLength)));
  const prefixes = longestPrefixes(sorted);
  return sorted.length === 0
    ? undefined
    : (text, at) => {
        if (!starts.has(text.slice(at, at + longLength))) {
          return 0;
        }
        const head = text.slice(at, at + headLength);
        const next = countUpTo(sorted, head);
        if (head.length === headLength && sorted[next]?.startsWith(head)) {
          const rest = text.slice(at);
          const place = countUpTo(sorted, rest);
          return at + Math.max(commonLength(rest, sorted[place - 1]), commonLength(rest, sorted[place]));
        }
        let found = next - 1;
        while (found >= 0 && !head.startsWith(sorted[found] ?? '')) {
          found = prefixes[found] ?? -1;
        }
        return found < 0 ? 0 : at + (sorted[found] ?? '').length;
      };
}

/** For each value of a sorted list the place of the longest other value that it begins with; -1 when there is none. */
function longestPrefixes(sorted: readonly string[]): number[] {
  const open: number[] = [];
  return sorted.map((value, index) => {
    while (open.length > 0 && !value.startsWith(sorted[open.at(-1) ?? 0] ?? '')) {
      open.pop();
    }
    const prefix = open.at(-1) ?? -1;
    open.push(index);
    return prefix;
  });
}

/** How many values of a sorted list are not greater than a text. */
function countUpTo(sorted: readonly string[], text: string): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((sorted[middle] ?? '') <= text) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return low;
}

function commonLength(text: string, value = ''): number {
  let length = 0;
  while (length < text.length && length < value.length && text.charCodeAt(length) === value.charCodeAt(length)) {
    length++;
  }
  return length;
}

/** Values that are replaced only where they are whole words. */
function shortValues(values: readonly string[]): EndOfValue | undefined {
  const known = new Set(values);
  const starts = new Set(values.map((value) => value.slice(0, shortest)));
  return known.size === 0
    ? undefined
    : (text, at) => {
        if (starts.has(text.slice(at, at + shortest)) && !isWordSign(text[at - 1])) {
          for (let length = longLength - 1; length >= shortest; length--) {
            if (known.has(text.slice(at, at + length)) && !isWordSign(text[at + length])) {
              return at + length;
            }
          }
        }
        return 0;
      };
}

function isWordSign(sign: string | undefined): boolean {
  return sign !== undefined && /[\p{L}\p{N}_]/u.test(sign);
}

function encoded(value: string): string {
  try {
    return encodeURIComponent(value);
  } catch {
    // Half a surrogate pair, which cannot be part of an address.
    return value;
  }
}
