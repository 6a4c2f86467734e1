import { deepEqual, equal } from 'node:assert/strict';
import { describe, it } from 'mocha';
import { isNpmName, parseNpmSpec } from '../../../src/version/npmSpec.ts';
import { isPythonName, normalizePythonName, parsePythonSpec } from '../../../src/version/pythonSpec.ts';

describe('parseNpmSpec', () => {
  const cases: readonly [string, ReturnType<typeof parseNpmSpec>][] = [
    ['server', { kind: 'registry', name: 'server' }],
    ['@s/n@1.2.3', { kind: 'registry', name: '@s/n', selector: { kind: 'version', value: '1.2.3' } }],
    ['n@latest', { kind: 'registry', name: 'n', selector: { kind: 'tag', value: 'latest' } }],
    ['n@>=2025.1.1', { kind: 'registry', name: 'n', selector: { kind: 'range', value: '>=2025.1.1' } }],
    ['n@1', { kind: 'registry', name: 'n', selector: { kind: 'range', value: '1' } }],
    ['n@', { kind: 'registry', name: 'n' }],
    ['a@npm:@s/n@^2', { kind: 'alias', alias: 'a', target: { name: '@s/n', selector: { kind: 'range', value: '^2' } } }],
    ['owner/repo#main', { kind: 'git', source: 'owner/repo#main' }],
    ['n@git+ssh://git@host/x.git', { kind: 'git', name: 'n', source: 'git+ssh://git@host/x.git' }],
    ['https://host/x.tgz', { kind: 'url', source: 'https://host/x.tgz' }],
    ['./pkg', { kind: 'file', source: './pkg' }],
    ['x-1.0.0.tgz', { kind: 'file', source: 'x-1.0.0.tgz' }],
    ['-rf', { kind: 'invalid', reason: 'not a package name' }],
    ['', { kind: 'invalid', reason: 'empty or too long' }],
    ['n;rm', { kind: 'invalid', reason: 'not a package name' }],
  ];
  for (const [text, expected] of cases) {
    it(JSON.stringify(text), () => deepEqual(parseNpmSpec(text), expected));
  }

  it('takes only names that are safe as a path and as an argument', () => {
    for (const name of [
      '../../etc',
      '@s/../x',
      '@s',
      '@/x',
      'a/b',
      '.bin',
      '-x',
      'node_modules',
      'a b',
      'é',
      'x'.repeat(215),
      '@s/n/m',
      '',
    ]) {
      equal(isNpmName(name), false, name);
    }
    for (const name of ['JSONStream', '@s/n.js', 'a_b', '_a', '7zip-min']) {
      equal(isNpmName(name), true, name);
    }
  });
});

describe('parsePythonSpec', () => {
  const registry = { kind: 'registry', extras: [] as string[], specifier: '' } as const;
  const cases: readonly [string, ReturnType<typeof parsePythonSpec>][] = [
    ['chromadb', { ...registry, name: 'chromadb' }],
    ['name[extra, Other_One]==1.0', { ...registry, name: 'name', extras: ['extra', 'other-one'], specifier: '==1.0' }],
    ['name >= 1.0, < 2', { ...registry, name: 'name', specifier: '>=1.0,<2' }],
    ['name (>=1.0)', { ...registry, name: 'name', specifier: '>=1.0' }],
    ['name@latest', { ...registry, name: 'name', tag: 'latest' }],
    ['name[x]@1.2', { ...registry, name: 'name', extras: ['x'], tag: '1.2' }],
    [
      'pkg @ https://host/p.whl ; os_name == "nt"',
      { kind: 'url', name: 'pkg', extras: [], source: 'https://host/p.whl', marker: 'os_name == "nt"' },
    ],
    ['pkg @ git+https://host/p', { kind: 'git', name: 'pkg', extras: [], source: 'git+https://host/p' }],
    ['git+https://host/p@v1', { kind: 'git', extras: [], source: 'git+https://host/p@v1' }],
    ['./dir', { kind: 'file', extras: [], source: './dir' }],
    ['mcp>=1.0; extra == "mcp"', { ...registry, name: 'mcp', specifier: '>=1.0', marker: 'extra == "mcp"' }],
    ['name; rm -rf /', { ...registry, name: 'name', marker: 'rm -rf /' }],
    ['name==1.0 && id', { kind: 'invalid', reason: 'not a version specifier' }],
    ['--index-url=x', { kind: 'invalid', reason: 'not a package name' }],
    ['', { kind: 'invalid', reason: 'empty or too long' }],
  ];
  for (const [text, expected] of cases) {
    it(JSON.stringify(text), () => deepEqual(parsePythonSpec(text), expected));
  }

  it('normalises names by PEP 503', () => {
    equal(normalizePythonName('Foo__Bar.-baz'), 'foo-bar-baz');
    deepEqual(['a', 'a.b', '-a', 'a-', 'a b', ''].map(isPythonName), [true, true, false, false, false, false]);
  });
});
