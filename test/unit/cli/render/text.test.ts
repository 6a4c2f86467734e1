import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import stringWidth from 'string-width';
import { clip, displayWidth, pad, terminalText, wrap } from '../../../../src/cli/render/text.ts';

describe('text for a terminal', () => {
  it('has the width of Unicode’s tables also where these are not loaded: each plain character alone, and all of them in one text', () => {
    const characters = Array.from({ length: 0x2300 - 0x20 }, (_, index) => String.fromCharCode(index + 0x20));
    assert.deepEqual(
      characters.filter((one) => displayWidth(one) !== stringWidth(one)),
      [],
    );
    assert.equal(displayWidth(characters.join('')), stringWidth(characters.join('')));
  });

  it('makes hostile characters visible', () => {
    const cases: readonly (readonly [string, string])[] = [
      ['\x1b[31mred\x1b[0m', '\\x1b[31mred\\x1b[0m'],
      ['\x1b]8;;http://x\x07link', '\\x1b]8;;http://x\\x07link'],
      ['two\nlines\r\tand', 'two\\nlines\\r\\tand'],
      ['\u009b2J', '\\x9b2J'],
      ['admin\u202egnp.exe', 'admin\\u{202e}gnp.exe'],
      ['a\u2066b\u2069', 'a\\u{2066}b\\u{2069}'],
      ['zero\u200bwidth\ufeff', 'zero\\u{200b}width\\u{feff}'],
      ['half \ud800 pair', 'half \\u{d800} pair'],
      ['tag\u{e0041}', 'tag\\u{e0041}'],
      ['line\u2028par\u2029', 'line\\u{2028}par\\u{2029}'],
      ['\x7f', '\\x7f'],
      // Fillers, an empty pattern, variation selectors: a name of them alone would be an empty row.
      ['\u3164', '\\u{3164}'],
      ['a\u034f\u2800', 'a\\u{34f}\\u{2800}'],
      [`e${'\u0301'.repeat(10)}`, `e${'\u0301'.repeat(8)}\\u{301}\\u{301}`],
      ['a\ufe0f\u{e0100}', 'a\\u{fe0f}\\u{e0100}'],
    ];
    for (const [hostile, shown] of cases) {
      assert.equal(terminalText(hostile), shown);
    }
  });

  it('leaves letters of every script and emoji as they are', () => {
    for (const text of [
      'plain',
      'größe',
      '日本語',
      'e\u0301',
      '👩‍👩‍👧',
      '🇫🇷',
      '🏴\u{e0067}\u{e0062}\u{e0065}\u{e006e}\u{e0067}\u{e007f}',
      '❤️',
      'C:\\Users\\ada',
    ]) {
      assert.equal(terminalText(text), text);
    }
  });

  it('counts terminal columns', () => {
    const cases: readonly (readonly [string, number])[] = [
      ['', 0],
      ['abc', 3],
      ['größe', 5],
      ['日本語', 6],
      ['한국어', 6],
      ['Ｆｕｌｌ', 8],
      ['e\u0301a', 2],
      ['🦊', 2],
      ['👩‍👩‍👧', 2],
      ['🇫🇷', 2],
      ['❤️', 2],
      ['1️⃣', 2],
      ['→ – …', 5],
      // The next ones differ from a table of East Asian blocks: signs that became wide in Unicode 16, vowel signs, half-width marks, fillers.
      ['☰⚊', 4],
      ['䷀', 2],
      ['㉈', 1],
      ['नि', 2],
      ['ｶﾞ', 2],
      ['\u3164', 0],
    ];
    for (const [text, width] of cases) {
      assert.equal(displayWidth(text), width, JSON.stringify(text));
    }
  });

  it('cuts between characters and never exceeds the width', () => {
    assert.equal(clip('abcdef', 6), 'abcdef');
    assert.equal(clip('abcdefg', 6), 'abcde…');
    assert.equal(clip('日本語文', 6), '日本…');
    assert.equal(clip('👩‍👩‍👧👩‍👩‍👧', 3), '👩‍👩‍👧…');
  });

  it('fills up by columns, on either side', () => {
    assert.equal(pad('日', 4), '日  ');
    assert.equal(pad('7', 3, 'right'), '  7');
    assert.equal(pad('long', 2), 'long');
  });

  it('breaks at spaces, and words that are too long behind / or -', () => {
    assert.deepEqual(wrap('runs 2026.1.26, installed 2026.8.31', 16), ['runs 2026.1.26,', 'installed', '2026.8.31']);
    assert.deepEqual(wrap('abcdefghij k', 4), ['abcd', 'efgh', 'ij k']);
    assert.deepEqual(wrap('@modelcontextprotocol/server-memory', 15), ['@modelcontextpr', 'otocol/server-', 'memory']);
    assert.deepEqual(wrap('/home/ada/tools/index.js', 12), ['/home/ada/', 'tools/', 'index.js']);
    assert.deepEqual(wrap('日本語日本語', 5), ['日本', '語日', '本語']);
    assert.deepEqual(wrap('日本', 1), ['日', '本']);
    assert.deepEqual(wrap('as it is', Number.POSITIVE_INFINITY), ['as it is']);
    assert.deepEqual(wrap('', 5), ['']);
  });

  it('keeps every letter when it wraps', () => {
    const text = 'In Claude Code: type /mcp, choose 日本語サーバー, then Reconnect 👩‍👩‍👧 and wait';
    for (let width = 2; width < 60; width++) {
      const lines = wrap(text, width);
      assert.equal(lines.join('').replaceAll(' ', ''), text.replaceAll(' ', ''));
      assert.ok(lines.every((line) => displayWidth(line) <= width));
    }
  });
});
