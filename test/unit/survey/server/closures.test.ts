import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'mocha';
import type { PackageRef } from '../../../../src/model/package.ts';
import { identityKey, type ProcessDetail } from '../../../../src/model/process.ts';
import { Closures } from '../../../../src/survey/server/closures.ts';
import { row } from '../../../fixtures/argv/processRows.ts';

const detail: ProcessDetail = { stdin: 'connected', listens: false, missing: [] };
const [first, second] = [row(12, 1, ['one']), row(13, 1, ['two'])];
const minute = 61_000;

describe('Closures', () => {
  let root: string;
  let ref: PackageRef;
  const manifest = (version: string): void =>
    writeFileSync(join(root, 'node_modules', 'x', 'package.json'), JSON.stringify({ name: 'x', version }));

  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), 'closures-'));
    const directory = join(root, 'node_modules', 'x');
    mkdirSync(directory, { recursive: true });
    manifest('1.0.0');
    writeFileSync(join(directory, 'index.js'), '');
    ref = { ecosystem: 'npm', name: 'x', entry: join(directory, 'index.js'), environment: root };
  });
  afterEach(() => rmSync(root, { recursive: true, force: true }));

  it('gives all copies one reading, the same object while it says the same, and another when it does not', () => {
    const closures = new Closures();
    const now = Date.now();
    const alive = new Set([first, second].map(({ identity }) => identityKey(identity)));
    const look = (at: number) => {
      const readings = [first, second].map((one) => {
        const sight = closures.current(one, detail, at, ref);
        assert.ok('reading' in sight);
        return sight.reading;
      });
      closures.keep(alive);
      assert.equal(readings[0], readings[1]);
      return readings[0];
    };
    const before = look(now);
    assert.ok(before?.status === 'ok');
    assert.equal(before.packages[0]?.version, '1.0.0');
    assert.equal(look(now + minute), before);
    assert.equal(look(now + 2 * minute), before, 'by what stands still alone');
    manifest('1.0.1');
    const after = look(now + 3 * minute);
    assert.ok(after?.status === 'ok');
    assert.equal(after.packages[0]?.version, '1.0.1');
    closures.keep(new Set());
    assert.notEqual(look(now + 4 * minute), after, 'it was no longer used');
  });
});
