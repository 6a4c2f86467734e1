import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { describe, it } from 'mocha';

/** The tables that say which test proves what: every test that they name is there. */
describe('Tables of tests', () => {
  it('test/locks.md has all 34 of the protocol', () => {
    const numbers = [...readFileSync('test/locks.md', 'utf8').matchAll(/^\| (\d+) \|/gm)].map((match) => Number(match[1]));
    assert.deepEqual(
      numbers,
      Array.from({ length: 34 }, (_, index) => index + 1),
    );
  });

  it('test/behaviours.md has all 107, each with a test or with the reason why there is none', () => {
    const rows = readFileSync('test/behaviours.md', 'utf8').matchAll(/^\| ([A-D]\d+) \| [^|]+ \| ([^|]+) \|/gm);
    const found = [...rows].map(([, id = '', cell = '']) => ({ id, told: cell.includes('.test.ts:') || /^– \(.+\)$/.test(cell.trim()) }));
    const wanted = Object.entries({ A: 34, B: 30, C: 21, D: 22 }).flatMap(([part, count]) =>
      Array.from({ length: count }, (_, index) => `${part}${index + 1}`),
    );
    assert.deepEqual(
      found.map(({ id }) => id),
      wanted,
    );
    assert.deepEqual(
      found.filter(({ told }) => !told).map(({ id }) => id),
      [],
    );
  });

  for (const table of ['test/locks.md', 'test/behaviours.md']) {
    it(`${table} names tests that exist`, () => {
      const named = [...readFileSync(table, 'utf8').matchAll(/`(test\/[\w./-]+\.test\.ts): ([^`]+)`/g)];
      assert.ok(named.length > 20);
      const missing = named.filter(([, file = '', title = '']) => !existsSync(file) || !readFileSync(file, 'utf8').includes(title));
      assert.deepEqual(
        missing.map(([whole]) => whole),
        [],
      );
    });
  }
});
