import { deepEqual } from 'node:assert/strict';
import { afterEach, beforeEach, describe, it } from 'mocha';
import { MetadataCache } from '../../../../src/package/metadataCache.ts';
import { importedCode } from '../../../../src/package/npm/importedCode.ts';
import { TempTree } from '../tree.ts';

describe('imported code', () => {
  let tree: TempTree;
  beforeEach(() => {
    tree = new TempTree();
    tree.write({
      'own/package.json': { name: 'own', type: 'module' },
      'sdk/package.json': {
        name: '@a/sdk',
        exports: {
          '.': { types: './x.d.ts', import: { node: './esm/index.js' }, require: './cjs/index.js' },
          './data': './data.json',
          './*': { import: './esm/*', require: './cjs/*' },
          './deep/*.js': './deep/*/index.js',
          './hidden': null,
        },
      },
      'old/package.json': { name: 'old', main: 'lib/main' },
      'bare/package.json': '{"broken',
      'bare/index.js': '',
      'old/lib/main.js': '',
      'old/lib/more.js': '',
      'sdk/data.json': '{}',
    });
    for (const path of ['esm/index.js', 'cjs/index.js', 'esm/server/mcp.js', 'cjs/server/mcp.js', 'deep/a/index.js', 'hidden.js']) {
      tree.write({ [`sdk/${path}`]: '' });
    }
  });
  afterEach(() => tree.remove());

  const folders: Readonly<Record<string, string>> = { '@a/sdk': 'sdk', old: 'old', bare: 'bare', evil: 'evil' };
  function imported(files: Readonly<Record<string, string>>): Record<string, readonly string[]> {
    for (const [path, text] of Object.entries(files)) {
      tree.write({ [`own/${path}`]: text });
    }
    const paths = Object.keys(files).flatMap((path) => (path.endsWith('.json') ? [] : [tree.path('own', path)]));
    const find = (name: string) => (Object.hasOwn(folders, name) ? tree.path(folders[name] ?? '') : undefined);
    const found = importedCode(tree.path('own'), paths, new MetadataCache(), find);
    const read = Object.values(folders).map((folder) => [folder, found(tree.path(folder))?.files] as const);
    return Object.fromEntries(
      read.flatMap(([folder, list]) => (list ? [[folder, list.map((path) => path.slice(tree.path(folder).length + 1))]] : [])),
    );
  }

  it('is found by the exports of a package, for imports and for require', () => {
    const text = "import '@a/sdk'; import x from '@a/sdk/server/mcp.js'; import './own.js'; import 'node:fs'; import '@a/sdk/data';";
    deepEqual(imported({ 'index.js': text }), { sdk: ['esm/index.js', 'esm/server/mcp.js'] });
    deepEqual(imported({ 'one.cjs': "require('@a/sdk'); require('@a/sdk/server/mcp.js')" }), {
      sdk: ['cjs/index.js', 'cjs/server/mcp.js'],
    });
    deepEqual(imported({ 'dist/package.json': '{"type":"commonjs"}', 'dist/two.js': "const x = require('@a/sdk');" }), {
      sdk: ['cjs/index.js'],
    });
    deepEqual(imported({ 'three.mjs': "export * from '@a/sdk/deep/a.js'; import '@a/sdk/hidden'; import '@a/sdk/none.js';" }), {
      sdk: ['deep/a/index.js'],
    });
  });

  it('is found by main, index.js and paths in packages without exports', () => {
    deepEqual(imported({ 'index.js': "import 'old'; import 'old/lib/more'; import 'bare'; import 'missing';" }), {
      old: ['lib/main.js', 'lib/more.js'],
      bare: ['index.js'],
    });
  });

  it('stays inside the package, whatever its description says', () => {
    tree.write({ 'evil/package.json': { exports: { '.': '../own/index.js', './*': './*' } }, 'evil/x.js': '' });
    deepEqual(imported({ 'index.js': "import 'evil'; import 'evil/../own/index.js'; import 'evil/x.js';" }), { evil: ['x.js'] });
  });
});
