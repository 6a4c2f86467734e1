// Layouts made by hand after those of the real tools; `beside.test.ts` of the process tests has real ones.
import { deepEqual, equal, ok } from 'node:assert/strict';
import { chmodSync, rmSync, symlinkSync } from 'node:fs';
import { afterEach, beforeEach, describe, it } from 'mocha';
import { readClosure } from '../../../../src/package/readClosure.ts';
import { type CommandLead, resolveCommand } from '../../../../src/package/resolve/resolveCommand.ts';
import { distInfo, TempTree, type Tree } from '../tree.ts';

interface Layout {
  readonly what: string;
  readonly files: (root: string) => Tree;
  /** These are programs. */
  readonly programs: readonly string[];
  readonly command: (root: string) => readonly string[];
  readonly path?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  /** What an upgrade writes anew. */
  readonly upgrade: (root: string) => Tree;
  /** Must be among the visited paths, so that the upgrade is seen at once. */
  readonly watched: string;
}

const script = '#!/usr/bin/env node\n';
const manifest = (version: string): object => ({ name: 'tiny', version });
const pythonVenv = (folder: string, version: string, root: string): Tree => ({
  [`${folder}/pyvenv.cfg`]: 'home = /usr/bin\nversion = 3.11.2\n',
  [`${folder}/bin/python`]: '',
  [`${folder}/bin/tiny`]: `#!${root}/${folder}/bin/python\n`,
  ...distInfo(`${folder}/lib/python3.11/site-packages`, 'tiny', version, { scripts: ['tiny'] }),
});

/** A project whose program `tiny` is linked to a store. */
const linkedProgram: Pick<Layout, 'files' | 'programs' | 'upgrade' | 'watched'> = {
  files: () => ({
    'p/package.json': { name: 'p', scripts: { serve: 'tiny' } },
    'store/1/package.json': manifest('1.0.0'),
    'store/1/x.js': script,
    'store/2/package.json': manifest('2.0.0'),
    'store/2/x.js': script,
    'p/node_modules/tiny': { link: '../../store/1' },
    'p/node_modules/.bin/tiny': { link: '../tiny/x.js' },
  }),
  programs: ['store/1/x.js', 'store/2/x.js'],
  upgrade: () => ({ 'p/node_modules/tiny': { link: '../../store/2' } }),
  watched: 'p/node_modules/tiny',
};

