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

  for (const table of ['test/locks.md', 'test/behaviours.md'].filter(existsSync)) {
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
