// Layouts after those of npm 10.9, npm 11.19 and uv 0.12; `lazy.test.ts` of the process tests has the real npx.
import assert from 'node:assert/strict';
import { chmodSync } from 'node:fs';
import { readClosure } from '../../../../src/package/readClosure.ts';
import { launcherProgram } from '../../../../src/package/resolve/launcherProgram.ts';
import { npxHash } from '../../../../src/process/commandline/npmCommand.ts';
import { distInfo, TempTree, type Tree } from '../tree.ts';

const cached = (spec: string): string => `home/.npm/_npx/${npxHash([spec])}/node_modules`;
const npmPackage = (modules: string, version: string, bins = modules): Tree => ({
  [`${modules}/@m/notes/package.json`]: { name: '@m/notes', version, bin: { notes: 'x.js' } },
  [`${modules}/@m/notes/x.js`]: '#!/usr/bin/env node\n',
  [`${bins}/notes`]: '',
});
const inCache = (spec: string, version: string): Tree => npmPackage(cached(spec), version, `${cached(spec)}/.bin`);
const inProject = (version: string): Tree => npmPackage('work/node_modules', version, 'work/node_modules/.bin');
const globally = (version: string): Tree => npmPackage('usr/lib/node_modules', version, 'usr/bin');

describe('the program that a package runner starts', () => {
  const trees: TempTree[] = [];
  afterEach(() => {
    for (const tree of trees.splice(0)) {
      tree.remove();
    }
  });

  /** The path below the tree, or the reason. */
  function found(words: string, files: Tree, npm = '11.19.1', variables: Readonly<Record<string, string>> = {}): string {
    const tree = new TempTree();
    trees.push(tree);
    const { root } = tree.write({
      'usr/lib/node_modules/npm/package.json': { name: 'npm', version: npm },
      'usr/lib/node_modules/npm/bin/npx-cli.js': '#!/usr/bin/env node\n',
      'usr/bin/npx': { link: '../lib/node_modules/npm/bin/npx-cli.js' },
      'usr/bin/node': '',
      'usr/bin/uvx': '',
      'work/package.json': { name: 'work' },
      ...files,
    });
    for (const program of ['npx', 'node', 'uvx']) {
      chmodSync(`${root}/usr/bin/${program}`, 0o755);
    }
    const environment = new Map(Object.entries({ PATH: `${root}/usr/bin`, HOME: `${root}/home`, ...variables }));
    const program = launcherProgram({ words: words.split(' '), cwd: `${root}/work`, environment, platform: 'linux' }, (ref) => {
      const reading = readClosure(ref);
      return reading.status === 'ok' ? reading.packages[0]?.version : undefined;
    });
    return 'unknown' in program ? `? ${program.unknown}` : program.words.join(' ').replace(`${root}/`, '');
  }
  const isUnknown = (text: string): void => assert.ok(text.startsWith('? ') && text.length > 5, text);

  it('npx: an exact version in its cache, with every npm', () => {
    const spec = '@m/notes@1.0.0';
    for (const npm of ['10.9.2', '11.19.1']) {
      assert.equal(found(`npx -y ${spec} --db x`, inCache(spec, '1.0.0'), npm), `${cached(spec)}/.bin/notes --db x`);
      assert.equal(found(`npx -y -p ${spec} notes`, inCache(spec, '1.0.0'), npm), `${cached(spec)}/.bin/notes`);
    }
    isUnknown(found(`npx -y ${spec}`, {}));
    isUnknown(found(`npx -y ${spec}`, inCache(spec, '1.0.1')));
  });

  it('npx: a range is answered from the cache by npm 10, and by the registry from npm 11 on', () => {
    const spec = '@m/notes@^1.0.0';
    assert.equal(found(`npx ${spec}`, inCache(spec, '1.2.0'), '10.9.2'), `${cached(spec)}/.bin/notes`);
    isUnknown(found(`npx ${spec}`, inCache(spec, '1.2.0')));
    isUnknown(found(`npx ${spec}`, inCache(spec, '2.0.0'), '10.9.2'));
    isUnknown(found(`npx ${spec}`, inCache(spec, '1.2.0'), '9.9.4'));
  });

  it('npx: a bare name and a tag ask the registry, unless the project or a global package has it', () => {
    isUnknown(found('npx -y @m/notes', inCache('@m/notes', '1.0.0'), '10.9.2'));
    isUnknown(found('npx -y @m/notes@latest', inProject('1.0.0')));
    assert.equal(found('npx -y @m/notes', inProject('1.0.0')), 'work/node_modules/.bin/notes');
    assert.equal(found('npx -y @m/notes', globally('1.0.0')), 'usr/bin/notes');
    assert.equal(found('npx -y notes', { 'work/node_modules/.bin/notes': '', ...globally('1.0.0') }), 'work/node_modules/.bin/notes');
    assert.equal(found('npx -y notes', { 'node_modules/.bin/notes': '' }), 'node_modules/.bin/notes', 'above the project');
    isUnknown(found('npx -y notes', { 'work/package.json': { name: 'work', bin: { notes: 'x.js' } }, ...globally('1.0.0') }));
  });

  it('npx: the project comes before the global package, and that before the cache; the version decides', () => {
    const spec = '@m/notes@1.0.0';
    const all = (project: string, global: string): Tree => ({ ...inProject(project), ...globally(global), ...inCache(spec, '1.0.0') });
    assert.equal(found(`npx ${spec}`, all('1.0.0', '1.0.0')), 'work/node_modules/.bin/notes');
    assert.equal(found(`npx ${spec}`, all('2.0.0', '1.0.0')), 'usr/bin/notes');
    assert.equal(found(`npx ${spec}`, all('2.0.0', '2.0.0')), `${cached(spec)}/.bin/notes`);
  });

  it('npx: settings that move its folders are followed; those that choose otherwise leave it unknown', () => {
    const spec = '@m/notes@1.0.0';
    const moved = npmPackage(`other/_npx/${npxHash([spec])}/node_modules`, '1.0.0', `other/_npx/${npxHash([spec])}/node_modules/.bin`);
    assert.equal(
      found(`npx ${spec}`, { ...moved, 'home/.npmrc': 'cache = ~/../other\n' }),
      `other/_npx/${npxHash([spec])}/node_modules/.bin/notes`,
    );
    for (const line of ['cache = ${X}/y', 'package = other', 'workspace = a', 'global = true']) {
      isUnknown(found(`npx ${spec}`, { ...inCache(spec, '1.0.0'), 'work/.npmrc': line }));
    }
    isUnknown(found(`npx ${spec}`, inCache(spec, '1.0.0'), '11.19.1', { npm_config_workspace: 'a' }));
    isUnknown(found(`npx ${spec}`, { ...inCache(spec, '1.0.0'), 'package.json': { workspaces: ['work'] } }));
    for (const words of [`npx --prefix x ${spec}`, `npx -p ${spec} -p other notes`, `npx -c notes`, `pnpm dlx ${spec}`, `bunx ${spec}`]) {
      isUnknown(found(words, inCache(spec, '1.0.0')));
    }
  });

  it('uvx: only a tool that uv has installed and that fits; an exact version alone gets the newest dependencies', () => {
    const tool = 'home/.local/share/uv/tools/notes';
    const files: Tree = {
      [`${tool}/pyvenv.cfg`]: 'home = /usr/bin\nversion = 3.11.2\n',
      [`${tool}/bin/python`]: '',
      [`${tool}/bin/notes`]: '#!/usr/bin/python3\n',
      ...distInfo(`${tool}/lib/python3.11/site-packages`, 'notes', '1.0.0', { scripts: ['notes'] }),
    };
    for (const words of ['uvx notes', 'uvx notes==1.0.0', 'uvx notes@1.0.0', 'uvx --from notes>=1 notes']) {
      assert.equal(found(words, files), `${tool}/bin/notes`, words);
    }
    for (const words of ['uvx notes@latest', 'uvx notes==2.0.0', 'uvx --with x notes', 'uvx --python 3.12 notes', 'uvx notes[cli]']) {
      isUnknown(found(words, files));
    }
    isUnknown(found('uvx notes==1.0.0', {}));
    isUnknown(found('uvx notes', files, '11.19.1', { UV_PYTHON: '3.12' }));
  });
});
