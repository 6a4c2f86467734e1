import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'mocha';
import { upgradeCommand } from '../../../../src/diagnosis/upgradeCommand.ts';
import type { PackageRef } from '../../../../src/model/package.ts';
import type { ProcessDetail, ProcessRow } from '../../../../src/model/process.ts';
import { npmRoute } from '../../../../src/registry/npm/npmRoute.ts';
import { pythonRoute } from '../../../../src/registry/python/pythonRoute.ts';
import type { InstallWay } from '../../../../src/survey/updates/installWay.ts';
import { readInstallWay } from '../../../../src/survey/updates/updates.ts';
import { rowOf } from '../../../process/package/observe.ts';
import { hangMs, processorTime } from '../../processorTime.ts';

const detail: ProcessDetail = { stdin: 'connected', listens: false, missing: [], environment: new Map() };

describe('readInstallWay', () => {
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

  function npm(environment: string, directory: string, launchers: readonly ProcessRow[] = []): InstallWay {
    const ref: PackageRef = { ecosystem: 'npm', entry: join(root, directory, 'i.js'), environment: join(root, environment), name: 'notes' };
    return readInstallWay({ ref, root: join(root, directory), launchers, detail, platform: 'linux' });
  }

  function python(environment: string, dist: string): InstallWay {
    const ref: PackageRef = { ecosystem: 'python', entry: '/x', environment: join(root, environment), name: 'notes' };
    return readInstallWay({ ref, root: join(root, environment, dist), launchers: [], detail, platform: 'linux' });
  }

  /** Whether any registry would be asked, without configuration. */
  function isAsked({ place }: InstallWay): boolean {
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

  it('finds in the lock files of others that it came from elsewhere', () => {
    write('shop/package.json', { dependencies: { notes: '^1.0.0' } });
    write('shop/node_modules/notes/package.json', { name: 'notes', version: '1.0.0' });
    const look = (): boolean => isAsked(npm('shop', 'shop/node_modules/notes'));
    const yarn = (name: string, host: string): string =>
      `# yarn lockfile v1\n\n${name}@^1.0.0, ${name}@~1.0.0:\n  version "1.0.0"\n  resolved "https://${host}/${name}/-/${name}-1.0.0.tgz#00"\n  integrity x\n`;
    const locks: [file: string, elsewhere: unknown, other: unknown][] = [
      ['package-lock.json', { packages: { 'node_modules/notes': { resolved: 'https://own.example/notes.tgz' } } }, { packages: {} }],
      ['yarn.lock', yarn('notes', 'own.example'), `${yarn('other', 'own.example')}\n${yarn('notes', 'registry.yarnpkg.com')}`],
      [
        'yarn.lock',
        '__metadata:\n  version: 8\n\n"notes@npm:^1":\n  version: 1.0.0\n  resolution: "notes@npm:1.0.0::__archiveUrl=https%3A%2F%2Fown.example%2Fn.tgz"\n',
        '__metadata:\n  version: 8\n\n"notes@npm:^1":\n  version: 1.0.0\n  resolution: "notes@npm:1.0.0"\n',
      ],
      [
        'bun.lock',
        '{ "packages": { "notes": ["notes@1.0.0", "https://own.example/n.tgz", {}, "x"], } }',
        '{ "packages": { "notes": ["notes@1.0.0", "", {}, "x"], } }',
      ],
      [
        'pnpm-lock.yaml',
        'packages:\n  ? notes@1.0.0\n  : resolution:\n      tarball:\n        https://own.example/n.tgz\n',
        'packages:\n  notes@1.0.0:\n    resolution: {tarball: notes/-/notes-1.0.0.tgz}\n',
      ],
      [
        'pnpm-lock.yaml',
        'packages:\n\n  notes@1.0.0:\n    resolution: {integrity: x, tarball: https://own.example/n.tgz}\n',
        'packages:\n\n  notes@1.0.0:\n    resolution: {integrity: x}\n',
      ],
    ];
    for (const [file, elsewhere, other] of locks) {
      write(`shop/${file}`, other);
      assert.equal(look(), true, `control: ${file}`);
      write(`shop/${file}`, elsewhere);
      assert.equal(look(), false, file);
      rmSync(join(root, 'shop', file));
    }
  });

  it('asks no public registry while a lock file that may name a source cannot be read', () => {
    write('shop/package.json', { dependencies: { notes: '^1.0.0' } });
    write('shop/node_modules/notes/package.json', { name: 'notes', version: '1.0.0' });
    for (const [file, text] of [
      ['package-lock.json', '{'],
      ['node_modules/.package-lock.json', '{'],
      ['pnpm-lock.yaml', 'packages: {notes@1.0.0: {resolution: {tarball: x'],
      ['yarn.lock', '__metadata: {__archiveUrl: ['],
      ['bun.lock', '{ "packages": { "notes": ["notes@1.0.0"'],
    ] as const) {
      write(`shop/${file}`, text);
      const { place } = npm('shop', 'shop/node_modules/notes');
      assert.ok(place.ecosystem === 'npm');
      assert.equal(place.npm.unreadable, join(root, 'shop', file));
      assert.equal(isAsked(npm('shop', 'shop/node_modules/notes')), false, file);
      rmSync(join(root, 'shop', file));
    }
  });

  it('is not held up by hostile lock files and settings', () => {
    write('shop/package.json', { dependencies: { notes: '^1.0.0' } });
    write('shop/node_modules/notes/package.json', { name: 'notes', version: '1.0.0' });
    const hostile: [file: string, text: string][] = [
      ['yarn.lock', `notes@^1:\n${'  version "1"\n'.repeat(300_000)}`],
      ['yarn.lock', 'notes@^1:\n'.repeat(300_000)],
      ['pnpm-lock.yaml', `  notes@1:\n${'    resolution: {\n'.repeat(200_000)}`],
      ['pnpm-lock.yaml', `  notes@1:\n${'    tarball: {\n'.repeat(200_000)}`],
      ['pnpm-lock.yaml', `tarball${'[]'.repeat(500_000)}`],
      ['pnpm-lock.yaml', `a: [tarball]\n${Array.from({ length: 20_000 }, (_, index) => `k${index}: &k${index} v\n`).join('')}`],
      ['pnpm-lock.yaml', `tarball: &a [x]\nb: &b [${'*a,'.repeat(90)}]\nc: [${'*b,'.repeat(90)}]\n`],
      ['bun.lock', '["notes@'.repeat(300_000)],
      ['bun.lock', '{"packages":'.repeat(300_000)],
      ['package-lock.json', '['.repeat(1_000_000)],
      ['.yarnrc', '\n'.repeat(1_000_000)],
      ['.yarnrc.yml', ' npmRegistryServer: x\n'.repeat(40_000)],
      ['node_modules/.modules.yaml', '@a '.repeat(300_000)],
    ];
    for (const [file, text] of hostile) {
      write(`shop/${file}`, text);
      const start = processorTime();
      const { place } = npm('shop', 'shop/node_modules/notes');
      assert.ok(place.ecosystem === 'npm');
      npmRoute(place.npm, {
        platform: 'linux',
        home: '/nowhere',
        env: {},
        read: (path) => (path === join(root, 'shop', file) ? text : undefined),
      });
      assert.ok(processorTime() - start < hangMs, file);
      rmSync(join(root, 'shop', file));
    }
  });

  it('reads where pipx and pipenv had it from', () => {
    const dist = 'lib/python3.11/site-packages/notes-1.0.0.dist-info';
    const first = (environment: string): string | undefined => {
      const { place } = python(environment, dist);
      assert.ok(place.ecosystem === 'python');
      const route = pythonRoute(place.python, { platform: 'linux', home: '/nowhere', env: {}, read: () => undefined });
      return 'ask' in route ? route.ask[0].base.host : route.never;
    };
    for (const environment of ['venvs/notes', 'shop/.venv', 'virtualenvs/shop-x']) {
      write(`${environment}/${dist}/INSTALLER`, 'pip\n');
      write(`${environment}/pyvenv.cfg`, 'version = 3.11.2\n');
    }
    const main = { package: 'notes', package_or_url: 'notes' };
    write('venvs/notes/pipx_metadata.json', { main_package: { ...main, pip_args: ['--index-url', 'https://own.example/simple'] } });
    assert.equal(first('venvs/notes'), 'own.example');
    write('shop/Pipfile', '[[source]]\nurl = "https://own.example/simple"\n');
    write('virtualenvs/shop-x/.project', join(root, 'shop'));
    assert.equal(first('shop/.venv'), 'own.example');
    assert.equal(first('virtualenvs/shop-x'), 'own.example');
    // What cannot be read may name a private index.
    write('venvs/notes/pipx_metadata.json', '{');
    rmSync(join(root, 'shop/Pipfile'));
    mkdirSync(join(root, 'shop/Pipfile'));
    for (const [environment, file] of [
      ['venvs/notes', 'venvs/notes/pipx_metadata.json'],
      ['shop/.venv', 'shop/Pipfile'],
    ] as const) {
      assert.ok(first(environment)?.includes(join(root, file)), first(environment));
    }
  });

  it('reads what npx was asked for, with its tag', () => {
    const asked = (spec: string): InstallWay => {
      write('_npx/0123456789abcdef/package.json', { dependencies: { notes: '^1.0.0' }, _npx: { packages: [spec] } });
      write('_npx/0123456789abcdef/node_modules/notes/package.json', { name: 'notes', version: '1.0.0' });
      return npm('_npx/0123456789abcdef', '_npx/0123456789abcdef/node_modules/notes');
    };
    assert.deepEqual([asked('notes').tag, asked('notes@next').tag, asked('notes@1.0.0').tag], ['latest', 'next', 'latest']);
    assert.equal(asked('notes@1.0.0').facts.asked, 'notes@1.0.0');
    assert.equal(asked('notes-and-more').facts.asked, undefined);
  });

  it('knows what npx was asked for by its own line where npm wrote nothing down (before npm 11): a pinned version is no command', () => {
    write('_npx/0123456789abcdef/package.json', { dependencies: { notes: '^1.0.0' } });
    write('_npx/0123456789abcdef/node_modules/notes/package.json', { name: 'notes', version: '1.0.0' });
    const upgrade = (...argv: string[]): unknown => {
      const { facts } = npm('_npx/0123456789abcdef', '_npx/0123456789abcdef/node_modules/notes', [rowOf(argv)]);
      return upgradeCommand(facts, '2.0.0');
    };
    assert.deepEqual(upgrade('npm exec notes@1.0.0'), {
      words: 'it is started as notes@1.0.0: write notes@2.0.0 in the configuration that starts it',
    });
    assert.deepEqual(upgrade('npm exec notes'), {
      argv: ['npm', 'install', '--prefix', join(root, '_npx/0123456789abcdef'), 'notes@2.0.0'],
    });
    assert.deepEqual(upgrade('sh', '-c', 'notes'), upgrade('npm exec notes'));
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

  const sources: [string, () => InstallWay][] = [
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
    it(`asks no registry about a package from ${name}`, () => assert.equal(isAsked(make()), false));
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

  it("knows a user's own installs, and that the system forbids pip beside them", () => {
    const dist = 'lib/python3.11/site-packages/notes-1.0.dist-info';
    write(`home/.local/${dist}/INSTALLER`, 'pip');
    write('home/.local/lib/python3.11/site-packages/pip/__init__.py', '');
    write('usr/lib/python3.11/os.py', '');
    const ref: PackageRef = { ecosystem: 'python', entry: '/x', environment: join(root, 'home/.local'), name: 'notes' };
    const facts = () =>
      readInstallWay({
        ref,
        root: join(ref.environment, dist),
        launchers: [],
        detail: { ...detail, exe: join(root, 'usr/bin/python3.11') },
        platform: 'linux',
      }).facts;
    assert.deepEqual(facts().addedSite, { python: '3.11', managed: false, ofUser: true });
    write('usr/lib/python3.11/EXTERNALLY-MANAGED', '');
    assert.deepEqual(facts().addedSite, { python: '3.11', managed: true, ofUser: true });
    assert.equal(facts().externallyManaged, false);
    write('home/.local/bin/python3', '');
    assert.equal(facts().addedSite, undefined, 'it has an interpreter of its own');
  });

  it('takes what uvx was called with for its own package alone, however that is written', () => {
    const asked = (...words: string[]): string | undefined => {
      const argv = ['uvx', ...words];
      const row: ProcessRow = {
        identity: { bootId: 'b', pidNamespace: 'n', pid: 2, start: 's' },
        pid: 2,
        ppid: 1,
        startedAt: 0,
        startErrorMs: 0,
        name: 'uvx',
        argv,
        argvExact: true,
        commandLine: argv.join(' '),
        rssBytes: 0,
        state: 'S',
      };
      const ref: PackageRef = { ecosystem: 'python', entry: '/x', environment: join(root, 'env'), name: 'notes-mcp' };
      return readInstallWay({ ref, root: join(root, 'env/lib/python3.11/site-packages/x'), launchers: [row], detail, platform: 'linux' })
        .facts.asked;
    };
    assert.equal(asked('notes_mcp@1.0'), 'notes-mcp@1.0');
    assert.equal(asked('Notes.MCP'), 'notes-mcp');
    assert.equal(asked('--from', 'notes-mcp-extras==1.0', 'notes-mcp'), undefined);
  });

  it("knows the system's Python by its mark", () => {
    write('usr/lib/python3.12/EXTERNALLY-MANAGED', '');
    write('usr/lib/python3.12/site-packages/notes-1.0.dist-info/INSTALLER', 'pip');
    assert.equal(python('usr', 'lib/python3.12/site-packages/notes-1.0.dist-info').facts.externallyManaged, true);
  });
});
