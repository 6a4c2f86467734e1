// What git has of a file at a commit, read from its files alone and compared with what git itself says.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { GitObjects } from '../../../../src/package/code/gitObjects.ts';

describe('the content of a file in a commit', () => {
  let root = '';
  const git = (...args: readonly string[]): string =>
    execFileSync('git', ['-c', 'user.name=test', '-c', 'user.email=test@example.invalid', ...args], {
      cwd: root,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'pipe'],
    }).trim();
  const objects = (): GitObjects => new GitObjects(join(root, '.git', 'objects'));

  before(() => {
    root = mkdtempSync(join(tmpdir(), 'git-objects-'));
    git('init', '-q');
    mkdirSync(join(root, 'deep', 'er'), { recursive: true });
    for (let round = 0; round < 12; round += 1) {
      // Many names in one folder, so that packs keep its lists as differences of each other.
      for (let at = 0; at < 60; at += 1) {
        writeFileSync(join(root, 'deep', 'er', `file-${at}.js`), `export const x${at} = ${at === round ? round + 100 : at};\n`);
      }
      writeFileSync(join(root, 'entry.js'), `// ${round}\n`);
      git('add', '-A');
      git('commit', '-qm', `round ${round}`);
    }
  });
  after(() => rmSync(root, { recursive: true, force: true }));

  for (const form of ['loose', 'packed'] as const) {
    it(`is found as git finds it, ${form}`, () => {
      if (form === 'packed') {
        git('gc', '-q', '--aggressive', '--prune=now');
        assert.match(git('verify-pack', '-v', ...packs()), /chain length = [1-9]/, 'the control: there are differences of differences');
      }
      const reader = objects();
      for (const commit of git('rev-list', 'HEAD').split('\n')) {
        for (const line of git('ls-tree', '-r', commit).split('\n')) {
          const [meta = '', path = ''] = line.split('\t');
          assert.equal(reader.contentAt(commit, path), meta.split(' ')[2], `${commit} ${path}`);
        }
        assert.equal(reader.contentAt(commit, 'deep/none.js'), null);
      }
    });
  }

  it('is not known, rather than absent, where objects are missing or broken', () => {
    const [commit = ''] = git('rev-list', 'HEAD').split('\n');
    assert.equal(new GitObjects(join(root, 'nowhere')).contentAt(commit, 'entry.js'), undefined);
    assert.equal(objects().contentAt('0'.repeat(40), 'entry.js'), undefined);
    for (const pack of packs()) {
      execFileSync('chmod', ['u+w', pack, pack.replace(/\.idx$/, '.pack')]);
      writeFileSync(pack.replace(/\.idx$/, '.pack'), 'PACK and nothing more');
    }
    assert.equal(objects().contentAt(commit, 'entry.js'), undefined);
  });

  function packs(): string[] {
    return execFileSync('find', [join(root, '.git', 'objects', 'pack'), '-name', '*.idx'], { encoding: 'utf8' })
      .trim()
      .split('\n');
  }
});
