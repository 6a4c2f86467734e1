import { deepStrictEqual, strictEqual } from 'node:assert';
import fc from 'fast-check';
import { type Node, type ParseError, parseTree } from 'jsonc-parser';
import { strictTree } from '../../../../src/config/formats/strictTree.ts';

/** A tree without the fields that the fast walk leaves out. */
function plain({ type, offset, length, value, children }: Node): unknown {
  return { type, offset, length, ...(value === undefined ? {} : { value }), ...(children ? { children: children.map(plain) } : {}) };
}

describe('The tree of a JSON text', () => {
  it('is that of jsonc-parser, for any value, blanks and line ends', () => {
    const texts = fc.tuple(fc.json({ maxDepth: 6 }), fc.constantFrom('', ' ', '\t', '\r\n  ')).map(([json, blank]) =>
      // A blank after each sign outside of strings.
      json.replace(/"(?:[^"\\]|\\.)*"|[{}[\],:]/g, (found) => `${blank}${found}${blank}`),
    );
    fc.assert(
      fc.property(texts, (text) => {
        const errors: ParseError[] = [];
        const expected = parseTree(text, errors);
        strictEqual(errors.length, 0);
        const found = strictTree(text);
        deepStrictEqual(found && plain(found), expected && plain(expected));
      }),
      { numRuns: 2_000 },
    );
  });

  it('keeps repeated names, escapes, and a name that is __proto__', () => {
    const text = '{"a\\"\\\\": [1, -0.5e3, "\\u00e9\\\\"], "__proto__": {"x": null}, "a": true, "a": {}, "": []}';
    const found = strictTree(text);
    const expected = parseTree(text);
    deepStrictEqual(found && plain(found), expected && plain(expected));
  });

  for (const [what, text] of [
    ['a comment', '{"a": 1} // b'],
    ['a trailing comma', '{"a": 1,}'],
    ['two values', '{} {}'],
    ['a byte order mark', '\ufeff{}'],
    ['a string with a line end', '{"a": "b\nc"}'],
    ['half a file', '{"mcpServers": {"a": {"command": "no'],
    ['nothing', ''],
  ]) {
    it(`leaves ${what} to the tolerant parser`, () => {
      strictEqual(strictTree(text ?? ''), undefined);
    });
  }
});
