import { deepEqual, equal, notEqual, ok } from 'node:assert/strict';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, it } from 'mocha';
import type { Baseline } from '../../../../src/diagnosis/stale/baseline.ts';
import type { PackageRef } from '../../../../src/model/package.ts';
import { readClosure } from '../../../../src/package/readClosure.ts';
import { closureChange, packageChange } from '../../../../src/survey/server/serverVersions.ts';
import { distInfo, sparse, TempTree } from '../../package/tree.ts';

describe('what changed in a closure', () => {
  let tree: TempTree;
  beforeEach(() => {
    tree = new TempTree();
  });
  afterEach(() => tree.remove());

  function read(ref: PackageRef): Extract<ReturnType<typeof readClosure>, { status: 'ok' }> {
    const reading = readClosure(ref);
    ok(reading.status === 'ok', JSON.stringify(reading));
    return reading;
  }

  function begin(ref: PackageRef): () => unknown {
    const baseline: Baseline = { takenAt: 0, trust: 'before-start', packages: read(ref).packages };
    return () => {
      const { own, dependencies } = closureChange(baseline, read(ref));
      return [own, ...dependencies].flatMap((change) => (change ? [`${change.name} ${change.direction}`] : []));
    };
  }

  /** Ways to lose what a file says, without its going away. */
  const spoilt: readonly [string, (path: string, text: string) => void][] = [
    ['empty', (path) => writeFileSync(path, '')],
    ['cut short', (path, text) => writeFileSync(path, text.slice(0, Math.floor(text.length / 2)))],
    ['1 GB', (path) => sparse(path)],
    [
      'a directory',
      (path) => {
        rmSync(path);
        mkdirSync(path);
      },
    ],
  ];

  it('the same two are compared once, also where another reading is compared in between', () => {
    tree.write({ 'a/package.json': { name: 'server', version: '1.0.0', bin: 'i.js' }, 'a/i.js': '' });
    const ref: PackageRef = { ecosystem: 'npm', entry: tree.path('a/i.js'), environment: tree.path('a'), name: 'server', editable: true };
    const [recorded, one, two] = [read(ref), read(ref), read(ref)];
    const first = packageChange(recorded, one);
    notEqual(packageChange(recorded, two), first);
    equal(packageChange(recorded, one), first);
  });

  it('a dependency behind Python metadata that cannot be read is not removed; one that is uninstalled is', () => {
    const site = 'v/lib/python3.11/site-packages';
    const text = 'Metadata-Version: 2.1\nName: server\nVersion: 1.0.0\nRequires-Dist: middle\nRequires-Dist: far\n\n';
    tree.write({
      'v/pyvenv.cfg': 'home = /usr/bin\nversion = 3.11.2\n',
      ...distInfo(site, 'server', '1.0.0', { requires: ['middle'] }),
      ...distInfo(site, 'middle', '1.0.0', { requires: ['far'] }),
      ...distInfo(site, 'far', '1.0.0'),
    });
    const ref: PackageRef = { ecosystem: 'python', entry: tree.path('v/bin/server'), environment: tree.path('v'), name: 'server' };
    const change = begin(ref);
    for (const name of ['server', 'middle']) {
      for (const [what, spoil] of spoilt) {
        const path = tree.path(site, `${name}-1.0.0.dist-info/METADATA`);
        spoil(path, text);
        deepEqual(change(), [], `${name}: ${what}`);
        rmSync(path, { recursive: true });
        tree.write(distInfo(site, name, '1.0.0', { requires: [name === 'server' ? 'middle' : 'far'] }));
      }
    }
    deepEqual(change(), []);
    rmSync(tree.path(site, 'far-1.0.0.dist-info'), { recursive: true });
    deepEqual(change(), ['far removed']);
  });

  it('the same for npm', () => {
    const modules = 'p/node_modules';
    const middle = { name: 'middle', version: '1.0.0', dependencies: { far: '*' } };
    tree.write({
      [`${modules}/server/package.json`]: { name: 'server', version: '1.0.0', dependencies: { middle: '*' } },
      [`${modules}/server/i.js`]: '',
      [`${modules}/middle/package.json`]: middle,
      [`${modules}/far/package.json`]: { name: 'far', version: '1.0.0' },
    });
    const change = begin({ ecosystem: 'npm', entry: tree.path(modules, 'server/i.js'), environment: tree.path('p'), name: 'server' });
    for (const [what, spoil] of spoilt) {
      const path = tree.path(modules, 'middle/package.json');
      spoil(path, JSON.stringify(middle));
      deepEqual(change(), [], what);
      rmSync(path, { recursive: true });
      tree.write({ [`${modules}/middle/package.json`]: middle });
    }
    rmSync(tree.path(modules, 'far'), { recursive: true });
    deepEqual(change(), ['far removed']);
  });
});