const layouts: readonly Layout[] = [
  {
    what: 'npm, yarn and Bun: node_modules/.bin links, through a link to a release',
    files: () => ({
      'r1/node_modules/tiny/package.json': manifest('1.0.0'),
      'r1/node_modules/tiny/x.js': script,
      'r1/node_modules/.bin/tiny': { link: '../tiny/x.js' },
      'r2/node_modules/tiny/package.json': manifest('2.0.0'),
      'r2/node_modules/tiny/x.js': script,
      'r2/node_modules/.bin/tiny': { link: '../tiny/x.js' },
      now: { link: 'r1' },
    }),
    programs: ['r1/node_modules/tiny/x.js', 'r2/node_modules/tiny/x.js'],
    command: (root) => [`${root}/now/node_modules/.bin/tiny`],
    upgrade: () => ({ now: { link: 'r2' } }),
    watched: 'now',
  },
  {
    what: 'npx with the name of a program that the project has',
    ...linkedProgram,
    command: (root) => ['npm', 'exec', '--prefix', `${root}/p`, '--', 'tiny'],
  },
  {
    what: 'pnpm exec in a folder by its whole path',
    ...linkedProgram,
    command: (root) => ['pnpm', '--dir', `${root}/p`, 'exec', 'tiny'],
  },
  {
    what: 'npm run in a folder by its whole path',
    ...linkedProgram,
    command: (root) => ['npm', '--prefix', `${root}/p`, 'run', '-s', 'serve'],
  },
  {
    what: 'fnm: the link of the shell’s own folder on PATH',
    files: () => ({
      'v1/bin/tiny': { link: '../lib/node_modules/tiny/x.js' },
      'v1/lib/node_modules/tiny/package.json': manifest('1.0.0'),
      'v1/lib/node_modules/tiny/x.js': script,
      'v2/bin/tiny': { link: '../lib/node_modules/tiny/x.js' },
      'v2/lib/node_modules/tiny/package.json': manifest('2.0.0'),
      'v2/lib/node_modules/tiny/x.js': script,
      fnm_multishells: { link: 'v1' },
    }),
    programs: ['v1/lib/node_modules/tiny/x.js', 'v2/lib/node_modules/tiny/x.js'],
    command: () => ['tiny'],
    path: ['fnm_multishells/bin'],
    upgrade: () => ({ fnm_multishells: { link: 'v2' } }),
    watched: 'fnm_multishells',
  },
  {
    what: 'Homebrew: bin links to the Cellar, with a wrapper',
    files: (root) => ({
      'bin/tiny': { link: '../Cellar/tiny/1.0.0/bin/tiny' },
      ...Object.fromEntries(
        ['1.0.0', '2.0.0'].flatMap((version) => [
          [`Cellar/tiny/${version}/bin/tiny`, `#!/bin/bash\nX="y" exec "${root}/Cellar/tiny/${version}/libexec/bin/tiny"  "$@"\n`],
          [`Cellar/tiny/${version}/libexec/bin/tiny`, { link: '../lib/node_modules/tiny/x.js' }],
          [`Cellar/tiny/${version}/libexec/lib/node_modules/tiny/x.js`, script],
          [`Cellar/tiny/${version}/libexec/lib/node_modules/tiny/package.json`, manifest(version)],
        ]),
      ),
    }),
    programs: ['1.0.0', '2.0.0'].flatMap((version) => [
      `Cellar/tiny/${version}/bin/tiny`,
      `Cellar/tiny/${version}/libexec/lib/node_modules/tiny/x.js`,
    ]),
    command: () => ['tiny'],
    path: ['bin'],
    upgrade: () => ({ 'bin/tiny': { link: '../Cellar/tiny/2.0.0/bin/tiny' } }),
    watched: 'bin/tiny',
  },
  {
    what: 'Nix: the profile’s generation',
    files: (root) => ({
      'store/a-tiny/bin/tiny': `#! /bin/bash -e\nexport PATH='/x'\nexec -a "$0" "${root}/store/a-tiny/bin/.tiny-wrapped"  "$@"\n`,
      'store/a-tiny/bin/.tiny-wrapped': { link: '../lib/node_modules/tiny/x.js' },
      'store/a-tiny/lib/node_modules/tiny/package.json': manifest('1.0.0'),
      'store/a-tiny/lib/node_modules/tiny/x.js': script,
      'store/b-tiny/bin/tiny': `#! /bin/bash -e\nexport PATH='/x'\nexec -a "$0" "${root}/store/b-tiny/bin/.tiny-wrapped"  "$@"\n`,
      'store/b-tiny/bin/.tiny-wrapped': { link: '../lib/node_modules/tiny/x.js' },
      'store/b-tiny/lib/node_modules/tiny/package.json': manifest('2.0.0'),
      'store/b-tiny/lib/node_modules/tiny/x.js': script,
      profile: { link: 'store/a-tiny' },
    }),
    programs: ['a', 'b'].flatMap((hash) => [`store/${hash}-tiny/bin/tiny`, `store/${hash}-tiny/lib/node_modules/tiny/x.js`]),
    command: () => ['tiny'],
    path: ['profile/bin'],
    upgrade: () => ({ profile: { link: 'store/b-tiny' } }),
    watched: 'profile',
  },
  {
    what: 'pipx and uv tool: the link in ~/.local/bin to an environment',
    files: (root) => ({
      ...pythonVenv('venvs/one', '1.0.0', root),
      ...pythonVenv('venvs/two', '2.0.0', root),
      'local/tiny': { link: '../venvs/one/bin/tiny' },
    }),
    programs: ['venvs/one/bin/tiny', 'venvs/two/bin/tiny', 'venvs/one/bin/python', 'venvs/two/bin/python'],
    command: () => ['tiny'],
    path: ['local'],
    upgrade: () => ({ 'local/tiny': { link: '../venvs/two/bin/tiny' } }),
    watched: 'local/tiny',
  },
  {
    what: 'pyenv: the version file of the folder',
    files: (root) => ({
      '.pyenv/shims/tiny': '#!/usr/bin/env bash\nset -e\nexec pyenv exec tiny "$@"\n',
      ...pythonVenv('.pyenv/versions/3.11.1', '1.0.0', root),
      ...pythonVenv('.pyenv/versions/3.11.2', '2.0.0', root),
      '.python-version': '3.11.1\n',
    }),
    programs: ['.pyenv/shims/tiny', '.pyenv/versions/3.11.1/bin/tiny', '.pyenv/versions/3.11.2/bin/tiny'].concat([
      '.pyenv/versions/3.11.1/bin/python',
      '.pyenv/versions/3.11.2/bin/python',
    ]),
    command: () => ['tiny'],
    path: ['.pyenv/shims'],
    upgrade: () => ({ '.python-version': '3.11.2\n' }),
    watched: '.python-version',
  },
  {
    what: 'asdf: .tool-versions',
    files: () => ({
      '.asdf/shims/tiny': '#!/usr/bin/env bash\n# asdf-plugin: nodejs 22.1.0\n# asdf-plugin: nodejs 24.1.0\nexec asdf exec "tiny" "$@"\n',
      '.asdf/installs/nodejs/22.1.0/bin/tiny': { link: '../lib/node_modules/tiny/x.js' },
      '.asdf/installs/nodejs/22.1.0/lib/node_modules/tiny/package.json': manifest('1.0.0'),
      '.asdf/installs/nodejs/22.1.0/lib/node_modules/tiny/x.js': script,
      '.asdf/installs/nodejs/24.1.0/bin/tiny': { link: '../lib/node_modules/tiny/x.js' },
      '.asdf/installs/nodejs/24.1.0/lib/node_modules/tiny/package.json': manifest('2.0.0'),
      '.asdf/installs/nodejs/24.1.0/lib/node_modules/tiny/x.js': script,
      '.tool-versions': 'python 3.11\nnodejs 22.1.0\n',
    }),
    programs: [
      '.asdf/shims/tiny',
      '.asdf/installs/nodejs/22.1.0/lib/node_modules/tiny/x.js',
      '.asdf/installs/nodejs/24.1.0/lib/node_modules/tiny/x.js',
    ],
    command: () => ['tiny'],
    path: ['.asdf/shims'],
    upgrade: () => ({ '.tool-versions': 'python 3.11\nnodejs 24.1.0 # new\n' }),
    watched: '.tool-versions',
  },
  {
    what: 'npm run, with the program of the project',
    files: () => ({
      'package.json': { name: 'project', scripts: { mcp: 'tiny --stdio' } },
      'node_modules/.bin/tiny': { link: '../.store/a/node_modules/tiny/x.js' },
      'node_modules/.store/a/node_modules/tiny/package.json': manifest('1.0.0'),
      'node_modules/.store/a/node_modules/tiny/x.js': script,
      'node_modules/.store/b/node_modules/tiny/package.json': manifest('2.0.0'),
      'node_modules/.store/b/node_modules/tiny/x.js': script,
    }),
    programs: ['node_modules/.store/a/node_modules/tiny/x.js', 'node_modules/.store/b/node_modules/tiny/x.js'],
    command: () => ['npm', 'run', 'mcp'],
    upgrade: () => ({ 'node_modules/.bin/tiny': { link: '../.store/b/node_modules/tiny/x.js' } }),
    watched: 'node_modules/.bin/tiny',
  },
];

