import { deepEqual, equal, match, ok } from 'node:assert/strict';
import { chmodSync, linkSync, readFileSync, renameSync, rmSync, statSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, it } from 'mocha';
import { CodeCheck, followed } from '../../../../src/guard/stale/codeCheck.ts';
import { ServerCode } from '../../../../src/guard/stale/serverCode.ts';
import type { PackageRef } from '../../../../src/model/package.ts';
import { resolveCommand } from '../../../../src/package/resolve/resolveCommand.ts';
import { distInfo, TempTree, type Tree } from '../../package/tree.ts';

const site = 'v/lib/python3.11/site-packages';
const venv = { 'v/pyvenv.cfg': 'version = 3.11.2\n' };
const metadata = (name: string, version: string): string => `Metadata-Version: 1.1\nName: ${name}\nVersion: ${version}\n\n`;

describe('ChildCode: A19, each layout', () => {
  let tree: TempTree;
  /** A clock that is well after every file of the test, so that the fingerprint is believed, as in a server that runs for hours. */
  const later = (): number => Date.now() + 60_000;

  beforeEach(() => {
    tree = new TempTree();
  });
  afterEach(() => tree.remove());

  const loaded = (files: Tree, ref: Partial<PackageRef> & Pick<PackageRef, 'ecosystem'>): CodeCheck => {
    tree.write(files);
    const child = new ServerCode(later);
    const where = ref.ecosystem === 'python' ? 'v' : 'p';
    child.record({ ref: { entry: tree.path(where, 'entry'), environment: tree.path(where), name: 'server', ...ref } });
    equal(child.unknown, undefined);
    const check = new CodeCheck(child);
    equal(check.check().state, 'unchanged');
    return check;
  };
  const drift = (child: CodeCheck): unknown => {
    const state = child.check();
    return state.state === 'changed'
      ? state.packages.map(({ name, serving, installed }) => `${name} ${serving} ${installed}`)
      : state.state;
  };

  it('a command that led to the server leads to an older file now: another version; one that never led there says nothing', () => {
    for (const [folder, version] of [
      ['first', '1.0.0'],
      ['second', '1.1.0'],
    ] as const) {
      tree.write({
        [`srv/${folder}/package.json`]: { name: 'server', version },
        [`srv/${folder}/index.js`]: '#!/usr/bin/env node\n',
        [`${folder}/server`]: { link: `../srv/${folder}/index.js` },
      });
      chmodSync(tree.path('srv', folder, 'index.js'), 0o755);
    }
    const command = { command: 'server', args: [], cwd: tree.path('.'), env: { PATH: `${tree.path('first')}:${tree.path('second')}` } };
    // Each file is older than the server.
    const code = new ServerCode(later);
    const environment = new Map(Object.entries(command.env));
    const lead = resolveCommand({ words: ['server'], cwd: command.cwd, environment, platform: process.platform });
    ok('found' in lead);
    code.record(lead.found);
    const check = new CodeCheck(code, followed(command));
    equal(drift(check), 'unchanged');
    rmSync(tree.path('first/server'));
    deepEqual(drift(check), ['server 1.0.0 1.1.0']);
    equal(drift(new CodeCheck(code, followed(command))), 'unchanged');
  });

  it('a command that led to the server leads to another package now: nothing is compared, and the reason is named', () => {
    tree.write({
      'srv/package.json': { name: 'server', version: '1.0.0' },
      'srv/index.js': '',
      'other/package.json': { name: 'other', version: '5.0.0' },
      'other/index.js': '',
      now: { link: 'srv' },
    });
    const entry = tree.path('now/index.js');
    const command = { command: process.execPath, args: [entry], cwd: tree.path('.'), env: {} };
    const code = new ServerCode(later);
    code.record({ ref: { ecosystem: 'npm', entry, environment: tree.path('srv'), name: 'server' } });
    const check = new CodeCheck(code, followed(command));
    deepEqual([drift(check), check.lost], ['unchanged', undefined]);
    rmSync(tree.path('now'));
    tree.write({ now: { link: 'other' } });
    equal(check.check().state === 'changed', false);
    match(check.lost ?? '', /another package now \(other\)/);
    rmSync(tree.path('now'));
    tree.write({ now: { link: 'srv' } });
    deepEqual([drift(check), check.lost], ['unchanged', undefined]);
  });

  it('egg-info as a file, by its name and in place', () => {
    const child = loaded({ ...venv, [`${site}/server-1.0-py3.11.egg-info`]: metadata('server', '1.0') }, { ecosystem: 'python' });
    writeFileSync(tree.path(site, 'server-1.0-py3.11.egg-info'), metadata('server', '1.1'));
    deepEqual(drift(child), ['server 1.0 1.1']);
    writeFileSync(tree.path(site, 'server-1.0-py3.11.egg-info'), metadata('server', '1.0'));
    equal(drift(child), 'unchanged');
    rmSync(tree.path(site, 'server-1.0-py3.11.egg-info'));
    writeFileSync(tree.path(site, 'server-2.0-py3.11.egg-info'), metadata('server', '2.0'));
    deepEqual(drift(child), ['server 1.0 2.0']);
  });

  it('egg-info as a folder without a version in its name', () => {
    const info = `${site}/server.egg-info`;
    const files = { [`${info}/PKG-INFO`]: metadata('server', '1.0'), [`${info}/requires.txt`]: 'lib\n', ...distInfo(site, 'lib', '1.0') };
    const child = loaded({ ...venv, ...files }, { ecosystem: 'python' });
    writeFileSync(tree.path(info, 'PKG-INFO'), metadata('server', '1.1'));
    deepEqual(drift(child), ['server 1.0 1.1']);
  });

  it('uv: files hard-linked from a store with old times', () => {
    const old = new Date(1_600_000_000_000);
    const files = { ...distInfo(site, 'server', '1.0', { requires: ['lib'] }), ...distInfo(site, 'lib', '1.0') };
    const store = { 'store/1.0': metadata('lib', '1.0'), 'store/1.1': metadata('lib', '1.1') };
    tree.write({ ...venv, ...files, ...store });
    const place = tree.path(site, 'lib-1.0.dist-info/METADATA');
    for (const version of ['1.0', '1.1']) {
      utimesSync(tree.path('store', version), old, old);
    }
    rmSync(place);
    linkSync(tree.path('store/1.0'), place);
    const child = loaded({}, { ecosystem: 'python' });
    // The same file linked into another environment moves its change time, and changes nothing.
    linkSync(tree.path('store/1.0'), tree.path('store/elsewhere'));
    equal(drift(child), 'unchanged');
    rmSync(place);
    linkSync(tree.path('store/1.1'), place);
    deepEqual(drift(child), ['lib 1.0 1.1']);
  });

  it('npm: renamed into place, with size and time as before', () => {
    const manifest = (version: string): string => JSON.stringify({ name: 'lib', version });
    const child = loaded(
      {
        'p/node_modules/server/package.json': { name: 'server', version: '1.0.0', dependencies: { lib: '*' } },
        'p/node_modules/server/entry': '',
        'p/node_modules/lib/package.json': manifest('1.0.0'),
      },
      { ecosystem: 'npm', entry: tree.path('p/node_modules/server/entry') },
    );
    const file = tree.path('p/node_modules/lib/package.json');
    const { atime, mtime } = statSync(file);
    writeFileSync(`${file}.new`, manifest('1.0.1'));
    utimesSync(`${file}.new`, atime, mtime);
    renameSync(`${file}.new`, file);
    deepEqual(drift(child), ['lib 1.0.0 1.0.1']);
    // In place, and the times set back: the change time cannot be.
    writeFileSync(file, manifest('1.0.0'));
    utimesSync(file, atime, mtime);
    equal(drift(child), 'unchanged');
    equal(readFileSync(file, 'utf8'), manifest('1.0.0'));
  });

  it('pnpm: a dependency whose link in the store leads elsewhere now', () => {
    const store = 'p/node_modules/.pnpm';
    const child = loaded(
      {
        [`${store}/server@1.0.0/node_modules/server/package.json`]: { name: 'server', version: '1.0.0', dependencies: { lib: '^1' } },
        [`${store}/server@1.0.0/node_modules/server/entry`]: '',
        [`${store}/lib@1.0.0/node_modules/lib/package.json`]: { name: 'lib', version: '1.0.0' },
        [`${store}/lib@1.1.0/node_modules/lib/package.json`]: { name: 'lib', version: '1.1.0' },
        [`${store}/server@1.0.0/node_modules/lib`]: { link: '../../lib@1.0.0/node_modules/lib' },
        'p/node_modules/server': { link: '.pnpm/server@1.0.0/node_modules/server' },
      },
      { ecosystem: 'npm', entry: tree.path('p/node_modules/server/entry') },
    );
    const link = tree.path(store, 'server@1.0.0/node_modules/lib');
    rmSync(link);
    symlinkSync('../../lib@1.1.0/node_modules/lib', link);
    deepEqual(drift(child), ['lib 1.0.0 1.1.0']);
  });

  it('a release folder behind a link that is switched', () => {
    const release = (version: string): Tree => ({
      [`release-${version}/node_modules/server/package.json`]: { name: 'server', version },
      [`release-${version}/node_modules/server/entry`]: '',
    });
    tree.write({ ...release('1.0.0'), ...release('2.0.0'), current: { link: 'release-1.0.0' } });
    const environment = tree.path('current');
    const child = loaded({}, { ecosystem: 'npm', environment, entry: tree.path('current/node_modules/server/entry') });
    symlinkSync('release-2.0.0', tree.path('next'));
    renameSync(tree.path('next'), environment);
    deepEqual(drift(child), ['server 1.0.0 2.0.0']);
  });

  it('what was installed after the start of a process that ran before the guard saw it is not taken for what it runs', () => {
    tree.write({ ...venv, ...distInfo(site, 'server', '1.0', { requires: ['lib'] }), ...distInfo(site, 'lib', '1.0') });
    const ref: PackageRef = { ecosystem: 'python', entry: tree.path('v', 'entry'), environment: tree.path('v'), name: 'server' };
    const [before, within, after] = [-60_000, -1_000, 60_000].map((offset) => {
      const child = new ServerCode(later);
      child.record({ ref }, Date.now() + offset);
      return child;
    });
    equal(
      before?.unknown?.replace(/^(server|lib)/, 'it'),
      'it was installed after it started and before the guard saw it: what it runs may be older, and is not known',
    );
    equal(before && new CodeCheck(before).check().state, 'unreadable');
    equal(within?.unknown, undefined);
    equal(after?.unknown, undefined);
  });
});
