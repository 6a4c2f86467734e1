import { equal, ok } from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { chmodSync, linkSync, lutimesSync, rmSync, statSync, utimesSync } from 'node:fs';
import { afterEach, beforeEach, describe, it } from 'mocha';
import type { PackageRef } from '../../../src/model/package.ts';
import { readClosure } from '../../../src/package/readClosure.ts';
import { writtenAfter } from '../../../src/package/writtenAfter.ts';
import { until } from '../../until.ts';
import { distInfo, TempTree } from './tree.ts';

const start = Date.parse('2026-03-01T09:00:00Z');
const hash = (text: string): string => createHash('sha256').update(text).digest('base64url');

describe('a file that was written after the start', () => {
  let tree: TempTree;
  beforeEach(() => {
    tree = new TempTree();
  });
  afterEach(() => tree.remove());

  const write = (path: string, text: string, minutes: number): void => {
    tree.write({ [path]: text });
    const at = new Date(start + minutes * 60_000);
    utimesSync(tree.path(path), at, at);
  };
  const found = (ref: PackageRef): string | undefined => {
    const reading = readClosure(ref);
    const written = reading.status === 'ok' ? writtenAfter(ref, reading, start) : undefined;
    return written?.path.slice(tree.root.length + 1);
  };

  it('of a Python package counts unless it holds what its installer recorded', () => {
    const site = 'v/lib/python3.11/site-packages';
    const record = `server/__init__.py,sha256=${hash('one')},3\n../../../../outside,sha256=${hash('x')},1\nserver/__pycache__/a.pyc,sha256=${hash('x')},1\n`;
    tree.write({ 'v/pyvenv.cfg': 'version = 3.11.2\n', ...distInfo(site, 'server', '1.0', { record }), outside: 'y' });
    tree.write({ [`${site}/server/__pycache__/a.pyc`]: 'y' });
    const ref: PackageRef = { ecosystem: 'python', entry: tree.path('v/bin/server'), environment: tree.path('v'), name: 'server' };
    write(`${site}/server/__init__.py`, 'one', 1);
    equal(found(ref), undefined, 'touched');
    write(`${site}/server/__init__.py`, 'two', 1);
    equal(found(ref), `${site}/server/__init__.py`);
    write(`${site}/server/__init__.py`, 'two', -1);
    equal(found(ref), undefined, 'before the start');
  });

  it('of an npm package: its package.json that was copied over with old times counts; chmod of all, a hard link and a restored copy do not', async () => {
    const root = 'p/node_modules/server';
    const files = [`${root}/package.json`, `${root}/index.js`];
    write(`${root}/package.json`, '{"name":"server","version":"1.0.0"}', -1);
    write(`${root}/index.js`, '', -1);
    const ref: PackageRef = { ecosystem: 'npm', entry: tree.path(root, 'index.js'), environment: tree.path('p'), name: 'server' };
    const since = Math.max(...files.map((file) => statSync(tree.path(file)).ctimeMs));
    const later = (): string | undefined => {
      const reading = readClosure(ref);
      ok(reading.status === 'ok');
      return writtenAfter(ref, reading, since)?.path.slice(tree.root.length + 1);
    };
    equal(later(), undefined);
    // The clock of the file system moves in steps.
    await until('the change time is later', () => {
      write(`${root}/package.json`, '{"name":"server","version":"1.1.0"}', -1);
      return statSync(tree.path(files[0] ?? '')).ctimeMs > since;
    });
    equal(later(), files[0]);
    linkSync(tree.path(root, 'package.json'), tree.path('store'));
    equal(later(), undefined, 'a hard link');
    rmSync(tree.path('store'));
    equal(later(), files[0]);
    for (const file of files) {
      chmodSync(tree.path(file), 0o640);
    }
    equal(later(), undefined, 'chmod -R');
  });

  it('of an npm package counts by its time: code and version of the own one, the version of the others', () => {
    const modules = 'p/node_modules';
    write(`${modules}/server/package.json`, '{"name":"server","version":"1.0.0","dependencies":{"lib":"*"}}', -1);
    write(`${modules}/lib/package.json`, '{"name":"lib","version":"1.0.0"}', -1);
    for (const file of ['server/run', 'server/a/code.js', 'lib/index.js', 'server/data.json']) {
      write(`${modules}/${file}`, '', -1);
    }
    const ref: PackageRef = { ecosystem: 'npm', entry: tree.path(modules, 'server/run'), environment: tree.path('p'), name: 'server' };
    equal(found(ref), undefined);
    for (const [file, counts] of [
      ['server/data.json', false],
      ['lib/index.js', false],
      ['lib/package.json', true],
      ['server/a/code.js', true],
      ['server/run', true],
      ['server/package.json', true],
    ] as const) {
      const at = new Date(start + 60_000);
      utimesSync(tree.path(modules, file), at, at);
      equal(found(ref), counts ? `${modules}/${file}` : undefined, file);
      utimesSync(tree.path(modules, file), new Date(start - 60_000), new Date(start - 60_000));
    }
    // A link of the way to a dependency: its own, one on the way to its target, the folder around it.
    tree.write({ 'p/store/current': { link: 'a' } });
    write('p/store/a/lib2/package.json', '{"name":"lib2","version":"1.0.0"}', -1);
    write(`${modules}/server/package.json`, '{"name":"server","version":"1.0.0","dependencies":{"lib":"*","lib2":"*","@s/lib3":"*"}}', -1);
    write('p/scope/lib3/package.json', '{"name":"@s/lib3","version":"1.0.0"}', -1);
    tree.write({ [`${modules}/lib2`]: { link: '../store/current/lib2' }, [`${modules}/@s`]: { link: '../scope' } });
    const links = [`${modules}/lib2`, 'p/store/current', `${modules}/@s`];
    const setLink = (path: string, minutes: number): void => {
      const at = new Date(start + minutes * 60_000);
      lutimesSync(tree.path(path), at, at);
    };
    for (const link of links) {
      setLink(link, -1);
    }
    equal(found(ref), undefined, 'links that are older');
    for (const link of links) {
      setLink(link, 1);
      equal(found(ref), link);
      setLink(link, -1);
    }
    const project: PackageRef = { ...ref, editable: true, entry: tree.path('q/run.js'), environment: tree.path('q') };
    write('q/package.json', '{"name":"q","version":"1.0.0"}', 1);
    write('q/run.js', '', 1);
    equal(found(project), undefined, 'source in place is compared on its own');
  });
});
