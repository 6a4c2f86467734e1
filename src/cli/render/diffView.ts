import { structuredPatch } from 'diff';
import { isOrdinaryValue, redacted } from '../../redaction/secretShapes.ts';
import { clip, terminalText } from './text.ts';

/** One line of a comparison: removed, added, or the same in both. */
export interface DiffLine {
  readonly sign: '-' | '+' | ' ';
  readonly text: string;
}

/** Equal lines that are shown before and after each difference. */
const contextLines = 2;
/** A longer line was not written by a person: it is shown as several, and what surrounds the differences is cut. */
const maxLineLength = 400;
/** A longer difference cannot be read, and is not shown. */
const maxChangedLength = 4_000;
/** Most characters of a line that are read before secrets are hidden and the line is cut. */
const maxReadLength = 20_000;
/** More differing lines than any entry has. */
const maxEdits = 2_000;

/** The rules by which texts of a client's file are shown. */
interface ShownTexts {
  /** Hides the secrets of one line. */
  redact(line: string): string;
  /** Words of the entry's command. Other values are shown only where they are ordinary (see `isOrdinaryValue`): they may belong to an entry that cannot be read. */
  readonly words: ReadonlySet<string>;
  /** The texts are YAML, where values have no quotation marks. */
  readonly isYaml?: boolean;
}

/**
 * The lines that differ between two texts of JSON, TOML or YAML, with the lines around them. What comments say is left out: they may hold entries of others. Where a
 * line that differs is long, as in a file without line breaks, both texts are shown with a line for each value. What differs is never cut.
 * @returns undefined when the difference is too large, or a value in it too long, to be shown
 */
export function lineDiff(before: string, after: string, may: ShownTexts): DiffLine[] | undefined {
  const bare = may.isYaml ? [before, after] : [withoutComments(before), withoutComments(after)];
  const lines = differences(bare);
  const broken = lines && longestDifference(lines) > maxLineLength ? differences(bare.map(withLineBreaks)) : undefined;
  const shown = broken ? [{ sign: ' ', text: '… (with more line breaks than the file has)' } as const, ...broken] : lines;
  if (!shown || longestDifference(shown) > maxChangedLength) {
    return undefined;
  }
  return shown.map(({ sign, text }) => {
    const safe = terminalText((may.isYaml ? redactYamlLine : redactLine)(text.slice(0, maxReadLength), may).replaceAll('\t', '  '));
    // Cut afterwards: a secret that is cut in two is no longer known.
    return { sign, text: sign === ' ' ? clip(safe, maxLineLength) : safe };
  });
}

function differences([before = '', after = '']: readonly string[]): DiffLine[] | undefined {
  const options = { context: contextLines, stripTrailingCr: true, maxEditLength: maxEdits };
  return structuredPatch('', '', before, after, '', '', options)?.hunks.flatMap((hunk, index) => [
    ...(index === 0 ? [] : [{ sign: ' ', text: '…' } as const]),
    ...hunk.lines.flatMap(parseLine),
  ]);
}

function longestDifference(lines: readonly DiffLine[]): number {
  return lines.reduce((longest, { sign, text }) => (sign === ' ' ? longest : Math.max(longest, text.length)), 0);
}

/** The text with a line for each value of JSON, of TOML, or of a list or map of YAML in one line. */
function withLineBreaks(text: string): string {
  const broken = text.replace(/"(?:\\.|[^"\\])*"?|'[^'\r\n]*'?|[{}[\],]/g, (found) => {
    const isEnd = found === '}' || found === ']';
    return isEnd ? `\n${found}` : found.length === 1 && '{[,'.includes(found) ? `${found}\n` : found;
  });
  return broken
    .split('\n')
    .filter((line) => line.trim() !== '')
    .join('\n');
}

/** The same lines with `…` for what comments say. */
function withoutComments(text: string): string {
  const stringOrComment =
    /"""[\s\S]*?(?:"""|$)|'''[\s\S]*?(?:'''|$)|"(?:\\.|[^"\\\r\n])*"?|'[^'\r\n]*'?|\/\*[\s\S]*?(?:\*\/|$)|(?:\/\/|#)[^\r\n]*/g;
  return text.replace(stringOrComment, (found) => {
    if (/^["']/.test(found)) {
      return found;
    }
    return found.replace(/[^\r\n]+/g, found.startsWith('#') ? '# …' : found.startsWith('//') ? '// …' : '/* … */');
  });
}

/** Hides the secrets of a line of JSON or TOML: those of its strings without the escapes, which hide quotation marks around and in a secret, and those of the line. */
function redactLine(line: string, { redact, words }: ShownTexts): string {
  const strings = line.replace(/"(?:\\.|[^"\\])*(?:"|$)|'[^']*'/g, (literal, at: number) => {
    const value = stringOf(literal);
    const content = value ?? literal.slice(1).replace(/["']$/, '');
    const safe = redact(content);
    if (safe !== content) {
      return value === undefined ? `"${safe}"` : JSON.stringify(safe);
    }
    const isName = /^\s*[:=]/.test(line.slice(at + literal.length));
    return isName || words.has(content) || isOrdinaryValue(content) ? literal : `"${redacted}"`;
  });
  return redact(strings);
}

/**
 * Hides the secrets of a line of YAML, and what a comment says. What is neither a name nor an ordinary value is hidden, whatever it belongs to: a line does not tell
 * whether it is part of a longer text.
 */
function redactYamlLine(line: string, { redact, words }: ShownTexts): string {
  const shown = (value: string): string => {
    const safe = redact(value);
    return safe !== value ? safe : words.has(value) || isOrdinaryValue(value) ? value : redacted;
  };
  const part =
    /"(?:\\.|[^"\\])*"?|'(?:''|[^'])*'?|(?<=^|\s)#.*|[\w.@/+-]{0,80}:(?=\s|$)|[^\s,[\]{}"'#][^,[\]{}]*?(?=\s+#|\s*[,[\]{}]|\s*$)/g;
  const parts = line.replace(/^\s*(?:-\s+)*/, '').replace(part, (found, at: number, whole: string) => {
    if (found.startsWith('#')) {
      return '# …';
    }
    const quote = /^["']/.exec(found)?.[0];
    if (quote === undefined) {
      return /^[\w.@/+-]*:$/.test(found) ? found : shown(found);
    }
    const content = (quote === '"' ? stringOf(found) : undefined) ?? found.slice(1).replace(/["']$/, '');
    const isName = /^\s*:(?:\s|$)/.test(whole.slice(at + found.length));
    return isName || shown(content) === content ? found : `${quote}${shown(content)}${quote}`;
  });
  return redact(`${/^\s*(?:-\s+)*/.exec(line)?.[0] ?? ''}${parts}`);
}

/** The value of a JSON literal; undefined where it is cut, or has other quotation marks or escapes. */
function stringOf(literal: string): string | undefined {
  try {
    return String(JSON.parse(literal));
  } catch {
    return undefined;
  }
}

/** No line for "\\ No newline at end of file". */
function parseLine(line: string): DiffLine[] {
  const sign = line.charAt(0);
  return sign === '-' || sign === '+' || sign === ' ' ? [{ sign, text: line.slice(1) }] : [];
}
