import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'mocha';
import type { PackageRef } from '../../../src/model/package.ts';
import { ClosureReader } from '../../../src/package/closureReader.ts';

describe('ClosureReader', () => {
  let root: string;
  let directory: string;
  let ref: PackageRef;
  let reader: ClosureReader;
  let now: number;

  /** Later by so much that nothing counts as just changed. */
  const read = () => {
    now += 60_000;
    const reading = reader.read(ref, now);
    assert.ok(reading.status === 'ok');
    return reading;
  };

  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), 'closure-reader-'));
    // No lock file of npm's: the code itself tells one content from another.
    directory = join(root, 'node_modules', 'x');
    mkdirSync(join(directory, 'dist'), { recursive: true });
    mkdirSync(join(directory, 'lib'));
    writeFileSync(join(directory, 'package.json'), JSON.stringify({ name: 'x', version: '1.0.0' }));
    writeFileSync(join(directory, 'dist', 'index.js'), 'one');
    writeFileSync(join(directory, 'lib', 'other.js'), 'one');
    ref = { ecosystem: 'npm', name: 'x', entry: join(directory, 'dist', 'index.js'), environment: root };
    reader = new ClosureReader();
    now = Date.now();
  });
  afterEach(() => rmSync(root, { recursive: true, force: true }));

  it('gives the same object for what stands still, and sees code that is replaced in place, added or taken away', () => {
    let before = read();
    const changes = [
      () => writeFileSync(join(directory, 'dist', 'index.js'), 'two'),
      () => writeFileSync(join(directory, 'lib', 'other.js'), 'two'),
      () => writeFileSync(join(directory, 'lib', 'more.js'), ''),
      () => renameSync(join(directory, 'lib', 'more.js'), join(directory, 'lib', 'more.txt')),
    ];
    for (const change of changes) {
      assert.equal(read(), before);
      assert.equal(read(), before, 'by what stands still alone');
      change();
      const after = read();
      assert.notEqual(after.packages[0]?.content, before.packages[0]?.content);
      assert.equal(after.packages[0]?.version, '1.0.0');
      before = after;
    }
  });

  it('reads again what is in doubt', () => {
    const before = read();
    assert.equal(read(), before);
    reader.doubt();
    assert.equal(read(), before);
    reader.keep(new Set());
    assert.notEqual(read(), before, 'it was no longer used');
  });
});
