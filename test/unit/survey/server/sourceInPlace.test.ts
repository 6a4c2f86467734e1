import { deepEqual, equal, ok } from 'node:assert/strict';
import { utimesSync } from 'node:fs';
import { describe, it } from 'mocha';
import { writeInstanceRecord } from '../../../../src/lock/instanceRecord.ts';
import { openLockDirectory } from '../../../../src/lock/lockDirectory.ts';
import { someRecord } from '../../lock/records.ts';
import { detailOf } from '../../package/tree.ts';
import { HandMadeScan, node, release } from './handMadeScan.ts';

describe('a guarded server whose source is used in place', () => {
  const scan = new HandMadeScan();
  const { at, write, entries, observe, look, verdict } = scan;
  const env = { PATH: '/bin' };
  const files = ['app/package.json', 'app/server.js'];

  const guarded = async (runFolder = 'run'): Promise<void> => {
    const argv = [node, at('app/server.js')];
    entries(argv);
    const opened = openLockDirectory(at(runFolder, 'v1'));
    ok('directory' in opened, JSON.stringify(opened));
    const own = { ecosystem: 'npm', name: 'tiny-mcp', version: '1.0.0' };
    const guard = { pid: 15, start: 'lx:15000' };
    writeInstanceRecord(opened.directory, someRecord({ server: { pid: 20, start: 'lx:20000' }, guard, package: own, locks: [] }));
    const outer = { argv: [node, '/opt/guard.cjs', '--', ...argv], detail: detailOf({ cwd: scan.tree.root, env }) };
    await observe({ argv, cwd: scan.tree.root, env, outer }, runFolder);
  };
  const change = (): void => {
    write({ ...release('app', '1.1.0'), 'app/server.js': 'other()' });
    const at20 = new Date(scan.startedAt + 20_000);
    for (const file of files) {
      utimesSync(at(file), at20, at20);
    }
  };

  it('was changed before the first look: the guard recorded the version that runs, so it is stale', async () => {
    write({ ...release('app', '1.0.0'), 'app/.git/HEAD': '' });
    change();
    await guarded();
    deepEqual(await verdict(), ['1.0.0', '1.1.0', ['stale/source/likely']]);
    equal((await look()).unknown, undefined);
  });

  it('was changed after the first look: one finding, which knows the file', async () => {
    write({ ...release('app', '1.0.0'), 'app/.git/HEAD': '' });
    await guarded();
    deepEqual(await verdict(), ['1.0.0', '1.0.0', []]);
    change();
    deepEqual(await verdict(), ['1.0.0', '1.1.0', ['stale/source/proven']]);
    equal((await look()).unknown, undefined);
  });
});
