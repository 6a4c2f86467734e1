import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
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

  it('watches each file that its verdict reads, and the folders of links, at most 1,024 in all', () => {
    const write = (path: string, text: string): void => {
      mkdirSync(dirname(join(root, path)), { recursive: true });
      writeFileSync(join(root, path), text);
    };
    const requires = (count: number): void => {
      const names = Array.from({ length: count }, (_, index) => `d${index}`);
      write(
        'node_modules/x/package.json',
        JSON.stringify({ name: 'x', version: '1.0.0', dependencies: Object.fromEntries([...names, 'z'].map((name) => [name, '*'])) }),
      );
      for (const name of names) {
        write(`node_modules/${name}/package.json`, JSON.stringify({ name, version: '1.0.0' }));
      }
    };
    requires(1);
    write('node_modules/x/lib/more.js', '');
    write('node_modules/x/data.json', '{}');
    write('stored/z/package.json', JSON.stringify({ name: 'z', version: '1.0.0' }));
    symlinkSync(join(root, 'stored/z'), join(root, 'node_modules/z'));
    const closures = new Closures();
    let now = Date.now();
    const read = () => closures.current(first, detail, now, ref);
    read();
    const seen = (): string[] => [...closures.watched(), ...closures.watchedFiles()].map((path) => path.slice(root.length + 1));
    for (const path of [
      'node_modules',
      'node_modules/x/package.json',
      'node_modules/x/index.js',
      'node_modules/x/lib/more.js',
      'node_modules/d0/package.json',
      'stored/z/package.json',
    ]) {
      assert.ok(seen().includes(path), path);
    }
    assert.ok(!seen().includes('node_modules/x/data.json') && !seen().includes('node_modules/x/lib'), 'servers write there');

    write('node_modules/d0/package.json', JSON.stringify({ name: 'd0', version: '1.0.1' }));
    closures.changed(join(root, 'node_modules/d0/package.json'));
    const changed = read();
    assert.ok('reading' in changed && changed.reading.status === 'ok');
    assert.equal(changed.reading.packages.find(({ name }) => name === 'd0')?.version, '1.0.1', 'read again after a change');

    requires(1_500);
    now += minute;
    closures.keep(new Set([identityKey(first.identity)]));
    read();
    assert.equal(closures.watchedFiles().length, 1_024);
    assert.ok(seen().includes('node_modules/x/package.json') && seen().includes('node_modules/x/index.js'), 'its own files come first');
  });
});
