import { deepEqual } from 'node:assert/strict';
import { describe, it } from 'mocha';
import type { InstalledPackage } from '../../../src/model/package.ts';
import { diffClosures } from '../../../src/package/closureDiff.ts';

function npm(name: string, version?: string, rest: Partial<InstalledPackage> = {}): InstalledPackage {
  return { ecosystem: 'npm', name, root: `/p/node_modules/${name}`, ...(version === undefined ? {} : { version }), ...rest };
}
const own = npm('server', '1.0.0');

describe('diffClosures', () => {
  it('finds nothing where nothing but times and places changed', () => {
    const before = [own, npm('a', '1.0.0', { installedAt: 1, content: 'sha512-x' })];
    deepEqual(
      diffClosures(before, [
        own,
        npm('a', '1.0.0', { installedAt: 9, content: 'sha512-x', root: '/p/node_modules/server/node_modules/a' }),
      ]),
      { dependencies: [] },
    );
  });

  it('tells the own package from its dependencies, and labels each direction', () => {
    const before = [own, npm('a', '1.0.0'), npm('b', '2.0.0'), npm('c', '1.0.0'), npm('d', '2024.05.01')];
    const now = [npm('server', '1.1.0'), npm('d', '2024.06.01'), npm('b', '1.9.0'), npm('a', '1.0.1')];
    deepEqual(diffClosures(before, now), {
      own: { name: 'server', running: '1.0.0', installed: '1.1.0', direction: 'upgrade' },
      dependencies: [
        { name: 'a', running: '1.0.0', installed: '1.0.1', direction: 'upgrade' },
        { name: 'b', running: '2.0.0', installed: '1.9.0', direction: 'downgrade' },
        { name: 'c', running: '1.0.0', direction: 'removed' },
        { name: 'd', running: '2024.05.01', installed: '2024.06.01', direction: 'changed' },
      ],
    });
  });

  it('does not report what was not there before', () => {
    deepEqual(diffClosures([own], [own, npm('new', '1.0.0')]), { dependencies: [] });
  });

  it('makes no change of a version that cannot be read, on either side', () => {
    deepEqual(diffClosures([own, npm('a', '1.0.0')], [own, npm('a')]), { dependencies: [] });
    deepEqual(diffClosures([own, npm('a')], [own, npm('a', '2.0.0')]), { dependencies: [] });
    deepEqual(diffClosures([npm('server')], [own]), { dependencies: [] });
    deepEqual(diffClosures([own], [npm('server')]), { dependencies: [] });
  });

  it('calls other content under the same version content, only where both sides know it by the same kind of hash', () => {
    const was = npm('a', '1.0.0', { content: 'sha512-x' });
    deepEqual(diffClosures([own, was], [own, npm('a', '1.0.0', { content: 'sha512-y' })]).dependencies, [
      { name: 'a', running: '1.0.0', installed: '1.0.0', direction: 'content' },
    ]);
    deepEqual(diffClosures([own, was], [own, npm('a', '1.0.0')]), { dependencies: [] });
    deepEqual(diffClosures([own, npm('a', '1.0.0')], [own, was]), { dependencies: [] });
    deepEqual(diffClosures([own, was], [own, npm('a', '1.0.0', { content: 'sha1-y' })]), { dependencies: [] });
    deepEqual(diffClosures([{ ...own, content: 'sha512-x' }], [{ ...own, content: 'sha512-y' }]).own?.direction, 'content');
  });

  it('tells files that were changed in place from another installation, by the hash of its files and the time of the installation', () => {
    const was = npm('a', '1.0.0', { content: 'code-x', installedAt: 1_000 });
    const changed = (now: Partial<InstalledPackage>): unknown =>
      diffClosures([own, was], [own, { ...was, content: 'code-y', ...now }]).dependencies.map(({ direction, inPlace }) => [
        direction,
        inPlace,
      ]);
    deepEqual(changed({}), [['content', true]]);
    deepEqual(changed({ installedAt: 2_000 }), [['content', undefined]]);
    deepEqual(changed({ root: '/elsewhere' }), [['content', undefined]]);
    deepEqual(
      diffClosures([own, { ...was, content: 'sha512-x' }], [own, { ...was, content: 'sha512-y' }]).dependencies[0]?.inPlace,
      undefined,
      'only an installer writes recorded hashes',
    );
  });

  it('compares several copies of one package as a set', () => {
    const top = npm('a', '1.0.0');
    const nested = npm('a', '2.0.0', { root: '/p/node_modules/b/node_modules/a' });
    // The two copies change places: an install of something else hoisted the other one.
    deepEqual(diffClosures([own, top, nested], [own, { ...top, version: '2.0.0' }, { ...nested, version: '1.0.0' }]), { dependencies: [] });
    // A copy more, or one less of the same version, is no change.
    deepEqual(diffClosures([own, top], [own, top, nested]), { dependencies: [] });
    deepEqual(diffClosures([own, top, { ...top, root: '/x' }], [own, top]), { dependencies: [] });
    // One of them is upgraded: the one at that place is named.
    deepEqual(diffClosures([own, top, nested], [own, top, { ...nested, version: '2.1.0' }]).dependencies, [
      { name: 'a', running: '2.0.0', installed: '2.1.0', direction: 'upgrade' },
    ]);
    // Deduplicated into the other copy's version.
    deepEqual(diffClosures([own, top, nested], [own, { ...top, version: '2.0.0' }]).dependencies, [
      { name: 'a', running: '1.0.0', installed: '2.0.0', direction: 'upgrade' },
    ]);
  });

  it('does not take another copy of the own package for the own package', () => {
    const other = npm('server', '0.9.0', { root: '/p/node_modules/x/node_modules/server' });
    deepEqual(diffClosures([own, other], [own, { ...other, version: '0.9.1' }]), {
      dependencies: [{ name: 'server', running: '0.9.0', installed: '0.9.1', direction: 'upgrade' }],
    });
  });

  it('compares the own package alone when one reading holds nothing else', () => {
    deepEqual(diffClosures([own, npm('a', '1.0.0')], [npm('server', '1.0.1')], 'own'), {
      own: { name: 'server', running: '1.0.0', installed: '1.0.1', direction: 'upgrade' },
      dependencies: [],
    });
  });

  it('keeps ecosystems apart and normalises Python names', () => {
    const lib: InstalledPackage = { ecosystem: 'python', name: 'Foo_Bar', version: '1.0', root: '/v/foo_bar-1.0.dist-info' };
    deepEqual(diffClosures([lib, npm('foo-bar', '1.0.0')], [{ ...lib, name: 'foo-bar', version: '1.1' }, npm('foo-bar', '1.0.0')]), {
      own: { name: 'Foo_Bar', running: '1.0', installed: '1.1', direction: 'upgrade' },
      dependencies: [],
    });
  });
});
