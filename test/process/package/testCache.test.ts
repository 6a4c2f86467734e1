import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'mocha';
import { keptFolder, testCache } from './testCache.ts';

describe('A folder that test files share', () => {
  it('is made again when the process that began it ended, and not again when it is whole', async () => {
    const name = `left-${process.pid}-${Date.now()}`;
    const begun = join(testCache(), `${name}.begun`);
    mkdirSync(begun, { recursive: true });
    mkdirSync(join(testCache(), name));
    writeFileSync(join(testCache(), name, 'half'), '');
    const before = new Date(Date.now() - 120_000);
    utimesSync(begun, before, before);
    const make = (text: string) => async (folder: string) => writeFileSync(join(folder, 'text'), text, { flag: 'wx' });
    const folder = await keptFolder(name, make('first'));
    assert.equal(await keptFolder(name, make('second')), folder);
    assert.equal(readFileSync(join(folder, 'text'), 'utf8'), 'first');
  });
});
