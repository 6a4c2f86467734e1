import assert from 'node:assert/strict';
import { chmodSync, existsSync, lstatSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'mocha';
import { hasChanged, keepFiles, putBack } from '../../../../src/action/upgrade/keptFiles.ts';

describe('keepFiles', () => {
  let folder = '';
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'kept-'));
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  it('puts content and mode back, and removes what was not there', () => {
    const [manifest, lock] = [join(folder, 'package.json'), join(folder, 'package-lock.json')];
    writeFileSync(manifest, 'old');
    chmodSync(manifest, 0o640);
    const kept = keepFiles([manifest, lock]);
    assert.ok(!('reason' in kept));
    assert.deepEqual(kept.map(hasChanged), [false, false]);
    writeFileSync(manifest, 'new');
    writeFileSync(lock, '{}');
    assert.deepEqual(kept.map(hasChanged), [true, true]);
    kept.forEach(putBack);
    assert.equal(readFileSync(manifest, 'utf8'), 'old');
    assert.equal(lstatSync(manifest).mode & 0o777, 0o640);
    assert.equal(existsSync(lock), false);
  });

  it('keeps no link, and replaces a link that stands there later instead of following it', () => {
    const [manifest, outside] = [join(folder, 'package.json'), join(folder, 'outside')];
    writeFileSync(outside, 'mine');
    symlinkSync(outside, manifest);
    assert.ok('reason' in keepFiles([manifest]));
    rmSync(manifest);
    writeFileSync(manifest, 'old');
    const kept = keepFiles([manifest]);
    rmSync(manifest);
    symlinkSync(outside, manifest);
    assert.ok(!('reason' in kept));
    kept.forEach(putBack);
    assert.deepEqual([readFileSync(outside, 'utf8'), readFileSync(manifest, 'utf8')], ['mine', 'old']);
  });
});
