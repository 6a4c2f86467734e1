import { deepEqual, equal } from 'node:assert/strict';
import { chmodSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, it } from 'mocha';
import { assertNames } from '../../names.ts';
import { distInfo, TempTree } from '../../unit/package/tree.ts';
import { run } from './command.ts';

const module = fileURLToPath(new URL('../../../src/package/readClosure.ts', import.meta.url));
const nobody = 65534;

/** Reads a closure in a process of another user: for root nothing is unreadable. */
async function readAsNobody(ref: object): Promise<Record<string, unknown>> {
  const code = `process.setgroups?.([]); process.setgid(${nobody}); process.setuid(${nobody}); console.log(JSON.stringify(readClosure(${JSON.stringify(ref)})));`;
  const text = await run(
    process.execPath,
    ['--input-type=module', '-e', `import { readClosure } from ${JSON.stringify(module)}; ${code}`],
    { cwd: '/', env: { PATH: process.env.PATH } },
  );
  return JSON.parse(text);
}

describe('files that may not be read', function () {
  this.timeout(30_000);
  const site = 'v/lib/python3.11/site-packages';
  let tree: TempTree;
  const python = () => ({ ecosystem: 'python', entry: tree.path('v/bin/server'), environment: tree.path('v'), name: 'server' });
  const npm = () => ({ ecosystem: 'npm', entry: tree.path('p/node_modules/server/i.js'), environment: tree.path('p'), name: 'server' });

  beforeEach(function () {
    if (process.getuid?.() !== 0) {
      console.log('skipped: only root can become another user');
      this.skip();
    }
    tree = new TempTree().write({
      'v/pyvenv.cfg': 'version = 3.11.2\n',
      ...distInfo(site, 'server', '1.0', { requires: ['lib'] }),
      ...distInfo(site, 'lib', '1.0'),
      'p/node_modules/server/package.json': { name: 'server', version: '1.0.0', dependencies: { lib: '*', nested: '*' } },
      'p/node_modules/server/i.js': '',
      'p/node_modules/server/node_modules/nested/package.json': { name: 'nested', version: '1.0.0' },
      'p/node_modules/lib/package.json': { name: 'lib', version: '1.0.0' },
    });
    chmodSync(tree.root, 0o755);
  });
  afterEach(() => tree?.remove());

  const versions = (reading: Record<string, unknown>): unknown =>
    Array.isArray(reading.packages) ? reading.packages.map((item) => item.version ?? null) : reading.status;

  it('are a package without version, never a missing one', async () => {
    deepEqual(
      [versions(await readAsNobody(python())), versions(await readAsNobody(npm()))],
      [
        ['1.0', '1.0'],
        ['1.0.0', '1.0.0', '1.0.0'],
      ],
    );
    chmodSync(tree.path(site, 'lib-1.0.dist-info/METADATA'), 0);
    chmodSync(tree.path('p/node_modules/lib/package.json'), 0);
    deepEqual(
      [versions(await readAsNobody(python())), versions(await readAsNobody(npm()))],
      [
        ['1.0', null],
        ['1.0.0', null, '1.0.0'],
      ],
    );
    chmodSync(tree.path(site, 'lib-1.0.dist-info'), 0);
    chmodSync(tree.path('p/node_modules/lib'), 0);
    deepEqual(
      [versions(await readAsNobody(python())), versions(await readAsNobody(npm()))],
      [
        ['1.0', null],
        ['1.0.0', null, '1.0.0'],
      ],
    );
  });

  it('are "unreadable" with the reason, never "gone", where the own package is behind them', async () => {
    for (const path of [site, 'v/lib/python3.11', 'v/lib', 'v']) {
      chmodSync(tree.path(path), 0);
      const reading = await readAsNobody(python());
      equal(reading.status, 'unreadable', path);
      assertNames(String(reading.reason), 'permission denied');
      chmodSync(tree.path(path), 0o755);
    }
    for (const path of [
      'p/node_modules/server/node_modules',
      'p/node_modules/server/package.json',
      'p/node_modules/server',
      'p/node_modules',
      'p',
    ]) {
      chmodSync(tree.path(path), 0);
      const reading = await readAsNobody(npm());
      equal(reading.status, 'unreadable', path);
      assertNames(String(reading.reason), 'permission denied');
      chmodSync(tree.path(path), 0o755);
    }
  });
});
