import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'mocha';
import { npmRoute } from '../../../src/registry/npmRoute.ts';
import { pythonRoute } from '../../../src/registry/pythonRoute.ts';
import { type Installation, readInstallation } from '../../../src/survey/installFacts.ts';
import type { PackageRef } from '../../../src/types/package.ts';
import type { ProcessDetail } from '../../../src/types/process.ts';

const detail: ProcessDetail = { stdin: 'connected', listens: false, missing: [], environment: new Map() };

describe('readInstallation', () => {
  let root: string;
  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), 'install-facts-'));
  });
  afterEach(() => rmSync(root, { recursive: true, force: true }));

  function write(path: string, content: unknown): void {
    const file = join(root, path);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, typeof content === 'string' ? content : JSON.stringify(content));
  }

  function npm(environment: string, directory: string): Installation {
    const ref: PackageRef = { ecosystem: 'npm', entry: join(root, directory, 'i.js'), environment: join(root, environment), name: 'notes' };
    return readInstallation(ref, join(root, directory), [], detail, 'linux');
  }

  function python(environment: string, dist: string): Installation {
    const ref: PackageRef = { ecosystem: 'python', entry: '/x', environment: join(root, environment), name: 'notes' };
    return readInstallation(ref, join(root, environment, dist), [], detail, 'linux');
  }

  /** Whether anybody at all would be asked, with nothing configured. */
  function isAsked({ place }: Installation): boolean {
    const around = { platform: 'linux', home: '/nowhere', env: {}, read: () => undefined } as const;
    return 'ask' in (place.ecosystem === 'npm' ? npmRoute(place.npm, around) : pythonRoute(place.python, around));
  }

  it('reads a project of npm', () => {
    write('shop/package.json', { devDependencies: { notes: '^1.0.0' } });
    write('shop/package-lock.json', '{}');
    write('shop/node_modules/notes/package.json', { name: 'notes', version: '1.0.0' });
    const { facts, tag, place } = npm('shop', 'shop/node_modules/notes');
    assert.deepEqual([...facts.files].sort(), ['package-lock.json', 'package.json']);
    assert.equal(facts.direct, true);
    assert.equal(tag, 'latest');
    assert.ok(place.ecosystem === 'npm');
    assert.equal(place.npm.project, join(root, 'shop'));
    assert.equal(isAsked(npm('shop', 'shop/node_modules/notes')), true);
  });

  it('reads what npx was asked for, with its tag', () => {
    const asked = (spec: string): Installation => {
      write('_npx/0123456789abcdef/package.json', { dependencies: { notes: '^1.0.0' }, _npx: { packages: [spec] } });
      write('_npx/0123456789abcdef/node_modules/notes/package.json', { name: 'notes', version: '1.0.0' });
      return npm('_npx/0123456789abcdef', '_npx/0123456789abcdef/node_modules/notes');
    };
    assert.deepEqual([asked('notes').tag, asked('notes@next').tag, asked('notes@1.0.0').tag], ['latest', 'next', 'latest']);
    assert.equal(asked('notes@1.0.0').facts.asked, 'notes@1.0.0');
    assert.equal(asked('notes-and-more').facts.asked, undefined);
  });

  it('finds the project around the store of pnpm', () => {
    write('shop/package.json', { dependencies: { notes: '1.0.0' } });
    write('shop/pnpm-lock.yaml', '');
    write('shop/node_modules/.pnpm/notes@1.0.0/node_modules/notes/package.json', { name: 'notes', version: '1.0.0' });
    const found = npm('shop/node_modules/.pnpm/notes@1.0.0', 'shop/node_modules/.pnpm/notes@1.0.0/node_modules/notes');
    assert.equal(found.facts.project, join(root, 'shop'));
    assert.ok(found.facts.files.has('pnpm-lock.yaml'));
    assert.equal(isAsked(found), true);
  });

  const sources: [string, () => Installation][] = [
    [
      "a tarball, by npm's lock file",
      () => {
        write('shop/package.json', {});
        write('shop/node_modules/.package-lock.json', { packages: { 'node_modules/notes': { resolved: 'file:../notes-1.0.0.tgz' } } });
        return npm('shop', 'shop/node_modules/notes');
      },
    ],
    [
      "a checkout, by the project's package.json",
      () => {
        write('shop/package.json', { dependencies: { notes: 'git+ssh://git@example.com/acme/notes.git' } });
        return npm('shop', 'shop/node_modules/notes');
      },
    ],
    [
      "a file, by the project's package.json",
      () => {
        write('shop/package.json', { optionalDependencies: { notes: 'file:../notes-1.0.0.tgz' } });
        return npm('shop', 'shop/node_modules/notes');
      },
    ],
    [
      'a file, by pnpm',
      () => npm('shop/node_modules/.pnpm/notes@file+..+notes.tgz', 'shop/node_modules/.pnpm/notes@file+..+notes.tgz/node_modules/notes'),
    ],
    [
      'nowhere, because it is private',
      () => {
        write('shop/node_modules/notes/package.json', { name: 'notes', version: '1.0.0', private: true });
        return npm('shop', 'shop/node_modules/notes');
      },
    ],
    [
      'another registry, by where it is published to',
      () => {
        write('shop/node_modules/notes/package.json', { name: 'notes', publishConfig: { registry: 'https://acme.example/npm/' } });
        return npm('shop', 'shop/node_modules/notes');
      },
    ],
    [
      'an address, by direct_url.json',
      () => {
        write('venv/lib/python3.12/site-packages/notes-1.0.dist-info/INSTALLER', 'pip\n');
        write('venv/lib/python3.12/site-packages/notes-1.0.dist-info/direct_url.json', { url: 'https://acme.example/notes.whl' });
        return python('venv', 'lib/python3.12/site-packages/notes-1.0.dist-info');
      },
    ],
    [
      'conda',
      () => {
        write('venv/lib/python3.12/site-packages/notes-1.0.dist-info/INSTALLER', 'conda');
        return python('venv', 'lib/python3.12/site-packages/notes-1.0.dist-info');
      },
    ],
  ];
  for (const [name, make] of sources) {
    it(`tells nobody the name of what is from ${name}`, () => assert.equal(isAsked(make()), false));
  }

  it('reads an environment of pip, of pipx and of uv', () => {
    const dist = 'lib/python3.12/site-packages/notes-1.0.dist-info';
    write(`venv/${dist}/INSTALLER`, 'pip\n');
    write('venv/pyvenv.cfg', 'home = /usr/bin\nversion = 3.12.4\n');
    write('venv/lib/python3.12/site-packages/pip/__init__.py', '');
    const plain = python('venv', dist);
    assert.deepEqual([plain.python, plain.facts.hasPip, plain.facts.externallyManaged], ['3.12.4', true, false]);
    assert.equal(isAsked(plain), true);

    write('venv/pipx_metadata.json', { main_package: { package_or_url: 'notes[all]==1.0' } });
    assert.equal(python('venv', dist).facts.asked, 'notes[all]==1.0');

    write('archive-v0/Xy/lib/python3.12/site-packages/notes-1.0.dist-info/INSTALLER', 'uv');
    const uvx = python('archive-v0/Xy', dist);
    assert.ok(uvx.place.ecosystem === 'python');
    assert.deepEqual([uvx.place.python.installer, uvx.python], ['uv', '3.12']);
  });

  it("knows the system's Python by its mark", () => {
    write('usr/lib/python3.12/EXTERNALLY-MANAGED', '');
    write('usr/lib/python3.12/site-packages/notes-1.0.dist-info/INSTALLER', 'pip');
    assert.equal(python('usr', 'lib/python3.12/site-packages/notes-1.0.dist-info').facts.externallyManaged, true);
  });
});
