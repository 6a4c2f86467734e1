import assert from 'node:assert/strict';
import fc from 'fast-check';
import { quotedText, singleLine } from '../../../src/base/singleLine.ts';

describe('text of other programs in a message', () => {
  for (const [name, text, shown] of [
    ['plain', 'memory', '"memory"'],
    ['empty', '', '""'],
    ['of another language', 'Gedächtnis 記憶', '"Gedächtnis 記憶"'],
    ['with quotation marks and backslashes', 'a" (b\\', '"a\\" (b\\\\"'],
    ['with controls', 'a\n\u001b[2Jb\u009b', '"a\\u{a}\\u{1b}[2Jb\\u{9b}"'],
    ['that turns the direction', 'a\u202eb\u2066', '"a\\u{202e}b\\u{2066}"'],
    ['with invisible characters', 'a\u200bb\u{e0041}c\u115fd\u00ad', '"a\\u{200b}b\\u{e0041}c\\u{115f}d\\u{ad}"'],
    ['with other spaces and line breaks', 'a\u00a0b\u2028c\u3000', '"a\\u{a0}b\\u{2028}c\\u{3000}"'],
    ['with half a character', 'a\ud800', '"a\\u{d800}"'],
    ['of 63 characters', 'x'.repeat(63), `"${'x'.repeat(63)}"`],
    ['of many characters', 'x'.repeat(4_096), `"${'x'.repeat(63)}…"`],
  ] as const) {
    it(name, () => assert.equal(quotedText(text), shown));
  }

  it('of our log is one line without characters that are not seen', () => {
    assert.equal(singleLine('a\n\u001b[31mb\u202ec\u2800\u2028d\u{e0100}', 99), 'a [31mb c d ');
  });

  it('of our log has no more marks on a letter than a script uses', () => {
    const arabic = 'بِسْمِ ٱللَّٰهِ';
    assert.equal(singleLine(`${arabic} e${'\u0301'.repeat(500)}x`, 99), `${arabic} e${'\u0301'.repeat(8)}x`);
  });

  it('never has more than 64 characters between the marks, ends only at its own mark, and shows each character', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 100 }), (text) => {
        const shown = quotedText(text);
        assert.match(shown, /^"(?:[^"\\\p{C}\p{Default_Ignorable_Code_Point}]|\\["\\]|\\u\{[0-9a-f]+\}){0,64}"$/u);
        assert.ok(shown.length <= 66);
      }),
    );
  });
});
