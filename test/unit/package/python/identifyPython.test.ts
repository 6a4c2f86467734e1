import { deepEqual, match, ok } from 'node:assert/strict';
import { afterEach, beforeEach, describe, it } from 'mocha';
import { sourceEntry } from '../../../../src/package/code/sourceEntry.ts';
import { identifyPackage } from '../../../../src/package/identifyPackage.ts';
import { readClosure } from '../../../../src/package/readClosure.ts';
import { assertNames } from '../../../names.ts';
import { rowOf } from '../../../process/package/observe.ts';
import { detailOf, distInfo, TempTree } from '../tree.ts';

/** An environment as `python -m venv` makes it; the interpreter is a link to `base/bin/python3.11`, a stand-in that is never run. */
function venv(root: string, up: string): Record<string, string | { link: string }> {
  return {
    [`${root}/pyvenv.cfg`]: 'home = /usr/bin\ninclude-system-site-packages = false\nversion = 3.11.2\n',
    [`${root}/bin/python`]: { link: `${up}base/bin/python3.11` },
    [`${root}/bin/python3`]: { link: 'python' },
  };
}

describe('identifyPackage: Python', () => {
  let tree: TempTree;
  let exe: string;
  const site = 'v/lib/python3.11/site-packages';
  beforeEach(() => {
    tree = new TempTree().write({
      'base/bin/python3.11': 'a stand-in',
      ...venv('v', '../../'),
      'v/bin/my-mcp': '#!/x\n',
      ...distInfo(site, 'my_server', '1.0.0', { scripts: ['my-mcp'] }),
      ...distInfo(site, 'other', '2.0', { scripts: ['other'] }),
    });
    exe = tree.path('base/bin/python3.11');
  });
  afterEach(() => tree.remove());

  function identify(argv: readonly string[], detail: Parameters<typeof detailOf>[0] = {}): ReturnType<typeof identifyPackage> {
    return identifyPackage(rowOf(argv), detailOf({ exe, cwd: tree.root, ...detail }));
  }
  const expected = (entry = 'v/bin/my-mcp', environment = 'v') => ({
    ref: { ecosystem: 'python', entry: tree.path(entry), environment: tree.path(environment), name: 'my-server' },
  });

  it('finds the venv by the interpreter as named: absolute, relative, by PATH', () => {
    deepEqual(identify([tree.path('v/bin/python'), tree.path('v/bin/my-mcp'), '--flag']), expected());
    deepEqual(identify(['v/bin/python', 'v/bin/my-mcp']), expected());
    deepEqual(identify(['python', tree.path('v/bin/my-mcp')], { env: { PATH: `/nowhere:${tree.path('v/bin')}` } }), expected());
  });

  it('does not believe an inherited VIRTUAL_ENV before the interpreter', () => {
    tree.write({ ...venv('w', '../../'), ...distInfo('w/lib/python3.11/site-packages', 'wrong', '9.0', { scripts: ['my-mcp'] }) });
    deepEqual(identify([tree.path('v/bin/python'), tree.path('v/bin/my-mcp')], { env: { VIRTUAL_ENV: tree.path('w') } }), expected());
    deepEqual(
      identify(['python', '-m', 'my_server'], { cwd: '/', env: { PATH: tree.path('v/bin'), VIRTUAL_ENV: tree.path('w') } }),
      expected(`${site}/my_server`),
    );
    // Only when the name leads nowhere does it count, and only if the running program is its interpreter.
    deepEqual(
      identify(['python', '-m', 'my_server'], { cwd: '/', env: { PATH: '/nowhere', VIRTUAL_ENV: tree.path('v') } }),
      expected(`${site}/my_server`),
    );
  });

  it('passes over a program of the same name on PATH that is not the running one', () => {
    tree.write({ 'shims/python': '#!/bin/sh\n' });
    deepEqual(
      identify(['python', '-m', 'my_server'], { cwd: '/', env: { PATH: `${tree.path('shims')}:${tree.path('v/bin')}` } }),
      expected(`${site}/my_server`),
    );
  });

  it('falls back on the script’s first line, also in its long form', () => {
    tree.write({
      'v/bin/first': `#!${tree.path('v/bin/python')}\n`,
      'v/bin/long': `#!/bin/sh\n'''exec' "${tree.path('v/bin/python')}" "$0" "$@"\n' '''\n`,
    });
    tree.write(distInfo(site, 'third', '1.0', { scripts: ['first', 'long'] }));
    for (const script of ['first', 'long']) {
      const found = identify(['python', tree.path('v/bin', script)], { env: {} });
      ok('ref' in found && found.ref.name === 'third' && found.ref.environment === tree.path('v'), JSON.stringify(found));
    }
  });

  it('knows uvx and pipx environments, links to their scripts, and the extras that were asked for', () => {
    tree.write({
      ...venv('cache/archive-v0/AbC', '../../../../'),
      'cache/archive-v0/AbC/bin/my-mcp': '',
      ...distInfo('cache/archive-v0/AbC/lib/python3.11/site-packages', 'my_server', '1.0.0', { scripts: ['my-mcp'] }),
      'v/pipx_metadata.json': { main_package: { package_or_url: 'My.Server[cli]==1.0.0' } },
      'cache/archive-v0/AbC/uv-receipt.toml': '[tool]\nrequirements = [{ name = "my-server", extras = ["a", "B_c"] }]\n',
      'local/bin/my-mcp': { link: '../../v/bin/my-mcp' },
    });
    const uv = 'cache/archive-v0/AbC';
    deepEqual(identify([tree.path(uv, 'bin/python'), tree.path(uv, 'bin/my-mcp')]), {
      ref: { ...expected(`${uv}/bin/my-mcp`, uv).ref, extras: ['a', 'b-c'] },
    });
    deepEqual(identify([tree.path('v/bin/python'), tree.path('local/bin/my-mcp')]), {
      ref: { ...expected('local/bin/my-mcp').ref, extras: ['cli'] },
    });
  });

  it('finds the distribution of a module and of a script inside the site directory', () => {
    deepEqual(identify([tree.path('v/bin/python'), '-m', 'my_server.cli']), expected(`${site}/my_server`));
    deepEqual(
      identify([tree.path('v/bin/python'), '-u', tree.path(site, 'my_server/__init__.py')]),
      expected(`${site}/my_server/__init__.py`),
    );
  });

  it('knows source in place: editable installs by path file, by finder, and by the working directory', () => {
    tree.write({
      'src/mod_a/__init__.py': '',
      'src/script.py': '',
      ...distInfo(site, 'ed_a', '1.0', { record: '__editable__.ed_a-1.0.pth,sha256=x,1\n', scripts: ['ed-a'] }),
      [`${site}/__editable__.ed_a-1.0.pth`]: `${tree.path('src')}\n`,
      [`${site}/ed_a-1.0.dist-info/direct_url.json`]: { url: `file://${tree.path('src')}`, dir_info: { editable: true } },
      'flat/mod_b/__init__.py': '',
      ...distInfo(site, 'ed_b', '1.0', { record: '__editable___ed_b_1_0_finder.py,sha256=x,1\n' }),
      [`${site}/__editable___ed_b_1_0_finder.py`]: `MAPPING = {'mod_b': '${tree.path('flat/mod_b')}'}\n`,
      [`${site}/ed_b-1.0.dist-info/direct_url.json`]: { url: `file://${tree.path('flat')}`, dir_info: { editable: true } },
      'v/bin/ed-a': '',
    });
    const cases: readonly [readonly string[], string, string, string][] = [
      [['-m', 'mod_a'], '/', 'ed-a', 'src/mod_a'],
      [['-m', 'mod_b'], '/', 'ed-b', 'flat/mod_b'],
      [['-m', 'mod_a'], tree.path('src'), 'ed-a', 'src/mod_a'],
      [['script.py'], tree.path('src'), 'ed-a', 'src/script.py'],
      [[tree.path('v/bin/ed-a')], '/', 'ed-a', 'v/bin/ed-a'],
    ];
    for (const [args, cwd, name, entry] of cases) {
      deepEqual(identify([tree.path('v/bin/python'), ...args], { cwd }), {
        ref: { ecosystem: 'python', entry: tree.path(entry), environment: tree.path('v'), name, editable: true },
      });
    }
    // A word that names no file: its path would be stored.
    ok('unknown' in identify([tree.path('v/bin/python'), 'password=S'], { cwd: tree.path('src') }));
  });

  it('finds the source of a command where the finder of its editable install maps it to', () => {
    tree.write({
      'project/python/mod_d/__init__.py': 'from mod_d.inner import part\n',
      'project/python/mod_d/inner/__init__.py': '',
      'project/python/mod_d/inner/part.py': '',
      ...distInfo(site, 'ed_d', '1.0', { record: '__editable___ed_d_1_0_finder.py,sha256=x,1\n', scripts: ['ed-d'] }),
      [`${site}/ed_d-1.0.dist-info/entry_points.txt`]: '[console_scripts]\ned-d = mod_d.inner.part:main\n',
      [`${site}/__editable___ed_d_1_0_finder.py`]: `MAPPING: dict[str, str] = {'other': '/nowhere/x', 'mod_d': '${tree.path('project/python/mod_d')}'}\n`,
      [`${site}/ed_d-1.0.dist-info/direct_url.json`]: { url: `file://${tree.path('project')}`, dir_info: { editable: true } },
      'v/bin/ed-d': '',
    });
    const ref = { ecosystem: 'python', entry: tree.path('v/bin/ed-d'), environment: tree.path('v'), name: 'ed-d', editable: true } as const;
    const source = sourceEntry(rowOf([tree.path('v/bin/python'), ref.entry]), detailOf({ exe, cwd: '/' }), ref);
    deepEqual(
      source?.files,
      ['inner/part.py', 'inner/__init__.py', '__init__.py'].map((path) => tree.path('project/python/mod_d', path)),
    );
  });

  it('takes for source what a command is known to load, and nothing else that stands on its command line', () => {
    tree.write({ 'mine/server.py': '', 'mine/app/__init__.py': '', 'mine/app/web.py': '' });
    const ref = { ecosystem: 'python', entry: tree.path('v/bin/x'), environment: tree.path('v'), name: 'x' } as const;
    const files = (command: string, ...words: string[]): readonly string[] | undefined =>
      sourceEntry(rowOf([tree.path('v/bin/python'), ...command.split(' '), ...words]), detailOf({ exe, cwd: tree.path('mine') }), ref)
        ?.files;
    const server = [tree.path('mine/server.py')];
    deepEqual(files(tree.path('v/bin/fastmcp'), 'run', 'server.py'), server);
    deepEqual(files(tree.path('v/bin/fastmcp'), 'run', '--transport', 'stdio', tree.path('mine/server.py:app')), server);
    deepEqual(files('-m fastmcp.cli', 'run', 'server.py'), server);
    deepEqual(files(tree.path('v/bin/mcp'), 'run', 'server.py:mcp'), server);
    deepEqual(files(tree.path('v/bin/uvicorn'), '--port', '8000', 'app.web:create()'), [
      tree.path('mine/app/web.py'),
      tree.path('mine/app/__init__.py'),
    ]);
    for (const [command, ...words] of [
      ['fastmcp', 'install', 'server.py'],
      ['fastmcp', 'run', 'missing.py'],
      ['fastmcp', 'run', 'http://127.0.0.1:80/mcp'],
      ['lint-mcp', 'run', 'server.py'],
      ['uvicorn', 'absent:app'],
    ]) {
      deepEqual(files(tree.path('v/bin', command ?? ''), ...words), undefined, words.join(' '));
    }
  });

  it('does not take the command of an environment for source in place where its package is not known', () => {
    const script = (path: string) =>
      sourceEntry(rowOf([tree.path('v/bin/python'), tree.path(path)]), detailOf({ exe, cwd: '/' }), undefined);
    tree.write({ 'v/bin/nobodys': 'import x\n', 'mine/bin/own.py': '' });
    deepEqual(script('v/bin/nobodys'), undefined);
    deepEqual(script('mine/bin/own.py')?.files, [tree.path('mine/bin/own.py')]);
  });

  it('sees that the working directory or PYTHONPATH hides the installed module', () => {
    tree.write({ 'c/my_server/__init__.py': '', 'data/my_server/readme.txt': '' });
    const python = tree.path('v/bin/python');
    for (const [argv, detail] of [
      [[python, '-m', 'my_server'], { cwd: tree.path('c') }],
      [[python, '-m', 'my_server'], { cwd: '/', env: { PYTHONPATH: tree.path('c') } }],
    ] as const) {
      const found = identify(argv, detail);
      ok('unknown' in found);
      match(found.unknown, /belongs to no installed package/);
    }
    deepEqual(identify([python, '-I', '-m', 'my_server'], { cwd: tree.path('c') }), expected(`${site}/my_server`));
    deepEqual(identify([python, '-m', 'my_server'], { cwd: tree.path('data') }), expected(`${site}/my_server`));
    deepEqual(identify([python, '-m', 'my_server'], { cwd: tree.path('c'), env: { PYTHONSAFEPATH: '1' } }), expected(`${site}/my_server`));
  });

  it('finds a user’s own install beside the interpreter’s prefix', () => {
    tree.write({
      'home/.local/bin/my-mcp': '',
      ...distInfo('home/.local/lib/python3.11/site-packages', 'my_server', '1.0.0', { scripts: ['my-mcp'] }),
    });
    deepEqual(identify([exe, tree.path('home/.local/bin/my-mcp')]), expected('home/.local/bin/my-mcp', 'home/.local'));
  });

  it('says what it may not look at, not that there is no package', () => {
    tree.write({ 'v/bin/hidden': '#!/x\n', [`${site}/hidden-1.0.0.dist-info`]: { link: 'hidden-1.0.0.dist-info' } });
    for (const words of [[tree.path('v/bin/hidden')], ['-m', 'hidden']]) {
      const found = identify([tree.path('v/bin/python'), ...words], { cwd: '/' });
      assertNames('unknown' in found ? found.unknown : '', 'hidden-1.0.0.dist-info/METADATA');
    }
    deepEqual(identify([tree.path('v/bin/python'), tree.path('v/bin/my-mcp')]), expected());
  });

  it('finds a module of a user’s own install before those of the interpreter, where Python looks there at all', () => {
    const home = 'home/.local/lib/python3.11/site-packages';
    tree.write({
      ...distInfo(home, 'my_server', '2.0.0'),
      ...distInfo('home/.local/lib/python3.9/site-packages', 'older', '1.0.0'),
      ...distInfo('base/lib/python3.11/site-packages', 'my_server', '1.0.0'),
      ...distInfo('base/lib/python3.11/site-packages', 'other', '1.0.0'),
    });
    const env = { HOME: tree.path('home') };
    const mine = expected(`${home}/my_server`, 'home/.local');
    const shared = expected('base/lib/python3.11/site-packages/my_server', 'base');
    deepEqual(identify([exe, '-m', 'my_server'], { cwd: '/', env }), mine);
    deepEqual(identify([exe, '-u', '-mmy_server'], { cwd: '/', env }), mine);
    deepEqual(identify([exe, '-m', 'my_server'], { cwd: '/', env: { PYTHONUSERBASE: tree.path('home/.local') } }), mine);
    const reading = 'ref' in mine ? readClosure({ ...mine.ref, ecosystem: 'python' }) : undefined;
    ok(reading?.status === 'ok' && reading.packages[0]?.version === '2.0.0');
    deepEqual(identify([exe, '-m', 'my_server'], { cwd: '/', env: { ...env, PYTHONNOUSERSITE: '1' } }), shared);
    for (const option of ['-s', '-I', '-Es']) {
      deepEqual(identify([exe, option, '-m', 'my_server'], { cwd: '/', env }), shared, option);
    }
    deepEqual(identify([exe, '-Im', 'my_server'], { cwd: '/', env }), shared);
    deepEqual(identify([exe, '-m', 'my_server'], { cwd: '/', env: { HOME: '/nowhere' } }), shared);
    deepEqual(identify([tree.path('v/bin/python'), '-m', 'my_server'], { cwd: '/', env }), expected(`${site}/my_server`));
    assertNames(JSON.stringify(identify([exe, '-m', 'older'], { cwd: '/', env })), 'module older');
  });

  it('takes the distribution whose script it is, when several declare the same command', () => {
    tree.write({ [`${site}/other-2.0.dist-info/entry_points.txt`]: '[console_scripts]\nmy-mcp = other:main\n' });
    deepEqual(identify([tree.path('v/bin/python'), tree.path('v/bin/my-mcp')]), expected());
  });

  it('says why when it cannot know', () => {
    tree.write({ 'plain.py': '' });
    const python = tree.path('v/bin/python');
    const cases: readonly [readonly string[], Parameters<typeof detailOf>[0], RegExp][] = [
      [[python, 'plain.py'], {}, /plain\.py is a script that belongs to no installed package/],
      [[python, '-c', 'x'], {}, /given as text/],
      [[python, '-m', 'nothing_here'], { cwd: '/' }, /no installed package is known to hold module nothing_here/],
      [[python, 'x.py'], { cwd: '/x (deleted)' }, /working directory that is gone/],
      [['v/bin/python', '-m', 'x'], { cwd: '/x (deleted)' }, /working directory that cannot be read/],
    ];
    for (const [argv, detail, why] of cases) {
      const found = identify(argv, detail);
      ok('unknown' in found, argv.join(' '));
      match(found.unknown, why);
    }
  });
});
