import { equal, ok } from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmodSync, linkSync, lutimesSync, renameSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'mocha';
import type { PackageRef } from '../../../src/model/package.ts';
import { readClosure } from '../../../src/package/readClosure.ts';
import { writtenAfter } from '../../../src/package/writtenAfter.ts';
import { until } from '../../until.ts';
import { distInfo, TempTree } from './tree.ts';

const old = new Date('2026-03-01T09:00:00Z');
const hash = (text: string): string => createHash('sha256').update(text).digest('base64url');

describe('a file that was written after the start', () => {
  let tree: TempTree;
  beforeEach(() => {
    tree = new TempTree();
  });
  afterEach(() => tree.remove());

  /** Writes a file with old times: only its change time is new. */
  const write = (path: string, text: string): void => {
    tree.write({ [path]: text });
    utimesSync(tree.path(path), old, old);
  };
  const setOld = (...paths: readonly string[]): void => {
    for (const path of paths) {
      utimesSync(tree.path(path), old, old);
    }
  };
  /** Resolves when a change made now is later than this moment by the clock of the file system, which moves in steps. */
  const moment = async (): Promise<number> => {
    const clock = join(tree.root, 'clock');
    const change = (): number => {
      writeFileSync(clock, '');
      return statSync(clock).ctimeMs;
    };
    const since = change();
    await until('the clock of the file system is later', () => change() > since);
    return since;
  };
  const found = (ref: PackageRef, since: number): string | undefined => {
    const reading = readClosure(ref);
    ok(reading.status === 'ok');
    return writtenAfter(ref, reading, since)?.path.slice(tree.root.length + 1);
  };

  it('of source in place counts unless git shows that it holds what the commit at the start held', async () => {
    const manifest = JSON.stringify({ name: 'tiny', version: '1.0.0' });
    write('p/package.json', manifest);
    write('p/server.js', '');
    const ref: PackageRef = {
      ecosystem: 'npm',
      entry: tree.path('p/server.js'),
      environment: tree.path('p'),
      name: 'tiny',
      editable: true,
    };
    const since = await moment();
    utimesSync(tree.path('p/package.json'), new Date(), new Date());
    equal(found(ref, since), 'p/package.json', 'without git');
    const git = (date: string, ...args: readonly string[]): unknown =>
      execFileSync('git', ['-c', 'user.name=t', '-c', 'user.email=t@example.invalid', ...args], {
        cwd: tree.path('p'),
        env: { ...process.env, HOME: tree.root, GIT_CONFIG_NOSYSTEM: '1', GIT_COMMITTER_DATE: date },
      });
    const commit = (date: Date): void => {
      git(date.toISOString(), 'init', '-q');
      git(date.toISOString(), 'add', '.');
      git(date.toISOString(), 'commit', '-qm', 'one');
    };
    commit(old);
    equal(found(ref, since), undefined, 'a touch');
    chmodSync(tree.path('p/package.json'), 0o600);
    equal(found(ref, since), undefined, 'a chmod');
    writeFileSync(tree.path('p/package.json'), manifest.replace('1.0.0', '1.1.0'));
    equal(found(ref, since), 'p/package.json', 'another content');
    commit(new Date(since + 3_600_000));
    equal(found(ref, since), 'p/package.json', 'committed after the start');
  });

  it('of a Python package counts unless it holds what its installer recorded, and so does RECORD itself', async () => {
    const site = 'v/lib/python3.11/site-packages';
    const record = `server/__init__.py,sha256=${hash('one')},3\n../../../../outside,sha256=${hash('x')},1\nserver/__pycache__/a.pyc,sha256=${hash('x')},1\n`;
    const lib = distInfo(site, 'lib', '1.0', { record: '' });
    tree.write({
      'v/pyvenv.cfg': 'version = 3.11.2\n',
      ...distInfo(site, 'server', '1.0', { record, requires: ['lib'] }),
      ...lib,
      outside: 'y',
    });
    tree.write({ [`${site}/server/__pycache__/a.pyc`]: 'y' });
    write(`${site}/server/__init__.py`, 'one');
    const ref: PackageRef = { ecosystem: 'python', entry: tree.path('v/bin/server'), environment: tree.path('v'), name: 'server' };
    let since = await moment();
    tree.write({ [`${site}/server/__init__.py`]: 'one' });
    equal(found(ref, since), undefined, 'touched');
    write(`${site}/server/__init__.py`, 'two');
    equal(found(ref, since), `${site}/server/__init__.py`, 'with its old times');
    since = await moment();
    equal(found(ref, since), undefined, 'before the start');
    rmSync(tree.path(site, 'server/__init__.py'));
    equal(found(ref, since), `${site}/server/__init__.py`, 'removed');
    since = await moment();
    equal(found(ref, since), undefined, 'removed before the start');
    tree.write({ [`${site}/server/__init__.py`]: 'one' });
    since = await moment();
    for (const name of ['server', 'lib']) {
      chmodSync(tree.path(site, `${name}-1.0.dist-info/RECORD`), 0o640);
      equal(found(ref, since), `${site}/${name}-1.0.dist-info/RECORD`);
      since = await moment();
    }
  });

  it('of an npm package: code and version of the own one, the version of the others, also with old times; not a file with several links', async () => {
    const modules = 'p/node_modules';
    write(`${modules}/server/package.json`, '{"name":"server","version":"1.0.0","dependencies":{"lib":"*"}}');
    write(`${modules}/lib/package.json`, '{"name":"lib","version":"1.0.0"}');
    for (const file of ['server/run', 'server/a/code.js', 'lib/index.js', 'server/data.json']) {
      write(`${modules}/${file}`, '');
    }
    const ref: PackageRef = { ecosystem: 'npm', entry: tree.path(modules, 'server/run'), environment: tree.path('p'), name: 'server' };
    let since = await moment();
    equal(found(ref, since), undefined);
    for (const [file, counts] of [
      ['server/data.json', false],
      ['lib/index.js', false],
      ['lib/package.json', true],
      ['server/a/code.js', true],
      ['server/run', true],
      ['server/package.json', true],
    ] as const) {
      const path = `${modules}/${file}`;
      utimesSync(tree.path(path), new Date(), new Date());
      equal(found(ref, since), counts ? path : undefined, file);
      setOld(path);
      equal(found(ref, since), counts ? path : undefined, `${file} with old times`);
      linkSync(tree.path(path), tree.path('store'));
      equal(found(ref, since), undefined, `${file} with another link`);
      rmSync(tree.path('store'));
      since = await moment();
    }
  });

  it('counts where a directory was moved into the place of the package, of its code, or above it', async () => {
    for (const base of ['', 'new/']) {
      write(`${base}p/node_modules/server/package.json`, '{"name":"server","version":"1.0.0","dependencies":{"lib":"*"}}');
      write(`${base}p/node_modules/server/dist/index.js`, '');
      write(`${base}p/node_modules/lib/package.json`, '{"name":"lib","version":"1.0.0"}');
    }
    const ref: PackageRef = {
      ecosystem: 'npm',
      entry: tree.path('p/node_modules/server/dist/index.js'),
      environment: tree.path('p'),
      name: 'server',
    };
    for (const path of ['p/node_modules/lib', 'p/node_modules/server/dist', 'p/node_modules/server', 'p/node_modules', 'p']) {
      const since = await moment();
      equal(found(ref, since), undefined);
      renameSync(tree.path(path), tree.path('away'));
      renameSync(tree.path('new', path), tree.path(path));
      equal(found(ref, since), path);
      renameSync(tree.path('away'), tree.path('new', path));
    }
  });

  it('of links: on the way to a dependency, on the way to its target, the folder around it', async () => {
    const modules = 'p/node_modules';
    tree.write({ 'p/store/current': { link: 'a' } });
    write('p/store/a/lib2/package.json', '{"name":"lib2","version":"1.0.0"}');
    write(`${modules}/server/package.json`, '{"name":"server","version":"1.0.0","dependencies":{"lib2":"*","@s/lib3":"*"}}');
    write(`${modules}/server/run`, '');
    write('p/scope/lib3/package.json', '{"name":"@s/lib3","version":"1.0.0"}');
    tree.write({ [`${modules}/lib2`]: { link: '../store/current/lib2' }, [`${modules}/@s`]: { link: '../scope' } });
    const links = [`${modules}/lib2`, 'p/store/current', `${modules}/@s`];
    const ref: PackageRef = { ecosystem: 'npm', entry: tree.path(modules, 'server/run'), environment: tree.path('p'), name: 'server' };
    const since = await moment();
    const setLink = (path: string, at: Date): void => lutimesSync(tree.path(path), at, at);
    for (const link of links) {
      setLink(link, old);
    }
    equal(found(ref, since), undefined, 'links that are older');
    for (const link of links) {
      setLink(link, new Date(since + 60_000));
      equal(found(ref, since), link);
      setLink(link, old);
    }
  });

  it('of source in place: its package.json; its code is compared on its own', async () => {
    const ref: PackageRef = { ecosystem: 'npm', editable: true, entry: tree.path('q/run.js'), environment: tree.path('q'), name: 'q' };
    write('q/package.json', '{"name":"q","version":"1.0.0"}');
    write('q/run.js', '');
    const since = await moment();
    write('q/run.js', 'x');
    equal(found(ref, since), undefined);
    write('q/package.json', '{"name":"q","version":"1.1.0"}');
    equal(found(ref, since), 'q/package.json');
  });
});
