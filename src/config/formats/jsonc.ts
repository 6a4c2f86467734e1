import { getNodeValue, type Node, type ParseError, parseTree, printParseErrorCode } from 'jsonc-parser';
import { msg, t, translated } from '../../base/language/translate.ts';
import type { FileProblem } from './serverFile.ts';
import { strictTree } from './strictTree.ts';

/** Deeper files are refused, before the recursive parser overflows the stack. */
const maxDepth = 200;

/** A parsed JSON file with comments and trailing commas, or the readable part of a broken one. */
export interface JsoncFile {
  /** Undefined when the file is empty or nothing in it is readable. */
  readonly root: Node | undefined;
  /** The first mistake; later ones usually follow from it. */
  readonly problem: FileProblem | undefined;
  /** 1-based line and column of an offset. */
  position(offset: number): { readonly line: number; readonly column: number };
  /** Whether there is a mistake in this part of the file, so that it must not be used. */
  isBroken(node: Node): boolean;
}

/** Parses a text. Never throws. */
export function parseJsonc(text: string): JsoncFile {
  const position = positionsIn(text);
  const none = { root: undefined, position, isBroken: () => true };
  if (text.trim() === '') {
    return { ...none, problem: undefined };
  }
  const tooDeep = depthExceeded(text, maxDepth);
  if (tooDeep !== undefined) {
    return {
      ...none,
      problem: { message: t('This is nested deeper than {0} levels; the file is not read.', maxDepth), ...position(tooDeep) },
    };
  }
  const strict = strictTree(text);
  if (strict) {
    return { root: strict, position, isBroken: () => false, problem: undefined };
  }
  const errors: ParseError[] = [];
  let root: Node | undefined;
  try {
    root = parseTree(text, errors, { allowTrailingComma: true, allowEmptyContent: true });
  } catch {
    return { ...none, problem: { message: t('The file is not valid JSON; it is not read.'), line: 1 } };
  }
  const [first] = errors;
  const mistakes = errors.map(({ offset }) => offset).sort((a, b) => a - b);
  const kept =
    root?.type === 'object' ? t('Fix the file; its other readable entries are used.') : t('Fix the file; nothing in it can be used.');
  return {
    root,
    position,
    isBroken: ({ offset, length }) => {
      const next = mistakes[firstIndex(mistakes.length, (index) => (mistakes[index] ?? 0) >= offset)];
      return next !== undefined && next <= offset + length;
    },
    problem: first && {
      message: t(
        'This is not valid JSON: {0}. {1}',
        translated(reasons[printParseErrorCode(first.error)] ?? msg('there is a mistake here')),
        kept,
      ),
      ...position(first.offset),
    },
  };
}

/** The node of a property's value; of a repeated name the last one counts, as in JSON parsers. */
export function property(node: Node | undefined, name: string): Node | undefined {
  return properties(node).findLast((item) => item.name === name)?.value;
}

/** The properties of an object in the order of the file; empty for everything else. Properties without a value are left out. */
export function properties(node: Node | undefined): { readonly name: string; readonly offset: number; readonly value: Node }[] {
  if (node?.type !== 'object') {
    return [];
  }
  return (node.children ?? []).flatMap((child) => {
    const [key, value] = child.children ?? [];
    return key && value ? [{ name: String(key.value), offset: key.offset, value }] : [];
  });
}

/** The node at the end of a path of property names. */
export function nodeAt(root: Node | undefined, path: readonly string[]): Node | undefined {
  return path.reduce<Node | undefined>((node, name) => property(node, name), root);
}

/** The plain value of a node; undefined when there is none. */
export function plainValue(node: Node | undefined): unknown {
  return node && getNodeValue(node);
}

const reasons: Readonly<Record<string, string>> = {
  InvalidSymbol: msg('an unknown word or character'),
  InvalidNumberFormat: msg('an invalid number'),
  PropertyNameExpected: msg('a name in double quotes is expected'),
  ValueExpected: msg('a value is expected'),
  ColonExpected: msg('a colon is expected'),
  CommaExpected: msg('a comma is expected'),
  CloseBraceExpected: msg('a closing brace is expected'),
  CloseBracketExpected: msg('a closing bracket is expected'),
  EndOfFileExpected: msg('there is text after the end'),
  InvalidCommentToken: msg('a comment is not allowed here'),
  UnexpectedEndOfComment: msg('a comment is not closed'),
  UnexpectedEndOfString: msg('a string is not closed'),
  UnexpectedEndOfNumber: msg('a number is not complete'),
  InvalidUnicode: msg('a Unicode escape is not valid'),
  InvalidEscapeCharacter: msg('an escape (backslash) is not valid; write a backslash twice'),
  InvalidCharacter: msg('a character that must be escaped'),
};

function positionsIn(text: string): JsoncFile['position'] {
  const starts = [0];
  for (let at = text.indexOf('\n'); at !== -1; at = text.indexOf('\n', at + 1)) {
    starts.push(at + 1);
  }
  return (offset) => {
    const line = firstIndex(starts.length, (index) => (starts[index] ?? 0) > offset);
    return { line, column: offset - (starts[line - 1] ?? 0) + 1 };
  };
}

/** The first index of a sorted list for which a test holds; its length when there is none. */
function firstIndex(length: number, holds: (index: number) => boolean): number {
  let low = 0;
  let high = length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (holds(middle)) {
      high = middle;
    } else {
      low = middle + 1;
    }
  }
  return low;
}

/** @returns the offset at which brackets outside of strings and comments are nested deeper than `limit` */
function depthExceeded(text: string, limit: number): number | undefined {
  // Most files have fewer brackets than that altogether, and a walk over each character is the dearest part of reading them.
  if ((text.match(/[[{]/g) ?? []).length <= limit) {
    return undefined;
  }
  let depth = 0;
  for (let at = 0; at < text.length; at++) {
    switch (text[at]) {
      case '"':
        for (at++; at < text.length && text[at] !== '"' && text[at] !== '\n'; at++) {
          if (text[at] === '\\') {
            at++;
          }
        }
        break;
      case '/':
        if (text[at + 1] === '/') {
          at = text.indexOf('\n', at) === -1 ? text.length : text.indexOf('\n', at);
        } else if (text[at + 1] === '*') {
          at = text.indexOf('*/', at + 2) === -1 ? text.length : text.indexOf('*/', at + 2) + 1;
        }
        break;
      case '{':
      case '[':
        depth++;
        if (depth > limit) {
          return at;
        }
        break;
      case '}':
      case ']':
        depth = Math.max(0, depth - 1);
        break;
    }
  }
  return undefined;
}
