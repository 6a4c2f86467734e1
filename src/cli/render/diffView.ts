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
/** A longer line was not written by a person; nothing is shown then. */
const maxLineLength = 400;
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
 * The lines that differ between two texts of JSON, TOML or YAML, with the lines around them. What comments say is left out: they may hold entries of others.
 * @returns undefined when the difference is too large, or a line too long, to be shown
 */
export function lineDiff(before: string, after: string, may: ShownTexts): DiffLine[] | undefined {
  const options = { context: contextLines, stripTrailingCr: true, maxEditLength: maxEdits };
  const bare = may.isYaml ? (text: string) => text : withoutComments;
  const lines = structuredPatch('', '', bare(before), bare(after), '', '', options)?.hunks.flatMap((hunk, index) => [
    ...(index === 0 ? [] : [{ sign: ' ', text: '…' } as const]),
    ...hunk.lines.flatMap(parseLine),
  ]);
  if (!lines || lines.some(({ sign, text }) => sign !== ' ' && text.length > maxLineLength)) {
    return undefined;
  }
  return lines.map(({ sign, text }) => ({
    sign,
    // Cut afterwards: a secret that is cut in two is no longer known.
    text: clip(
      terminalText((may.isYaml ? redactYamlLine : redactLine)(text.slice(0, maxReadLength), may).replaceAll('\t', '  ')),
      maxLineLength,
    ),
  }));
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
