import { deepEqual, equal } from 'node:assert/strict';
import fc from 'fast-check';
import { describe, it } from 'mocha';
import { shellCommands } from '../../../src/redaction/commandSplit.ts';

/** The words of each command. */
const split = (text: string): string[][] => shellCommands(text).map(({ words }) => words.map(({ value }) => value));

describe('The words of a shell', () => {
  for (const [text, expected] of [
    ['a  b\tc', [['a', 'b', 'c']]],
    [`a 'b c' "d 'e'" f'g'"h"`, [['a', 'b c', "d 'e'", 'fgh']]],
    [`"a\\"b" 'c\\d' e\\ f $'g\\'h'`, [['a"b', 'c\\d', 'e f', "g'h"]]],
    ['a; b && c | d & e\nf', [['a'], ['b'], ['c'], ['d'], ['e'], ['f']]],
    ['(a b)', [['a', 'b']]],
    ['a \\\n b', [['a', 'b']]],
    ['x=$(a b (c) d) e', [['x=$(a b (c) d)', 'e']]],
    ['x=`a b` c', [['x=`a b`', 'c']]],
    ['https://h/?a=1&b=2 c', [['https://h/?a=1&b=2', 'c']]],
    ["can't stop, don't wait", [["can't", 'stop,', "don't", 'wait']]],
    [`a "b c`, [['a', '"b', 'c']]],
    ['C:\\Users\\me\\x.exe a', [['C:\\Users\\me\\x.exe', 'a']]],
    ['$(a `b $(', [['$'], ['a', '`b', '$']]],
    ['', []],
  ] as const) {
    it(`of ${JSON.stringify(text)}`, () => deepEqual(split(text), expected));
  }

  it('tell where each character stands, in any text', () => {
    const sign = fc.constantFrom(...'ab \t\n\'"\\$`();&|=-{}');
    fc.assert(
      fc.property(fc.string({ unit: sign, maxLength: 60 }), (text) => {
        let last = 0;
        for (const { value, at, start, end } of shellCommands(text).flatMap(({ words }) => words)) {
          equal(at.length, value.length);
          deepEqual(
            [...value].map((_, index) => text[at[index] ?? -1]),
            [...value],
          );
          equal(start >= last && end >= start && at.every((place) => place >= start && place < end), true, `${start} ${end} ${at}`);
          last = end;
        }
      }),
      { numRuns: 5_000 },
    );
  });
});
