import { deepEqual, equal, ok } from 'node:assert/strict';
import { chmodSync, renameSync, rmSync, symlinkSync } from 'node:fs';
import { afterEach, beforeEach, describe, it } from 'mocha';
import { isSameWay, wayState } from '../../../../src/package/resolve/commandPath.ts';
import { FollowedCommand } from '../../../../src/package/resolve/followedCommand.ts';
import { TempTree } from '../tree.ts';

describe('A command that is followed again when something on the way changed', () => {
  let tree: TempTree;
  /** Well after every change of the test, so that equal times mean an equal way. */
  const later = (): number => Date.now() + 10_000;

  beforeEach(() => {
    tree = new TempTree().write({
      'releases/1/package.json': { name: 'tiny', version: '1.0.0' },
      'releases/1/index.js': '',
      'releases/2/package.json': { name: 'tiny', version: '2.0.0' },
      'releases/2/index.js': '',
      now: { link: 'releases/1' },
    });
  });
  afterEach(() => tree.remove());

  const start = (): FollowedCommand =>
    new FollowedCommand({
      words: ['node', tree.path('now/index.js')],
      cwd: tree.path('.'),
      environment: new Map(),
      platform: process.platform,
    });
  const switchTo = (target: string): void => {
    symlinkSync(target, tree.path('next'));
    renameSync(tree.path('next'), tree.path('now'));
  };

  it('is the same object while nothing changed, and leads elsewhere once its link does', () => {
    const way = start();
    const first = way.current(later());
    equal(first.ref?.environment, tree.path('releases/1'));
    equal(way.current(later()), first);
    switchTo('releases/2');
    const second = way.current(later());
    equal(second.ref?.environment, tree.path('releases/2'));
    ok(second.changedAt >= first.changedAt);
    deepEqual([second.broken, second.lost], [false, undefined]);
  });

  it('leads elsewhere at once when a program appears earlier on PATH, or the first one is removed', () => {
    for (const folder of ['early', 'late']) {
      tree.write({ [`${folder}/readme`]: '' });
    }
    const program = (folder: string, release: string): void => {
      tree.write({ [`${folder}/tiny`]: `#!/bin/sh\nexec node "${tree.path('releases', release, 'index.js')}" "$@"\n` });
      chmodSync(tree.path(folder, 'tiny'), 0o755);
    };
    program('late', '1');
    const environment = new Map([['PATH', `${tree.path('early')}:${tree.path('late')}`]]);
    const way = new FollowedCommand({ words: ['tiny'], cwd: tree.path('.'), environment, platform: process.platform });
    const now = later();
    const leads = (): unknown => way.current(now).ref?.environment;
    equal(leads(), tree.path('releases/1'));
    program('early', '2');
    equal(leads(), tree.path('releases/2'));
    rmSync(tree.path('early/tiny'));
    equal(leads(), tree.path('releases/1'));
  });

  it('keeps the last package while a link is missing or leads nowhere, with the reason', () => {
    const way = start();
    way.current(later());
    rmSync(tree.path('now'));
    const missing = way.current(later());
    deepEqual([missing.ref?.environment, missing.broken, typeof missing.lost], [tree.path('releases/1'), true, 'string']);
    symlinkSync('releases/3', tree.path('now'));
    deepEqual([way.current(later()).ref?.environment, way.current(later()).broken], [tree.path('releases/1'), true]);
    switchTo('releases/2');
    deepEqual([way.current(later()).ref?.environment, way.current(later()).lost], [tree.path('releases/2'), undefined]);
  });

  it('forgets the package when the way is whole and leads to none', () => {
    const way = start();
    way.current(later());
    tree.write({ 'plain/index.js': '' });
    switchTo('plain');
    const none = way.current(later());
    deepEqual([none.ref, none.broken, typeof none.lost], [undefined, false, 'string']);
  });

  it('is followed again each minute, and each ten minutes where no search can have another result', () => {
    const way = [tree.path('now')];
    const start = later();
    const state = wayState(way, start);
    const kept = (seconds: number, plain: boolean): boolean => isSameWay(way, state, start + seconds * 1_000, plain);
    deepEqual([kept(59, false), kept(61, false), kept(599, true), kept(601, true)], [true, false, true, false]);
    switchTo('releases/2');
    deepEqual([kept(1, false), kept(1, true)], [false, false]);
  });

  it('a command that never led to a package is no loss', () => {
    const way = new FollowedCommand({ words: ['npx', '-y', 'tiny'], cwd: '/', environment: new Map(), platform: process.platform });
    deepEqual(way.current(later()), { ref: undefined, changedAt: 0, broken: false });
  });
});
