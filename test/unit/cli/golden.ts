import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';

/**
 * Compares a text with the reviewed one in `test/unit/AREA/golden`. `UPDATE_GOLDEN=1` writes the file: look at the difference before you commit it.
 */
export function assertGolden(name: string, text: string, area: 'cli' | 'extension' = 'cli'): void {
  const folder = new URL(`../${area}/golden/`, import.meta.url);
  const file = new URL(`${name}.txt`, folder);
  if (process.env.UPDATE_GOLDEN === '1') {
    mkdirSync(folder, { recursive: true });
    writeFileSync(file, text);
  }
  assert.equal(text, readFileSync(file, 'utf8'));
}
