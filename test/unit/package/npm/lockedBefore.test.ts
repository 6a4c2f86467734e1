import { equal } from 'node:assert/strict';
import { utimesSync, writeFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, it } from 'mocha';
import type { InstalledPackage } from '../../../../src/model/package.ts';
import { lockedBefore } from '../../../../src/package/npm/lockedBefore.ts';
import { TempTree } from '../tree.ts';

describe('what a lock file says that is older than the start', () => {
  let tree: TempTree;
  beforeEach(() => {
    tree = new TempTree();
  });
  afterEach(() => tree.remove());
  const item = (name: string, version: string, path = `node_modules/${name}`): InstalledPackage => ({
    ecosystem: 'npm',
    name,
    version,
    root: tree.path('p', path),
  });
  const later = (): number => Date.now() + 1_000;

  it('names the versions that were there already, in the form of npm, pnpm and bun', () => {
    for (const [file, text] of [
      ['package-lock.json', { packages: { 'node_modules/@s/a': { version: '1.0.0' }, 'node_modules/b': { version: '2.0.0' } } }],
      ['pnpm-lock.yaml', "packages:\n\n  '@s/a@1.0.0':\n    resolution: {}\n\n  b@2.0.0(c@1.0.0):\n"],
      ['pnpm-lock.yaml', "packages:\n  '@s/a@1.0.0': {}\n  ? b@file:files/b.tgz\n  : version: >-\n      2.0.0\n"],
      ['bun.lock', '{ "packages": { "@s/a": ["@s/a@1.0.0", {}], "b": ["b@../files/b-2.0.0.tgz", {}] } }'],
    ] as const) {
      tree.write({ [`p/${file}`]: text });
      equal(lockedBefore([item('@s/a', '1.0.0'), item('b', '2.0.0')], later()), true, file);
      equal(lockedBefore([item('@s/a', '1.0.0'), item('b', '2.0.1')], later()), false, `${file}: another version`);
      equal(lockedBefore([item('b', '2.0.0-rc.1')], later()), false, `${file}: before the release`);
      equal(lockedBefore([item('a', '1.0.0')], later()), false, `${file}: another name`);
      equal(lockedBefore([item('@s/a', '1.0.0')], Date.now() - 60_000), false, `${file}: written since`);
      utimesSync(tree.path('p', file), 1_000_000_000, 1_000_000_000);
      equal(lockedBefore([item('@s/a', '1.0.0')], Date.now() - 60_000), false, `${file}: put there with old times`);
      tree.remove();
      tree = new TempTree();
    }
  });

  it('is no evidence where there is none, where it is broken, or beside one of another installer that was written since', () => {
    equal(lockedBefore([item('b', '2.0.0')], later()), false);
    equal(lockedBefore([], later()), false);
    tree.write({ 'p/pnpm-lock.yaml': 'packages: {b@2.0.0: {' });
    equal(lockedBefore([item('b', '2.0.0')], later()), false);
    tree.write({ 'p/package-lock.json': 'no JSON', 'p/pnpm-lock.yaml': '' });
    equal(lockedBefore([item('b', '2.0.0')], later()), false);
    writeFileSync(tree.path('p/package-lock.json'), JSON.stringify({ packages: { 'node_modules/b': { version: '2.0.0' } } }));
    const moment = later();
    equal(lockedBefore([item('b', '2.0.0')], moment), true);
    tree.write({ 'p/bun.lock/x': '' });
    equal(lockedBefore([item('b', '2.0.0')], moment), false);
  });
});
