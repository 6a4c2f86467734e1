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
    text: clip(terminalText(redact(text.slice(0, maxLineLength)).replaceAll('\t', '  ')), maxLineLength),
  }));
}

/** No line for "\\ No newline at end of file". */
function parseLine(line: string): DiffLine[] {
  const sign = line.charAt(0);
  return sign === '-' || sign === '+' || sign === ' ' ? [{ sign, text: line.slice(1) }] : [];
}
