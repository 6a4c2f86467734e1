import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'mocha';
import { foldPath, hashKey, resourceKey } from '../../../src/lock/resourceKey.ts';

describe('resourceKey', () => {
  let home = '';
  before(() => {
    home = realpathSync(mkdtempSync(join(tmpdir(), 'resource-key-')));
    mkdirSync(join(home, 'data', 'inner'), { recursive: true });
    symlinkSync(join(home, 'data', 'inner'), join(home, 'link'));
  });
  after(() => rmSync(home, { recursive: true, force: true }));

  const key = (path: string): string => resourceKey('path', path, 'linux').resource;

  it('gives the test vectors of the document', () => {
    // Computed with sha256sum, and again by the Python example.
    assert.equal(hashKey('path', '/home/u/.mempalace/palace'), 'eb337064906290ea708dbd9debf06fe4');
    assert.equal(hashKey('port', 'tcp:8931'), '790c174a5488f42f39c053b600236aa7');
    assert.equal(hashKey('name', 'mempalace:default'), 'a1554af5baa6af371fa589a50bea0a5a');
  });

  it('test 25: one key for a path and its aliases', () => {
    const inner = join(home, 'data', 'inner');
    for (const alias of [
      `${inner}/`,
      `${inner}//`,
      `${home}/data/./inner`,
      `${home}/data/other/../inner`,
      `${home}/link`,
      `${home}/link/`,
    ]) {
      assert.equal(key(alias), inner, alias);
    }
    // After the link, as the system resolves it, and not by the text.
    assert.equal(key(`${home}/link/..`), join(home, 'data'));
    assert.equal(key(`${home}/link/not/yet/`), join(inner, 'not', 'yet'));
    assert.equal(key(`${home}/link/not/../there`), join(inner, 'there'));
    assert.equal(key('~/x-none'), join(realpathSync(userInfo().homedir), 'x-none'));
    assert.notEqual(key(`${home}/DATA`), key(`${home}/data`));
  });

  it('is not made of a path that a record cannot name', () => {
    for (const path of ['x\n', 'x\u009b', `${'a/'.repeat(2_100)}x`]) {
      assert.throws(() => key(`${home}/${path}`), { name: 'Error', message: /A path contains/ }, JSON.stringify(path.slice(0, 9)));
    }
  });

  it('carries device and inode of what exists, which other names of the same directory share', () => {
    const real = resourceKey('path', join(home, 'data'));
    assert.match(real.ino ?? '', /^\d+$/);
    assert.equal(resourceKey('path', `${home}/link/..`).ino, real.ino);
    assert.equal(resourceKey('path', join(home, 'none')).ino, undefined);
  });

  it('test 25: folds case and separators where the system does', () => {
    assert.equal(foldPath('\\\\?\\c:\\Users\\Me\\Data\\', 'win32'), 'C:\\users\\me\\data');
    assert.equal(foldPath('c:/Users', 'win32'), 'C:\\users');
    assert.equal(foldPath('C:\\', 'win32'), 'C:\\');
    assert.equal(foldPath('\\\\?\\UNC\\Host\\Share\\', 'win32'), '\\\\host\\share');
    assert.equal(foldPath('/Users/Me/E\u0301x/', 'darwin'), '/users/me/\u00c9x');
    assert.equal(foldPath('/', 'darwin'), '/');
    assert.equal(foldPath('/Users/E\u0301', 'linux'), '/Users/E\u0301');
  });

  it('takes ports and names as they are, and refuses what is none', () => {
    assert.equal(resourceKey('port', '8931').resource, 'tcp:8931');
    assert.equal(resourceKey('port', 'tcp:08931').key, resourceKey('port', '8931').key);
    for (const [kind, bad] of [
      ['port', '0'],
      ['port', '70000'],
      ['port', 'x'],
      ['name', 'A'],
      ['name', ''],
      ['name', 'a/b'],
      ['path', ''],
      ['path', 'a\0b'],
    ] as const) {
      assert.throws(() => resourceKey(kind, bad), Error, `${kind} ${bad}`);
    }
  });
});
