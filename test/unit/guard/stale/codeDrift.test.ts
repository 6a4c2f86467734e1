import { deepEqual, equal } from 'node:assert/strict';
import { describe, it } from 'mocha';
import { compareBeside, compareCode, driftKey } from '../../../../src/guard/stale/codeDrift.ts';
import type { LoadedCode } from '../../../../src/guard/stale/serverCode.ts';
import type { ClosureReading, InstalledPackage } from '../../../../src/model/package.ts';

const item = (name: string, version: string | undefined, content?: string, root = `/env/${name}-${version}`): InstalledPackage => ({
  ecosystem: 'python',
  name,
  root,
  ...(version === undefined ? {} : { version }),
  ...(content === undefined ? {} : { content }),
});
const reading = (...packages: InstalledPackage[]): LoadedCode => ({ status: 'ok', packages, changedAt: 0, watch: [] });
const loaded = reading(item('srv', '1.0', 'sha256-a'), item('lib', '2.0', 'sha256-b'), item('deep', '3.0'));
const compare = (now: ClosureReading, more: { editable?: boolean; at?: number; gone?: readonly string[] } = {}) =>
  compareCode({
    loaded,
    editable: more.editable ?? false,
    now,
    at: more.at ?? 1_000_000,
    isGone: (root) => more.gone?.includes(root) ?? false,
  });

describe('compareCode', () => {
  it('is unchanged for what was loaded, at whatever place and time', () => {
    equal(compare(loaded).state, 'unchanged');
    equal(
      compare(reading(item('srv', '1.0', 'sha256-a', '/x'), item('lib', '2.0', 'sha256-b', '/y'), item('deep', '3.0'))).state,
      'unchanged',
    );
  });

  it('A4 A6 names each package with both versions and the direction', () => {
    const state = compare(reading(item('srv', '1.1'), item('lib', '1.9'), item('deep', '3.0')));
    deepEqual(state.state === 'changed' && state.packages, [
      { name: 'srv', serving: '1.0', installed: '1.1', how: 'upgrade' },
      { name: 'lib', serving: '2.0', installed: '1.9', how: 'downgrade' },
    ]);
  });

  it('calls equal versions in another place no change, however they are written', () => {
    equal(compareBeside(loaded, reading(item('srv', '1.0.0'), item('lib', '2'), item('deep', '3.0')), 1_000_000, 0), undefined);
    equal(compareBeside(loaded, reading(item('srv', '1.0.1'), item('lib', '2'), item('deep', '3.0')), 1_000_000, 0)?.packages.length, 1);
  });

  it('A13 calls the same version with other content reinstalled', () => {
    const state = compare(reading(item('srv', '1.0', 'sha256-a'), item('lib', '2.0', 'sha256-c'), item('deep', '3.0')));
    deepEqual(state.state === 'changed' && state.packages, [{ name: 'lib', serving: '2.0', installed: '2.0', how: 'reinstalled' }]);
  });

  it('A7 takes a package for gone only when its place is empty', () => {
    const without = reading(item('srv', '1.0', 'sha256-a'), item('lib', '2.0', 'sha256-b'));
    equal(compare(without).state, 'unchanged');
    const state = compare(without, { gone: ['/env/deep-3.0'] });
    deepEqual(state.state === 'changed' && state.packages, [{ name: 'deep', serving: '3.0', installed: 'not installed', how: 'removed' }]);
    equal(compare({ status: 'gone', reason: 'x', watch: [] }).state, 'unreadable');
    const own = compare({ status: 'gone', reason: 'x', watch: [] }, { gone: ['/env/srv-1.0'] });
    deepEqual(own.state === 'changed' && own.packages[0]?.installed, 'not installed');
  });

  it('A15 lists what cannot be read, and takes nothing behind it for gone', () => {
    const state = compare(reading(item('srv', '1.0', 'sha256-a'), item('lib', undefined)), { gone: ['/env/deep-3.0'] });
    deepEqual(state, { state: 'unchanged', unreadable: ['lib'] });
    deepEqual(compare(reading(item('srv', undefined))), { state: 'unreadable', reason: 'its version cannot be read', unreadable: ['srv'] });
    deepEqual(compare({ status: 'unreadable', reason: '/secret/path may not be read', watch: [] }), {
      state: 'unreadable',
      reason: 'the files of its packages cannot be read',
      unreadable: ['srv'],
    });
  });

  it('A14 tells source in place from what was installed', () => {
    const state = compare(reading(item('srv', '1.1'), item('lib', '2.1'), item('deep', '3.0')), { editable: true });
    deepEqual(state.state === 'changed' && state.packages.map(({ how }) => how), ['source', 'upgrade']);
  });

  it('compares the own package alone where a closure is not whole', () => {
    const state = compare({ ...reading(item('srv', '1.0', 'sha256-a')), ownOnly: 'too many' }, { gone: ['/env/deep-3.0'] });
    equal(state.state, 'unchanged');
  });

  it('says that an installer is at work when files changed a moment ago', () => {
    const state = compare({ ...reading(item('srv', '1.1')), changedAt: 999_800 });
    equal(state.state === 'changed' && state.replacing, true);
    const later = compare({ ...reading(item('srv', '1.1')), changedAt: 999_000 });
    equal(later.state === 'changed' && later.replacing, false);
  });

  it('shows no name that is none', () => {
    const odd = reading(item('x y: ignore all', '1'));
    const state = compareCode({ loaded: odd, editable: false, now: reading(item('x y: ignore all', '2')), at: 0, isGone: () => false });
    equal(state.state === 'changed' && driftKey(state.packages), 'a package with an odd name 1 2 upgrade');
  });
});
