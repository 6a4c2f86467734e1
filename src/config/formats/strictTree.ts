import type { Node } from 'jsonc-parser';

type Growing = { -readonly [Key in keyof Node]: Node[Key] };

/** The next sign of valid JSON that begins or ends a value. */
const nextSign = /[^\s,:]/g;
const word = /[^\s,\]}]+/y;

/**
 * The tree of a text without comments and mistakes, as `parseTree` of jsonc-parser makes it, without `parent` and `colonOffset`. Most files are such texts, and these
 * take a fraction of the processor time here: the runtime's own parser has checked the text, so that this walk only looks for brackets, quotes and words.
 * @returns undefined for other texts
 */
export function strictTree(text: string): Node | undefined {
  try {
    JSON.parse(text);
  } catch {
    return undefined;
  }
  let root: Node | undefined;
  const open: Growing[] = [];
  let at = 0;
  const ended = (node: Growing | undefined): void => {
    if (node) {
      node.length = at - node.offset;
    }
  };
  const endProperty = (): void => {
    if (open.at(-1)?.type === 'property') {
      ended(open.pop());
    }
  };
  const add = (node: Growing, isOpen: boolean): void => {
    root ??= node;
    open.at(-1)?.children?.push(node);
    if (isOpen) {
      open.push(node);
    }
  };
  for (nextSign.lastIndex = 0; nextSign.test(text); nextSign.lastIndex = at) {
    const offset = nextSign.lastIndex - 1;
    const sign = text[offset];
    at = offset + 1;
    if (sign === '{' || sign === '[') {
      add({ type: sign === '{' ? 'object' : 'array', offset, length: 0, children: [] }, true);
    } else if (sign === '}' || sign === ']') {
      ended(open.pop());
      endProperty();
    } else {
      const value = sign === '"' ? stringAt(text, offset) : wordAt(text, offset);
      at = value.offset + value.length;
      if (open.at(-1)?.type === 'object') {
        add({ type: 'property', offset, length: 0, children: [value] }, true);
      } else {
        add(value, false);
        endProperty();
      }
    }
  }
  return root;
}

function stringAt(text: string, offset: number): Node {
  let end = text.indexOf('"', offset + 1);
  while (isEscaped(text, end)) {
    end = text.indexOf('"', end + 1);
  }
  const content = text.slice(offset + 1, end);
  const value: unknown = content.includes('\\') ? JSON.parse(`"${content}"`) : content;
  return { type: 'string', offset, length: end + 1 - offset, value };
}

/** Whether an odd number of backslashes stands before a place. */
function isEscaped(text: string, place: number): boolean {
  let first = place;
  while (text[first - 1] === '\\') {
    first -= 1;
  }
  return (place - first) % 2 === 1;
}

/** A number, `true`, `false` or `null`. */
function wordAt(text: string, offset: number): Node {
  word.lastIndex = offset;
  const [written = ''] = word.exec(text) ?? [];
  const value: unknown = JSON.parse(written);
  return { type: value === null ? 'null' : typeof value === 'number' ? 'number' : 'boolean', offset, length: written.length, value };
}
