import type { Paint, Tone } from './paint.ts';
import { displayWidth, wrap } from './text.ts';

export interface Column {
  readonly title: string;
  readonly align?: 'left' | 'right';
  /** May be narrowed to this width before other columns are left out; its text then wraps. Absent = always as wide as its text. */
  readonly min?: number;
  /** Beyond this width it grows only when the other columns have the width they need. */
  readonly comfortable?: number;
  /** Never wider than this, even where there is room; longer text wraps (or sticks out where the width is unlimited). */
  readonly max?: number;
  /** The column with the highest number is left out first when there is no room. Absent = never left out. */
  readonly dispensable?: number;
}

export interface Cell {
  /** Final text: `plain`, one line. */
  readonly text: string;
  readonly tone?: Tone;
}

export type TableLine =
  /** `marker` is drawn in the indent before the first column; one column wide. */
  | { readonly kind: 'row'; readonly marker?: string; readonly cells: readonly Cell[] }
  | { readonly kind: 'heading'; readonly text: string }
  /** More about the row above. */
  | { readonly kind: 'note'; readonly text: string; readonly tone?: Tone }
  | { readonly kind: 'space' };

interface Layout {
  /** Columns of the terminal; `Infinity` = no terminal, nothing is wrapped. */
  readonly width: number;
  readonly paint: Paint;
}

const indent = 2;
const gap = 2;
const noteIndent = 4;
/** Columns that wrap stay at least this wide, whatever the terminal. */
const narrowest = 6;

/** Lines of a table whose columns are aligned over all its groups. No line is wider than `width`, none ends in spaces. */
export function renderTable(columns: readonly Column[], lines: readonly TableLine[], layout: Layout): string[] {
  const widths = fitColumns(columns, naturalWidths(columns, lines), layout.width - indent);
  const titles: TableLine = { kind: 'row', cells: columns.map((column) => ({ text: column.title, tone: 'dim' })) };
  return [titles, ...lines].flatMap((line) => {
    switch (line.kind) {
      case 'row':
        return renderRow(columns, widths, line, layout);
      case 'heading':
        return wrap(line.text, layout.width).map((text) => layout.paint('strong', text));
      case 'note':
        return wrap(line.text, layout.width - noteIndent).map((text) => ' '.repeat(noteIndent) + layout.paint(line.tone ?? 'dim', text));
      default:
        return [''];
    }
  });
}

/** The indexes of the columns that `renderTable` does not leave out. */
export function fittingColumns(columns: readonly Column[], lines: readonly TableLine[], width: number): ReadonlySet<number> {
  const widths = fitColumns(columns, naturalWidths(columns, lines), width - indent);
  return new Set([...columns.keys()].filter((index) => widths[index] !== 0));
}

function naturalWidths(columns: readonly Column[], lines: readonly TableLine[]): number[] {
  const rows = lines.filter((line) => line.kind === 'row');
  return columns.map((column, index) =>
    Math.min(
      column.max ?? Number.POSITIVE_INFINITY,
      Math.max(displayWidth(column.title), ...rows.map((row) => displayWidth(row.cells[index]?.text ?? ''))),
    ),
  );
}

/** The width of each column; 0 = left out. */
function fitColumns(columns: readonly Column[], natural: readonly number[], width: number): number[] {
  const kept = new Set(columns.keys());
  const least = (index: number): number => Math.min(natural[index] ?? 0, columns[index]?.min ?? Number.POSITIVE_INFINITY);
  const sum = (size: (index: number) => number): number => [...kept].reduce((total, index) => total + size(index) + gap, -gap);
  const byDispensability = [...columns.keys()]
    .filter((index) => columns[index]?.dispensable !== undefined)
    .sort((a, b) => (columns[b]?.dispensable ?? 0) - (columns[a]?.dispensable ?? 0));
  for (const index of byDispensability) {
    if (sum(least) <= width) {
      break;
    }
    kept.delete(index);
  }
  const widths = columns.map((_, index) => (kept.has(index) ? least(index) : 0));
  let spare = width - sum(least);
  // Names get their comfortable width first, then states, then names the rest.
  for (const target of [(index: number) => columns[index]?.comfortable ?? Number.POSITIVE_INFINITY, () => Number.POSITIVE_INFINITY]) {
    for (const index of kept) {
      const wanted = Math.min(natural[index] ?? 0, target(index));
      const more = Math.max(0, Math.min(wanted - (widths[index] ?? 0), spare));
      widths[index] = (widths[index] ?? 0) + more;
      spare -= more;
    }
  }
  // In a terminal too narrow even for that, the widest column is narrowed first.
  for (let narrow = -spare; narrow > 0; narrow--) {
    const widest = [...kept].filter((index) => columns[index]?.min !== undefined).sort((a, b) => (widths[b] ?? 0) - (widths[a] ?? 0))[0];
    if (widest === undefined || (widths[widest] ?? 0) <= narrowest) {
      break;
    }
    widths[widest] = (widths[widest] ?? 0) - 1;
  }
  return widths;
}

function renderRow(columns: readonly Column[], widths: readonly number[], row: TableLine & { kind: 'row' }, layout: Layout): string[] {
  const wrapped = columns.map((_, index) => {
    const text = row.cells[index]?.text ?? '';
    return widths[index] === 0 ? [] : layout.width === Number.POSITIVE_INFINITY ? [text] : wrap(text, widths[index] ?? 0);
  });
  const height = Math.max(1, ...wrapped.map((cell) => cell.length));
  const lines: string[] = [];
  for (let at = 0; at < height; at++) {
    let line = at === 0 && row.marker ? layout.paint('bad', row.marker) + ' '.repeat(indent - 1) : ' '.repeat(indent);
    let pending = '';
    for (const [index, column] of columns.entries()) {
      const width = widths[index] ?? 0;
      if (width === 0) {
        continue;
      }
      const text = wrapped[index]?.[at] ?? '';
      const fill = ' '.repeat(Math.max(0, width - displayWidth(text)));
      // Spaces are written only before more text, so that no line ends in spaces.
      if (text !== '') {
        line += pending + (column.align === 'right' ? fill : '') + layout.paint(row.cells[index]?.tone ?? 'plain', text);
        pending = '';
      }
      pending += (text === '' || column.align !== 'right' ? fill : '') + ' '.repeat(gap);
    }
    lines.push(line.trimEnd() === '' ? '' : line);
  }
  return lines;
}
