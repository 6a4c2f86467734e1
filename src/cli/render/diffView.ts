import { clip, terminalText } from './text.ts';

/** One line of a comparison: taken away, put in its place, or the same. */
export interface DiffLine {
  readonly sign: '-' | '+' | ' ';
  readonly text: string;
}

/** Lines of the same that are shown on both sides. */
const around = 2;
/** A line longer than this is no line that a person wrote: the words are compared instead. */
const longest = 400;

/**
 * What differs between two texts, as one piece with the lines around it.
 * @param redact hides the secrets of one line
 * @returns undefined when a line is too long to be shown
 */
export function lineDiff(before: string, after: string, redact: (line: string) => string): DiffLine[] | undefined {
  const old = before.split(/\r?\n/);
  const fresh = after.split(/\r?\n/);
  let start = 0;
  while (start < old.length && start < fresh.length && old[start] === fresh[start]) {
    start++;
  }
  let end = 0;
  while (end < old.length - start && end < fresh.length - start && old[old.length - 1 - end] === fresh[fresh.length - 1 - end]) {
    end++;
  }
  const lines: DiffLine[] = [
    ...old.slice(Math.max(0, start - around), start).map((text): DiffLine => ({ sign: ' ', text })),
    ...middle(old.slice(start, old.length - end), fresh.slice(start, fresh.length - end)),
    ...old.slice(old.length - end, old.length - end + around).map((text): DiffLine => ({ sign: ' ', text })),
  ];
  if (lines.some(({ sign, text }) => sign !== ' ' && text.length > longest)) {
    return undefined;
  }
  return lines.map(({ sign, text }) => ({
    sign,
    text: clip(terminalText(redact(text.slice(0, longest)).replaceAll('\t', '  ')), longest),
  }));
}

/** More lines than any entry has: then all of one side are taken for replaced by all of the other. */
const most = 300;

/** What lies between the first and the last difference: lines that both have stay (longest common subsequence). */
function middle(old: readonly string[], fresh: readonly string[]): DiffLine[] {
  if (old.length > most || fresh.length > most) {
    return [...old.map((text): DiffLine => ({ sign: '-', text })), ...fresh.map((text): DiffLine => ({ sign: '+', text }))];
  }
  const width = fresh.length + 1;
  // common[i * width + j]: how many lines old[i…] and fresh[j…] have in common.
  const common = new Uint16Array((old.length + 1) * width);
  const at = (i: number, j: number): number => common[i * width + j] ?? 0;
  for (let i = old.length - 1; i >= 0; i--) {
    for (let j = fresh.length - 1; j >= 0; j--) {
      common[i * width + j] = old[i] === fresh[j] ? at(i + 1, j + 1) + 1 : Math.max(at(i + 1, j), at(i, j + 1));
    }
  }
  const lines: DiffLine[] = [];
  for (let i = 0, j = 0; i < old.length || j < fresh.length; ) {
    if (i < old.length && j < fresh.length && old[i] === fresh[j]) {
      lines.push({ sign: ' ', text: old[i] ?? '' });
      i++;
      j++;
    } else if (i < old.length && (j === fresh.length || at(i + 1, j) >= at(i, j + 1))) {
      lines.push({ sign: '-', text: old[i++] ?? '' });
    } else {
      lines.push({ sign: '+', text: fresh[j++] ?? '' });
    }
  }
  return lines;
}
