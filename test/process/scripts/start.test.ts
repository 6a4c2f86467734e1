import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'mocha';
import { startText } from '../../../scripts/start/startText.ts';
import { projectRoot } from '../../../scripts/system/projectPaths.ts';
import { assertNames } from '../../names.ts';

describe('The first step of npm start', () => {
  let folder: string;
  const write = (file: string, packages: object): void => writeFileSync(join(folder, file), JSON.stringify({ packages }));
  /** Whether it runs npm; a stand-in for npm makes a file. */
  const installs = (): boolean => {
    rmSync(join(folder, 'ran'), { force: true });
    const env = { ...process.env, npm_execpath: join(folder, 'npm.js') };
    const { status } = spawnSync(process.execPath, [join(projectRoot, 'scripts/install.mjs')], { cwd: folder, env });
    assert.equal(status, 0);
    return existsSync(join(folder, 'ran'));
  };
  const one = { version: '1.0.0', integrity: 'sha512-a' };

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'install-'));
    mkdirSync(join(folder, 'node_modules'));
    writeFileSync(join(folder, 'npm.js'), `require('node:fs').writeFileSync('ran', process.argv[2]);`);
    write('package-lock.json', { '': {}, 'node_modules/a': one, 'node_modules/b': { version: '2.0.0', optional: true } });
    write('node_modules/.package-lock.json', { 'node_modules/a': one });
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  it('installs nothing when the lock file has not changed', () => {
    assert.equal(installs(), false);
  });

  it('installs when a version, the content of a version or the list of packages has changed, and without an earlier installation', () => {
    const lock = (packages: object): boolean => {
      write('package-lock.json', { '': {}, ...packages });
      return installs();
    };
    assert.equal(lock({ 'node_modules/a': { ...one, version: '1.0.1' } }), true);
    assert.equal(lock({ 'node_modules/a': { ...one, integrity: 'sha512-b' } }), true);
    assert.equal(lock({ 'node_modules/a': one, 'node_modules/c': one }), true);
    assert.equal(lock({}), true);
    assert.equal(lock({ 'node_modules/a': one }), false);
    rmSync(join(folder, 'node_modules'), { recursive: true });
    assert.equal(lock({ 'node_modules/a': one }), true);
  });
});

describe('The last lines of npm start', () => {
  it('name the address, what was found, and the demo where nothing was', () => {
    assertNames(
      startText('/home/ann/api', 'http://127.0.0.1:1/', { running: 1, entries: 3, clients: 13 }),
      '/home/ann/api',
      'http://127.0.0.1:1/',
      '1 server running',
      '13 clients',
    );
    const none = startText('/home/ann/api', 'http://127.0.0.1:1/', { running: 0, entries: 0, clients: 13 });
    assertNames(none, 'No servers found in 13 clients', 'npm run demo');
    assert.equal(/demo/.test(startText('/home/ann/api', 'http://127.0.0.1:1/', undefined)), false);
  });
});
