import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'mocha';
import { type GitHead, gitHead, headBefore, movedAbout } from '../../../../src/package/code/gitHead.ts';
import { readSources } from '../../../../src/package/code/sourceFiles.ts';
import { moduleFile, namedModules } from '../../../../src/package/npm/nodeImports.ts';
import { importedFiles, pythonImports } from '../../../../src/package/python/pythonImports.ts';

let root: string;
beforeEach(() => {
  root = realpathSync(mkdtempSync(join(tmpdir(), 'imports-')));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

function put(path: string, text = ''): string {
  const file = join(root, path);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, text);
  return file;
}

describe('what JavaScript imports', () => {
  it('is every module that it names literally, in any form, and not what a comment names', () => {
    const text = `import a from './a.js';
import{b}from"./b.js";import './c.js';
export * from '../d.js';
const e = require('./e'), f = await import('./f.mjs');
import type { G } from './g.js';
// import './h.js';
 * import './i.js';
import {
  j,
  k,
} from './j.js';
import(\`./\${name}.js\`);`;
    assert.deepEqual(namedModules(text).sort(), ['../d.js', './a.js', './b.js', './c.js', './e', './f.mjs', './j.js']);
  });

  it('leads to source files: with extensions guessed, TypeScript behind .js, directories; never to data, packages or built-ins', () => {
    const from = put('src/main.ts');
    put('src/a.ts');
    put('src/b/index.js');
    put('src/data.json', '{}');
    put('node_modules/dep/index.js');
    assert.equal(moduleFile('./a.js', from), join(root, 'src/a.ts'));
    assert.equal(moduleFile('./a', from), join(root, 'src/a.ts'));
    assert.equal(moduleFile('./b', from), join(root, 'src/b/index.js'));
    for (const name of ['./data.json', './missing.js', 'dep', 'node:fs', 'fs', 'https://x.invalid/y.js', '../..']) {
      assert.equal(moduleFile(name, from), undefined, name);
    }
  });

  it('is followed through circles and hostile sizes', () => {
    const a = put('a.js', "import './b.js';");
    put('b.js', `import './a.js';${'import '.repeat(20_000)}`);
    assert.deepEqual(
      readSources({ kind: 'node', files: [a], roots: [] }).map((file) => file.path),
      [a, join(root, 'b.js')],
    );
    assert.deepEqual(readSources({ kind: 'node', files: [root], roots: [] }), [], 'a directory is no source');
  });
});

describe('what Python imports', () => {
  it('is read from statements of every form', () => {
    const text = 'import a.b, c as d\nfrom . import e\nfrom ..f.g import (h,  # why\n  i as j,\n)\n    from k import *\n# import l\n';
    assert.deepEqual(pythonImports(text), [
      { module: '.', names: ['e'] },
      { module: '..f.g', names: ['h', 'i'] },
      { module: 'k', names: [] },
      { module: 'a.b', names: [] },
      { module: 'c', names: [] },
    ]);
  });

  it('leads to modules, packages above them and submodules, and to nothing that is installed', () => {
    const from = put('pkg/inner/main.py');
    for (const path of ['pkg/__init__.py', 'pkg/inner/__init__.py', 'pkg/inner/e.py', 'pkg/f/__init__.py', 'pkg/f/g.py']) {
      put(path);
    }
    const files = (module: string, ...names: string[]): string[] =>
      importedFiles({ module, names }, from, [root]).map((file) => file.slice(root.length + 1));
    assert.deepEqual(files('pkg.f.g'), ['pkg/__init__.py', 'pkg/f/__init__.py', 'pkg/f/g.py']);
    assert.deepEqual(files('.', 'e'), ['pkg/inner/__init__.py', 'pkg/inner/e.py']);
    assert.deepEqual(files('..f', 'g'), ['pkg/f/__init__.py', 'pkg/f/g.py']);
    assert.deepEqual(files('json'), []);
  });
});

describe('where git stands', () => {
  const [one, two, three] = ['1', '2', '3'].map((digit) => digit.repeat(40)) as [string, string, string];
  const head = (commit: string, ...log: [string, number, boolean][]): GitHead => ({
    root: '/r',
    folder: '/r/.git',
    common: '/r/.git',
    commit,
    log: log.map(([id, at, writesFiles]) => ({ commit: id, at, writesFiles })),
  });

  it('is told by its files, also when refs are packed or the work tree is linked', () => {
    put('.git/HEAD', 'ref: refs/heads/main\n');
    put('.git/packed-refs', `# pack-refs\n${one} refs/heads/main\n`);
    put(
      '.git/logs/HEAD',
      `${'0'.repeat(40)} ${one} A <a@b> 1700000000 +0100\tcommit (initial): x\n${one} ${two} A <a@b> 1700000100 +0100\tcheckout: y\n`,
    );
    const found = gitHead(join(root));
    assert.equal(found?.commit, one);
    assert.deepEqual(found?.log, [
      { commit: one, at: 1_700_000_000_000, writesFiles: false },
      { commit: two, at: 1_700_000_100_000, writesFiles: true },
    ]);
    put('.git/refs/heads/main', `${two}\n`);
    assert.equal(gitHead(root)?.commit, two, 'a loose ref is newer than a packed one');
    put('linked/.git', `gitdir: ${join(root, '.git')}\n`);
    assert.equal(gitHead(join(root, 'linked'))?.commit, two);
    put('odd/.git', 'gitdir: /nowhere\n');
    assert.equal(gitHead(join(root, 'odd')), undefined);
  });

  it('is another place only when files were written on the way and it did not come back', () => {
    assert.equal(headBefore(head(two, [one, 1, true], [two, 100, true]), 50), one);
    assert.equal(headBefore(head(two, [one, 1, true], [two, 100, false]), 50), undefined, 'a commit takes the files as they are');
    assert.equal(headBefore(head(one, [one, 1, true], [two, 100, true], [one, 110, true]), 50), undefined, 'back again');
    assert.equal(headBefore(head(two, [one, 1, true], [two, 60, false], [three, 70, true], [two, 80, true]), 50), undefined);
    assert.equal(headBefore(head(two, [two, 100, true]), 50), undefined, 'the log does not go back that far');
    assert.ok(movedAbout(head(two, [two, 100_000, true]), 50_000, [101_000]));
    assert.ok(!movedAbout(head(two, [two, 100_000, false]), 50_000, [101_000]), 'a commit');
    assert.ok(!movedAbout(head(two, [two, 100_000, true]), 50_000, [200_000]), 'written at another time');
  });
});
