import { structuredPatch } from 'diff';
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

/**
 * The lines that differ between two texts, with the lines around them.
 * @param redact hides the secrets of one line
 * @returns undefined when the difference is too large, or a line too long, to be shown
 */
export function lineDiff(before: string, after: string, redact: (line: string) => string): DiffLine[] | undefined {
  const options = { context: contextLines, stripTrailingCr: true, maxEditLength: maxEdits };
  const lines = structuredPatch('', '', before, after, '', '', options)?.hunks.flatMap((hunk, index) => [
    ...(index === 0 ? [] : [{ sign: ' ', text: '…' } as const]),
    ...hunk.lines.flatMap(parseLine),
  ]);
  if (!lines || lines.some(({ sign, text }) => sign !== ' ' && text.length > maxLineLength)) {
    return undefined;
  }
  return lines.map(({ sign, text }) => ({
    sign,
    // Cut afterwards: a secret that is cut in two is no longer known.
    text: clip(terminalText(redactLine(text.slice(0, maxReadLength), redact).replaceAll('\t', '  ')), maxLineLength),
  }));
}

/** Hides the secrets of a line of JSON or TOML: those of its strings without the escapes, which hide quotation marks around and in a secret, and those of the line. */
function redactLine(line: string, redact: (text: string) => string): string {
  const strings = line.replace(/"(?:\\.|[^"\\])*"/g, (literal) => {
    try {
      const value = String(JSON.parse(literal));
      const safe = redact(value);
      return safe === value ? literal : JSON.stringify(safe);
    } catch {
      // Not JSON's escapes.
      return literal;
    }
  });
  return redact(strings);
}

/** No line for "\\ No newline at end of file". */
function parseLine(line: string): DiffLine[] {
  const sign = line.charAt(0);
  return sign === '-' || sign === '+' || sign === ' ' ? [{ sign, text: line.slice(1) }] : [];
}
