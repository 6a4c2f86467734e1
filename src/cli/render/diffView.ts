import { clip, plain } from './text.ts';

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
    ...old.slice(start, old.length - end).map((text): DiffLine => ({ sign: '-', text })),
    ...fresh.slice(start, fresh.length - end).map((text): DiffLine => ({ sign: '+', text })),
    ...old.slice(old.length - end, old.length - end + around).map((text): DiffLine => ({ sign: ' ', text })),
  ];
  if (lines.some(({ sign, text }) => sign !== ' ' && text.length > longest)) {
    return undefined;
  }
  return lines.map(({ sign, text }) => ({ sign, text: clip(plain(redact(text.slice(0, longest)).replaceAll('\t', '  ')), longest) }));
}
