// Layouts made by hand after the documentation of each tool; none of these tools is run.
import { deepEqual, equal, match, ok } from 'node:assert/strict';
import { chmodSync, rmSync } from 'node:fs';
import { afterEach, beforeEach, describe, it } from 'mocha';
import { readClosure } from '../../../../src/package/readClosure.ts';
import { type CommandLead, resolveCommand } from '../../../../src/package/resolve/resolveCommand.ts';
import { distInfo, TempTree, type Tree } from '../tree.ts';

describe('what the shim of a version manager leads to (layouts made by hand)', () => {
  let tree: TempTree;
  beforeEach(() => {
    tree = new TempTree();
  });
  afterEach(() => tree.remove());

  function follow(words: readonly string[], path: readonly string[] = [], more: Readonly<Record<string, string>> = {}): CommandLead {
    const environment = new Map([
      ...Object.entries({ HOME: tree.path('home'), ...more }),
      ['PATH', path.map((folder) => tree.path(folder)).join(':')],
    ] as const);
    return resolveCommand({ words, cwd: tree.path('project'), environment, platform: 'linux' });
  }

  function versionOf(lead: CommandLead): string | undefined {
    ok('found' in lead && 'ref' in lead.found, JSON.stringify(lead));
    const reading = readClosure(lead.found.ref);
    ok(reading.status === 'ok', JSON.stringify(reading));
    return reading.packages[0]?.version;
  }

  function reasonOf(lead: CommandLead): string {
    ok('found' in lead && 'unknown' in lead.found, JSON.stringify(lead));
    return lead.found.unknown;
  }

  /** A Node program in a folder of the kind that `npm install --global` makes. */
  function installed(folder: string, version: string): Tree {
    return {
      [`${folder}/bin/tiny`]: { link: '../lib/node_modules/tiny/x.js' },
      [`${folder}/lib/node_modules/tiny/package.json`]: { name: 'tiny', version },
      [`${folder}/lib/node_modules/tiny/x.js`]: '#!/usr/bin/env node\n',
    };
  }

  function write(files: Tree): void {
    for (const file of Object.keys(files)) {
      rmSync(tree.path(file), { force: true });
    }
    tree.write(files);
    for (const [file, content] of Object.entries(files)) {
      if (/(^|\/)(bin|shims)\/|\.js$/.test(file) && !(typeof content === 'object' && 'link' in content)) {
        chmodSync(tree.path(file), 0o755);
      }
    }
  }

  describe('mise', () => {
    const shims = ['share/mise/shims'];
    const follows = (more: Readonly<Record<string, string>> = {}): CommandLead => follow(['tiny'], shims, more);
    beforeEach(() => {
      write({
        'bin/mise': '\x7fELF',
        'share/mise/shims/tiny': { link: '../../../bin/mise' },
        ...installed('share/mise/installs/node/22.1.0', '1.0.0'),
        ...installed('share/mise/installs/node/24.1.0', '2.0.0'),
        ...installed('share/mise/installs/npm-acme-tiny/3.0.0', '3.0.0'),
        'share/mise/installs/node/22': { link: './22.1.0' },
        'share/mise/installs/node/latest': { link: './24.1.0' },
        'project/readme': '',
      });
    });

    for (const [file, before, after] of [
      ['project/mise.toml', '[tools]\nnode = "22"\n', '[tools]\nnode = ["24.1.0", "22"]\n'],
      ['project/.mise.toml', '[tools]\nnode = { version = "22.1.0" }\n', '[tools]\nnode = "latest"\n'],
      ['project/.tool-versions', 'nodejs 22.1.0\n', '# new\nnodejs 24.1.0\n'],
      ['mise.toml', '[tools]\nnode = 22\n', '[tools]\nnode = "24.1.0"\n'],
      ['home/.config/mise/config.toml', '[tools]\nnode = "22"\n', '[tools]\nnode = "24.1.0"\n'],
    ] as const) {
      it(`${file} decides`, () => {
        write({ [file]: before });
        const lead = follows();
        equal(versionOf(lead), '1.0.0');
        ok(lead.visited.includes(tree.path(file)), lead.visited.join('\n'));
        write({ [file]: after });
        equal(versionOf(follows()), '2.0.0');
      });
    }

    it('the nearest file decides, and a variable more than any file', () => {
      write({ 'mise.toml': '[tools]\nnode = "22"\n', 'project/.tool-versions': 'node 24.1.0\n' });
      equal(versionOf(follows()), '2.0.0');
      equal(versionOf(follows({ MISE_NODE_VERSION: '22.1.0' })), '1.0.0');
      write({ 'project/mise.local.toml': '[tools]\nnode = "22"\n' });
      equal(versionOf(follows()), '1.0.0');
    });

    it('a tool of the npm backend', () => {
      write({ 'project/mise.toml': '[tools]\n"npm:@acme/tiny" = "3.0.0"\n' });
      equal(versionOf(follows()), '3.0.0');
    });

    it('is unknown without a version, with two tools that have the program, with templates, profiles and further files', () => {
      match(reasonOf(follows()), /no tool/);
      write({ 'project/mise.toml': '[tools]\nnode = "22"\n"npm:@acme/tiny" = "3.0.0"\n' });
      match(reasonOf(follows()), /several tools/);
      for (const text of ['[tools]\nnode = "{{ env.X }}"\n', '[tools\n']) {
        write({ 'project/mise.toml': text });
        match(reasonOf(follows()), /cannot be read/);
      }
      write({ 'project/mise.toml': '[tools]\nnode = "../../../../elsewhere"\n' });
      match(reasonOf(follows()), /no tool/);
      write({ 'project/mise.toml': '[tools]\nnode = "22"\n' });
      match(reasonOf(follows({ MISE_ENV: 'ci' })), /MISE_ENV/);
      write({ 'home/.config/mise/conf.d/a.toml': '' });
      match(reasonOf(follows()), /conf\.d/);
    });
  });

  describe('Volta', () => {
    const follows = (): CommandLead => follow(['tiny'], ['.volta/bin']);
    beforeEach(() => {
      write({
        '.volta/bin/volta-shim': '\x7fELF',
        '.volta/bin/tiny': { link: 'volta-shim' },
        '.volta/tools/user/bins/tiny.json': { name: 'tiny', package: '@s/tiny' },
        '.volta/tools/image/packages/@s/tiny/bin/tiny': { link: '../lib/node_modules/tiny/x.js' },
        '.volta/tools/image/packages/@s/tiny/lib/node_modules/tiny/package.json': { name: 'tiny', version: '1.0.0' },
        '.volta/tools/image/packages/@s/tiny/lib/node_modules/tiny/x.js': '#!/usr/bin/env node\n',
        'project/readme': '',
      });
    });

    it('the package that was installed with it, not the link to Volta itself', () => {
      const lead = follows();
      equal(versionOf(lead), '1.0.0');
      ok(lead.visited.includes(tree.path('.volta/tools/user/bins/tiny.json')));
    });

    it('the program of the project comes first, when a direct dependency brings it', () => {
      const project = (dependencies: object): Tree => ({
        'project/package.json': { name: 'project', dependencies, volta: { node: '22.1.0' } },
        'project/node_modules/tiny/package.json': { name: 'tiny', version: '2.0.0', bin: { tiny: 'x.js' } },
        'project/node_modules/tiny/x.js': '#!/usr/bin/env node\n',
        'project/node_modules/.bin/tiny': { link: '../tiny/x.js' },
      });
      write(project({ other: '1' }));
      equal(versionOf(follows()), '1.0.0', 'a package that another one brought');
      write(project({ tiny: '2' }));
      const lead = follows();
      equal(versionOf(lead), '2.0.0');
      ok(lead.visited.includes(tree.path('project/package.json')));
    });
  });

  it('snap: the revision that `current` names, by the command in snap.yaml', () => {
    const revision = (number: string, version: string): Tree => ({
      [`snap/tiny/${number}/meta/snap.yaml`]: [
        'name: tiny',
        'apps:',
        '  other:',
        '    command: bin/other',
        '  tiny:',
        '    environment:',
        '      A: b',
        '    command: bin/tiny',
        '    plugs:',
        '    - network',
        'base: core24',
        '',
      ].join('\n'),
      ...installed(`snap/tiny/${number}`, version),
    });
    write({
      'usr/bin/snap': '\x7fELF',
      'snap/bin/tiny': { link: '../../usr/bin/snap' },
      ...revision('11', '1.0.0'),
      ...revision('12', '2.0.0'),
      'snap/tiny/current': { link: '11' },
    });
    const lead = follow(['tiny'], ['snap/bin']);
    equal(versionOf(lead), '1.0.0');
    ok(lead.visited.includes(tree.path('snap/tiny/current')));
    write({ 'snap/tiny/current': { link: '12' } });
    equal(versionOf(follow(['tiny'], ['snap/bin'])), '2.0.0');
    for (const command of ['../../elsewhere', '$SNAP/x y', '']) {
      write({ 'snap/tiny/12/meta/snap.yaml': `apps:\n  tiny:\n    command: ${command}\n` });
      match(reasonOf(follow(['tiny'], ['snap/bin'])), /snap/, command);
    }
  });

  describe('uv run', () => {
    const venv = (folder: string, version: string): Tree => ({
      [`${folder}/pyvenv.cfg`]: 'home = /usr/bin\nversion = 3.11.2\n',
      [`${folder}/bin/python`]: '',
      [`${folder}/bin/tiny`]: `#!${tree.path(folder)}/bin/python\n`,
      ...distInfo(`${folder}/lib/python3.11/site-packages`, 'tiny', version, { scripts: ['tiny'] }),
      [`${folder}/lib/python3.11/site-packages/tiny/__init__.py`]: '',
      [`${folder}/lib/python3.11/site-packages/tiny/__main__.py`]: '',
    });

    it('the program, and the module, of the environment of the project', () => {
      write({
        'project/pyproject.toml': '[project]\nname = "p"\n',
        'envs/one/x': '',
        ...venv('envs/one', '1.0.0'),
        ...venv('envs/two', '2.0.0'),
      });
      write({ 'project/.venv': { link: '../envs/one' } });
      for (const words of [
        ['uv', 'run', 'tiny'],
        ['uv', 'run', '-m', 'tiny'],
        ['uv', 'run', 'python', '-m', 'tiny'],
        ['uv', '--directory', tree.path('project'), 'run', 'tiny'],
        ['uv', 'run', '--project', tree.path('project'), 'tiny'],
      ]) {
        equal(versionOf(follow(words)), '1.0.0', words.join(' '));
      }
      write({ 'project/.venv': { link: '../envs/two' } });
      equal(versionOf(follow(['uv', 'run', 'tiny'])), '2.0.0');
      equal(versionOf(follow(['uv', 'run', 'tiny'], [], { UV_PROJECT_ENVIRONMENT: tree.path('envs/one') })), '1.0.0');
    });

    it('a member of a workspace uses its environment; a folder above that is no workspace is not asked', () => {
      write({
        'project/pyproject.toml': '[project]\nname = "p"\n',
        ...venv('.venv', '1.0.0'),
        'pyproject.toml': '[project]\nname = "above"\n',
      });
      match(reasonOf(follow(['uv', 'run', 'tiny'])), /environment of its project/);
      write({ 'pyproject.toml': '[tool.uv.workspace]\nmembers = ["project"]\n' });
      equal(versionOf(follow(['uv', 'run', 'tiny'])), '1.0.0');
    });

    it('another environment is left to uv', () => {
      write({ 'project/pyproject.toml': '[project]\n', ...venv('project/.venv', '1.0.0'), 'project/own.py': '# /// script\n# ///\n' });
      for (const words of [
        ['--with', 'x', 'tiny'],
        ['--isolated', 'tiny'],
        ['--no-project', 'tiny'],
        ['--python', '3.12', 'tiny'],
        ['own.py'],
      ]) {
        deepEqual('elsewhere' in follow(['uv', 'run', ...words]), true, words.join(' '));
      }
    });
  });
});