describe('what a command leads to (layouts made by hand)', () => {
  let tree: TempTree;
  beforeEach(() => {
    tree = new TempTree();
  });
  afterEach(() => tree.remove());

  function follow(words: readonly string[], path: readonly string[] = [], more: Readonly<Record<string, string>> = {}): CommandLead {
    const environment = new Map([...Object.entries(more), ['PATH', path.map((folder) => tree.path(folder)).join(':')]] as const);
    return resolveCommand({ words, cwd: tree.root, environment, platform: 'linux' });
  }

  function versionOf(lead: CommandLead): string | undefined {
    ok('found' in lead, 'it is followed');
    ok('ref' in lead.found, JSON.stringify(lead));
    const reading = readClosure(lead.found.ref);
    ok(reading.status === 'ok', JSON.stringify(reading));
    return reading.packages[0]?.version;
  }

  for (const { what, files, programs, command, path, upgrade, watched, environment } of layouts) {
    it(what, () => {
      tree.write(files(tree.root));
      for (const program of programs) {
        chmodSync(tree.path(program), 0o755);
      }
      const before = follow(command(tree.root), path, environment);
      equal(versionOf(before), '1.0.0');
      ok(before.visited.includes(tree.path(watched)), before.visited.join('\n'));
      const next = upgrade(tree.root);
      for (const file of Object.keys(next)) {
        rmSync(tree.path(file));
      }
      tree.write(next);
      equal(versionOf(follow(command(tree.root), path, environment)), '2.0.0');
    });
  }

  it('wrappers, shells and our guard are passed', () => {
    tree.write({ 'node_modules/tiny/package.json': manifest('1.0.0'), 'node_modules/tiny/x.js': script });
    const file = tree.path('node_modules/tiny/x.js');
    for (const words of [
      ['env', 'A=b', 'node', file],
      ['sh', '-c', `cd / && exec node ${file}`],
      ['mcp-shepherd', 'guard', '--', 'node', file],
      ['node', '--no-warnings', file, 'more'],
    ]) {
      equal(versionOf(follow(words)), '1.0.0', words.join(' '));
    }
  });

  it('says what a file in another folder can change: the paths tried on PATH, a search for modules and projects, or nothing', () => {
    tree.write({ 'node_modules/tiny/package.json': manifest('1.0.0'), 'node_modules/tiny/x.js': script, 'p/package.json': {} });
    tree.write({ 'bin/tiny': { link: '../node_modules/tiny/x.js' } });
    chmodSync(tree.path('node_modules/tiny/x.js'), 0o755);
    const searches = (...words: readonly string[]): unknown[] => {
      const { tried, searched } = follow(words, ['early', 'bin', 'late']);
      return [tried.map((one) => one.slice(tree.root.length + 1)), searched];
    };
    deepEqual(searches('node', tree.path('node_modules/tiny/x.js')), [[], false]);
    deepEqual(searches(tree.path('bin/tiny')), [[], false]);
    deepEqual(searches('tiny'), [['early/tiny', 'bin/tiny'], false]);
    deepEqual(searches('uv', 'run', 'tiny')[1], true);
    deepEqual(searches('npm', 'run', 'tiny')[1], true);
    deepEqual(searches(tree.path('bin/python3'), '-m', 'tiny')[1], false, 'no such Python');
    tree.write({ 'bin/python3': '' });
    chmodSync(tree.path('bin/python3'), 0o755);
    deepEqual(searches('python3', '-m', 'tiny'), [['early/python3', 'bin/python3'], true]);
  });

  it('a choice of a registry or a cache is left to it, and so is a command with a PATH that is not known', () => {
    for (const words of [
      ['npx', '-y', 'tiny'],
      ['uvx', 'tiny'],
      ['pnpm', 'dlx', 'tiny'],
      ['bunx', 'tiny'],
      ['docker', 'run', 'tiny'],
      ['conda', 'run', '-n', 'tools', 'tiny'],
      ['mise', 'x', '--', 'tiny'],
      ['sh', '-c', '. venv/bin/activate && tiny'],
      ['bash', '-lc', 'tiny'],
      ['env', 'PATH=/elsewhere', 'tiny'],
    ]) {
      ok('elsewhere' in follow(words, ['bin']), words.join(' '));
    }
  });

  it('what cannot be read is unknown', () => {
    tree.write({ 'bin/program': '\x7fELF' });
    chmodSync(tree.path('bin/program'), 0o755);
    tree.write({ 'bin/odd': '#!/bin/sh\nif true; then exec a "$@"; else exec b "$@"; fi\n', 'bin/loop': '#!/bin/sh\nexec loop "$@"\n' });
    chmodSync(tree.path('bin/odd'), 0o755);
    chmodSync(tree.path('bin/loop'), 0o755);
    symlinkSync('two', tree.path('one'));
    symlinkSync('one', tree.path('two'));
    const unknown = (lead: CommandLead): boolean => 'found' in lead && 'unknown' in lead.found;
    for (const words of [['absent'], ['program'], ['odd'], ['loop'], [tree.path('one')], ['node', tree.path('one')]]) {
      ok(unknown(follow(words, ['bin'])), words.join(' '));
    }
    ok(unknown(resolveCommand({ words: ['odd'], cwd: tree.root, environment: undefined, platform: 'linux' })), 'the PATH is not known');
    deepEqual(follow(['npx', 'x']).visited, []);
    for (const words of [['program'], ['tiny', tree.path('x')]]) {
      const lead = resolveCommand({ words, cwd: tree.root, environment: undefined, platform: 'linux' });
      ok(unknown(lead), words.join(' '));
    }
    ok(
      unknown(resolveCommand({ words: ['node', 'x.js'], cwd: undefined, environment: new Map(), platform: 'linux' })),
      'the directory is not known',
    );
  });

  it('an application that runs a script with itself as Node', () => {
    tree.write({ 'bin/editor': '\x7fELF', 'node_modules/tiny/package.json': manifest('1.0.0'), 'node_modules/tiny/x.js': script });
    chmodSync(tree.path('bin/editor'), 0o755);
    const words = [tree.path('bin/editor'), tree.path('node_modules/tiny/x.js')];
    equal(versionOf(follow(words, [], { ELECTRON_RUN_AS_NODE: '1' })), '1.0.0');
    equal(versionOf(follow([words[0] ?? '', '--inspect', words[1] ?? ''], [], { ELECTRON_RUN_AS_NODE: '1' })), '1.0.0');
    const other = follow(words);
    ok('found' in other && 'unknown' in other.found, 'any other program may do anything with it');
  });
});
