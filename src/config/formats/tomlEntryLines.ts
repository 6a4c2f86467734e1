/**
 * Finds the line (1-based) on which each entry of a table of tables is first named: by a header `[table.NAME]` or `[table.NAME.env]`, by a key
 * `table.NAME.command = …`, or by a key inside `[table]`. Works in broken files too, unlike `scanToml`.
 * @returns lines by entry name; under the empty name the line of the table itself when it is written in one (`table = { … }`)
 */
export function tomlEntryLines(text: string, table: string): ReadonlyMap<string, number> {
  const lines = new Map<string, number>();
  let header: readonly string[] = [];
  /** The quotes that close an open string of several lines. */
  let open: string | undefined;
  text.split('\n').forEach((line, index) => {
    const wasOpen = open !== undefined;
    open = quotesOpenAfter(line, open);
    if (wasOpen) {
      return;
    }
    const start = /^\s*(\[{1,2})?\s*/.exec(line);
    const keys = dottedKey(line.slice(start?.[0].length ?? 0));
    if (keys.length === 0) {
      return;
    }
    const isHeader = start?.[1] !== undefined;
    const path = isHeader ? keys : [...header, ...keys];
    if (isHeader) {
      header = keys;
    }
    const name = path[0] === table ? (path[1] ?? '') : undefined;
    if (name !== undefined && !lines.has(name)) {
      lines.set(name, index + 1);
    }
  });
  return lines;
}

/** The parts of a dotted key at the start of a text, up to `]` or `=`; empty when there is none. */
function dottedKey(text: string): string[] {
  const keys: string[] = [];
  const part = /\s*(?:([\w-]+)|"((?:[^"\\]|\\.)*)"|'([^']*)')\s*([.\]=])?/y;
  for (;;) {
    const match = part.exec(text);
    if (!match) {
      return [];
    }
    keys.push(match[1] ?? match[3] ?? unescaped(match[2] ?? ''));
    if (match[4] !== '.') {
      return match[4] === undefined ? [] : keys;
    }
  }
}

function unescaped(text: string): string {
  try {
    return String(JSON.parse(`"${text}"`));
  } catch {
    return text;
  }
}

/** Which three quotes are still open at the end of a line. */
function quotesOpenAfter(line: string, open: string | undefined): string | undefined {
  let inside = open;
  for (let at = 0; at < line.length; at++) {
    if (inside !== undefined) {
      if (inside === '"""' && line[at] === '\\') {
        at++;
      } else if (line.startsWith(inside, at)) {
        at += 2;
        inside = undefined;
      }
    } else if (line.startsWith('"""', at) || line.startsWith("'''", at)) {
      inside = line.slice(at, at + 3);
      at += 2;
    } else if (line[at] === '#') {
      return undefined;
    } else if (line[at] === '"' || line[at] === "'") {
      at = endOfText(line, at);
    }
  }
  return inside;
}

function endOfText(line: string, start: number): number {
  const quote = line[start];
  for (let at = start + 1; at < line.length; at++) {
    if (quote === '"' && line[at] === '\\') {
      at++;
    } else if (line[at] === quote) {
      return at;
    }
  }
  return line.length;
}
