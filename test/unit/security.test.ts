import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { describe, it } from 'mocha';

/** `file: title` in backticks, as SECURITY.md names a test. */
const named = /`((?:unit|process|screen|vscode)\/[\w/]+): ([^`]+)`/g;

/** The tests that a document names and that do not exist: no such file, or no title in it that holds the words. */
function absentTests(markdown: string): string[] {
  return [...markdown.matchAll(named)].flatMap(([whole, file, words = '']) => {
    const path = `test/${file}.test.ts`;
    const titles = existsSync(path)
      ? [...readFileSync(path, 'utf8').matchAll(/\bit\(\s*(['`"])((?:\\.|(?!\1).)*)\1/g)].map(([, , title = '']) => title)
      : [];
    return titles.some((title) => title.includes(words)) ? [] : [whole];
  });
}

describe('SECURITY.md', () => {
  const text = readFileSync('SECURITY.md', 'utf8');

  it('names only tests that exist', () => {
    assert.deepEqual(absentTests(text), []);
  });

  it('names a test for each input', () => {
    const [, table = ''] = text.split('| input | what it may cause | shown by |\n| --- | --- | --- |\n');
    const rows = table.split('\n\n')[0]?.split('\n') ?? [];
    assert.ok(rows.length > 20);
    assert.deepEqual(
      rows.filter((row) => [...row.matchAll(named)].length === 0),
      [],
    );
  });

  it('would be reported with a test that is gone', () => {
    assert.deepEqual(absentTests('`unit/security: names only tests that exist`'), []);
    assert.deepEqual(absentTests('`unit/gone: x` `unit/security: names no such test`'), [
      '`unit/gone: x`',
      '`unit/security: names no such test`',
    ]);
  });
});
