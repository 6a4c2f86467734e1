import { membersOf, type Span } from '../../guard/message/jsonSpans.ts';

/** A value of a message: the names of the members that lead to it, and its new JSON text. */
export type Edit = readonly [place: readonly string[], text: string];

const lineBreak = Buffer.from('\n');

/** A message with other values at some places; every other byte stays as it came. A place that the message does not have stays missing. */
export function editedLine(line: Buffer, edits: readonly Edit[]): Buffer {
  const found = edits
    .flatMap(([place, text]) => {
      const span = spanAt(line, place);
      return span ? [{ span, text }] : [];
    })
    .sort((a, b) => a.span.start - b.span.start);
  const parts: Buffer[] = [];
  let at = 0;
  for (const { span, text } of found) {
    parts.push(line.subarray(at, span.start), Buffer.from(text));
    at = span.end;
  }
  parts.push(line.subarray(at));
  if (line.at(-1) !== lineBreak[0]) {
    parts.push(lineBreak);
  }
  return parts.length === 1 ? line : Buffer.concat(parts);
}

/** The JSON text at a place of a message. */
export function textAt(line: Buffer, place: readonly string[]): string | undefined {
  const span = spanAt(line, place);
  return span && line.toString('utf8', span.start, span.end);
}

function spanAt(line: Buffer, place: readonly string[]): Span | undefined {
  let span: Span | undefined;
  for (const name of place) {
    span = membersOf(line, span?.start)?.get(name);
    if (!span) {
      return undefined;
    }
  }
  return span;
}
