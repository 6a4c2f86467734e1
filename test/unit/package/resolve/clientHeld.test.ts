// The lists of VS Code and the links of fnm and nvm are made by hand; that of Claude Code is what version 2.1.197 wrote after `claude plugin update`.
import { deepEqual, equal, match, ok } from 'node:assert/strict';
import { rmSync, statSync, utimesSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'mocha';
import { clientBundle, environmentBeforeShims, environmentNow, replacedBundle } from '../../../../src/package/resolve/clientHeld.ts';
import { TempTree } from '../tree.ts';

describe('what a client keeps in its memory', () => {
  let tree: TempTree;
  beforeEach(() => {
    tree = new TempTree();
  });
  afterEach(() => tree.remove());

  it('the folder of an extension or a plugin names its version', () => {
    const named = (path: string): unknown => {
      const bundle = clientBundle(path);
      return bundle && [bundle.kind, bundle.name, bundle.version, bundle.rest];
    };
    deepEqual(named('/h/.vscode/extensions/acme.tiny-mcp-1.2.3/dist/x.js'), ['extension', 'tiny-mcp', '1.2.3', 'dist/x.js']);
    for (const platform of ['linux-x64', 'universal', 'web']) {
      deepEqual(named(`/h/.vscode/extensions/acme.tiny-1.2.3-${platform}/x.js`), ['extension', 'tiny', '1.2.3', 'x.js'], platform);
    }
    deepEqual(named('/h/.claude/plugins/cache/market/tiny/1.0.0/servers/x.js'), ['plugin', 'tiny', '1.0.0', 'servers/x.js']);
    for (const path of ['/h/extensions/other/x.js', '/h/plugins/tiny/x.js', '/h/.claude/plugins/cache/market/tiny', 'x.js']) {
      equal(named(path), undefined, path);
    }
  });

  function bundle(path: string, visited: Set<string>, cwd = '/'): Exclude<ReturnType<typeof replacedBundle>, { unknown: string }> {
    const found = replacedBundle(path, cwd, visited);
    ok(!found || !('unknown' in found), JSON.stringify(found));
    return found;
  }

  it('VS Code: not known while another profile names the version that runs', () => {
    const list = (version: string) => [{ identifier: { id: 'Acme.tiny' }, relativeLocation: `acme.tiny-${version}` }];
    const profile = 'h/.config/Code/User/profiles/-1a2b/extensions.json';
    tree.write({ 'h/.vscode/extensions/extensions.json': list('1.1.0'), [profile]: list('1.0.0') });
    const visited = new Set<string>();
    const found = replacedBundle(tree.path('h/.vscode/extensions/acme.tiny-1.0.0/x.js'), undefined, visited);
    match(JSON.stringify(found), /unknown.*profiles\/-1a2b/);
    ok(visited.has(tree.path(profile)));
    tree.write({ 'h/.vscode-server/extensions/extensions.json': list('1.1.0') });
    tree.write({ 'h/.vscode-server/data/User/profiles/7/extensions.json': list('1.1.0') });
    rmSync(tree.path(profile));
    equal(
      bundle(tree.path('h/.vscode-server/extensions/acme.tiny-1.0.0/x.js'), new Set())?.now.version,
      '1.1.0',
      'a profile that has the new one',
    );
  });

  it('Claude Code: an installation for another project does not count', () => {
    const cache = (version: string): string => tree.path('h/.claude/plugins/cache/market/tiny', version);
    const installed = [
      { scope: 'project', projectPath: '/srv/other', installPath: cache('1.0.0') },
      { scope: 'user', installPath: cache('1.1.0') },
    ];
    tree.write({ 'h/.claude/plugins/installed_plugins.json': { version: 2, plugins: { 'tiny@market': installed } } });
    const old = join(cache('1.0.0'), 'x.js');
    equal(bundle(old, new Set(), '/srv/mine')?.now.version, '1.1.0');
    equal(bundle(old, new Set(), '/srv/other/sub'), undefined, 'in that project it is the installed one');
  });

  it('VS Code: the folder that extensions.json names', () => {
    const list = (...places: readonly string[]): void => {
      rmSync(tree.path('extensions/extensions.json'), { force: true });
      tree.write({
        'extensions/extensions.json': places.map((relativeLocation) => ({ identifier: { id: 'Acme.tiny' }, relativeLocation })),
      });
    };
    const old = tree.path('extensions/acme.tiny-1.0.0/dist/x.js');
    const visited = new Set<string>();
    list('acme.tiny-1.0.0');
    equal(bundle(old, visited), undefined, 'it is the installed one');
    deepEqual([...visited], [tree.path('extensions/extensions.json')]);
    list('acme.tiny-1.1.0');
    const { now } = bundle(old, visited) ?? {};
    deepEqual([now?.version, now?.place, now?.rest], ['1.1.0', tree.path('extensions/acme.tiny-1.1.0'), 'dist/x.js']);
    for (const places of [
      ['acme.tiny-1.1.0', 'acme.tiny-1.2.0'],
      ['acme.tiny-1.0.0', 'acme.tiny-1.1.0'],
      ['../elsewhere'],
      ['other.ext-1.0.0'],
      [],
    ]) {
      list(...places);
      equal(bundle(old, visited), undefined, JSON.stringify(places));
    }
    equal(bundle(tree.path('elsewhere/acme.tiny-1.0.0/x.js'), new Set()), undefined);
  });

  it('Claude Code: the folder that installed_plugins.json names', () => {
    const file = 'h/.claude/plugins/installed_plugins.json';
    const cache = (version: string): string => tree.path('h/.claude/plugins/cache/localmarket/tinyplug', version);
    const list = (...paths: readonly string[]): void => {
      rmSync(tree.path(file), { force: true });
      const times = { installedAt: '2026-11-23T08:21:16.260Z', lastUpdated: '2026-11-23T08:21:23.966Z' };
      tree.write({
        [file]: {
          version: 2,
          plugins: { 'tinyplug@localmarket': paths.map((installPath) => ({ scope: 'user', installPath, version: 'any', ...times })) },
        },
      });
    };
    const old = `${cache('1.0.0')}/servers/x.js`;
    list(cache('1.0.0'));
    equal(bundle(old, new Set()), undefined, 'it is the installed one');
    list(cache('1.1.0'));
    const visited = new Set<string>();
    const { now } = bundle(old, visited) ?? {};
    deepEqual([now?.kind, now?.version, now?.place], ['plugin', '1.1.0', cache('1.1.0')]);
    deepEqual([...visited], [tree.path(file)]);
    for (const paths of [
      [cache('1.1.0'), cache('1.0.0')],
      [cache('1.1.0'), cache('1.2.0')],
      ['/elsewhere/tinyplug/1.1.0'],
      [`${cache('1.1.0')}/../../../../x`],
      [],
    ]) {
      list(...paths);
      equal(bundle(old, new Set()), undefined, JSON.stringify(paths));
    }
    for (const text of ['', '[]', '{"plugins":{"tinyplug@localmarket":7}}']) {
      rmSync(tree.path(file));
      tree.write({ [file]: text });
      equal(bundle(old, new Set()), undefined, text);
    }
    rmSync(tree.path(file));
    tree.write({ [file]: { version: 1, plugins: { 'tinyplug@localmarket': { version: '1.1.0', installPath: cache('1.1.0') } } } });
    equal(bundle(old, new Set())?.now.version, '1.1.0', 'as earlier versions wrote it');
  });

  describe('the PATH of a new session', () => {
    const start = (): number => Date.now() - 60_000;
    /** PATH of a new session below the temporary folder; undefined: it is the same. */
    function next(folder: string, more: Readonly<Record<string, string>> = {}, startedAt = start()): string | undefined {
      const environment = new Map(Object.entries({ PATH: `/usr/bin:${tree.path(folder)}`, ...more }));
      const path = environmentNow({ cwd: tree.path('project'), environment, platform: 'linux' }, startedAt, new Set())?.get('PATH');
      return path?.replace(`/usr/bin:${tree.root}/`, '');
    }

    it('nvm: its default, when it changed after the client started', () => {
      const versions = ['v20.1.0', 'v22.1.0', 'v22.10.0', 'v24.1.0'];
      tree.write(Object.fromEntries(versions.map((version) => [`.nvm/versions/node/${version}/bin/node`, ''])));
      const nvm = (files: Readonly<Record<string, string>>): void => {
        rmSync(tree.path('.nvm/alias'), { recursive: true, force: true });
        tree.write(Object.fromEntries(Object.entries(files).map(([name, text]) => [`.nvm/alias/${name}`, `${text}\n`])));
      };
      const old = '.nvm/versions/node/v20.1.0/bin';
      equal(next(old), undefined, 'without a default');
      for (const [wanted, version] of [
        ['22.1.0', 'v22.1.0'],
        ['v22.1', 'v22.1.0'],
        ['22', 'v22.10.0'],
        ['node', 'v24.1.0'],
      ]) {
        nvm({ default: wanted ?? '' });
        equal(next(old), `.nvm/versions/node/${version}/bin`, wanted);
      }
      nvm({ default: 'lts/*', 'lts/*': 'lts/jod', 'lts/jod': 'v22.1.0' });
      equal(next(old), '.nvm/versions/node/v22.1.0/bin');
      for (const wanted of ['20', '18', 'system', '../../x', 'iojs', 'default', '']) {
        nvm({ default: wanted });
        equal(next(old), undefined, wanted);
      }
      nvm({ default: '22' });
      equal(next(old, {}, Date.now() + 60_000), undefined, 'the client started after the change, so the user chose this PATH');
    });

    it('nvm: a version that was installed after the client started and that the default means', () => {
      for (const version of ['v18.0.0', 'v20.1.0']) {
        tree.write({ [`.nvm/versions/node/${version}/bin/node`]: '' });
      }
      tree.write({ '.nvm/alias/default': '20\n', '.nvm/alias/lts/*': 'lts/iron\n', '.nvm/alias/lts/iron': 'v20.1.0\n' });
      const made = ['versions/node/v18.0.0', 'versions/node/v20.1.0', 'alias/default'];
      const after = Math.max(...made.map((path) => statSync(tree.path('.nvm', path)).ctimeMs)) + 1;
      while (Date.now() <= after + 20);
      const [old, other] = ['.nvm/versions/node/v20.1.0/bin', '.nvm/versions/node/v18.0.0/bin'];
      tree.write({ '.nvm/versions/node/v21.0.0/bin/node': '' });
      equal(next(old, {}, after), undefined, 'a version that the default does not mean');
      tree.write({ '.nvm/versions/node/v20.2.0/bin/node': '' });
      equal(next(old, {}, after), '.nvm/versions/node/v20.2.0/bin');
      equal(next(other, {}, after), undefined, 'the user chose another version than the default');
    });

    it('fnm: its default, or the version file that a shell follows', () => {
      tree.write({
        'fnm/node-versions/v20.1.0/installation/bin/node': '',
        'fnm/node-versions/v22.1.0/installation/bin/node': '',
        'fnm/node-versions/v24.1.0/installation/bin/node': '',
        'fnm/aliases/default': { link: '../node-versions/v20.1.0/installation' },
        'run/fnm_multishells/7_1': { link: '../../fnm/node-versions/v20.1.0/installation' },
        'project/readme': '',
      });
      const shell = 'run/fnm_multishells/7_1/bin';
      equal(next(shell), undefined);
      tree.write({ 'project/.node-version': '22\n' });
      equal(next(shell), undefined, 'this shell uses the default: it follows no files');
      rmSync(tree.path('fnm/aliases/default'));
      tree.write({ 'fnm/aliases/default': { link: '../node-versions/v24.1.0/installation' } });
      equal(next(shell), 'fnm/node-versions/v22.1.0/installation/bin');
      const long = new Date(Date.now() - 3_600_000);
      utimesSync(tree.path('project/.node-version'), long, long);
      rmSync(tree.path('project/.node-version'));
      equal(next(shell), 'fnm/node-versions/v24.1.0/installation/bin', 'without a file, the default');
      tree.write({ '.nvmrc': 'v22\n' });
      equal(next(shell, { FNM_VERSION_FILE_STRATEGY: 'recursive' }), 'fnm/node-versions/v22.1.0/installation/bin');
      equal(next(shell), 'fnm/node-versions/v24.1.0/installation/bin', 'a file further up does not count otherwise');
    });

    it('mise activate: the version that its files name in the directory of the client’s start', () => {
      const installs = ['20.1.0', '22.1.0'].map((version) => [`mise/installs/node/${version}/bin/node`, '']);
      tree.write({
        ...Object.fromEntries(installs),
        'mise/installs/node/22': { link: './22.1.0' },
        'at/mise.toml': '[tools]\nnode = "20.1.0"\n',
      });
      const shell = { MISE_SHELL: 'bash', PWD: tree.path('at'), HOME: tree.path('h') };
      const old = 'mise/installs/node/20.1.0/bin';
      equal(next(old, shell), undefined);
      rmSync(tree.path('at/mise.toml'));
      tree.write({ 'at/mise.toml': '[tools]\nnode = "22"\n' });
      equal(next(old, shell), 'mise/installs/node/22/bin');
      equal(next('mise/installs/node/22.1.0/bin', shell), undefined, 'the same behind a link');
      equal(next(old, { ...shell, PWD: tree.path('project') }), undefined, 'the client was started elsewhere');
      equal(next(old, { PWD: shell.PWD, HOME: shell.HOME }), undefined, 'no shell of mise');
      equal(next(old, shell, Date.now() + 60_000), undefined, 'the client started after the change, so the user chose this PATH');
    });

    it('any other PATH stays', () => {
      equal(next('bin'), undefined);
      equal(environmentNow({ cwd: '/', environment: undefined, platform: 'linux' }, 0, new Set()), undefined);
    });
  });

  describe('the environment before a shim of a version manager changed it', () => {
    const client = { PATH: '/h/.pyenv/shims:/usr/bin', HOME: '/h' };
    // As pyenv 2.4 leaves it.
    const chosen = '/h/.pyenv/versions/3.11.7/bin:/h/.pyenv/libexec:/h/.pyenv/plugins/python-build/bin';
    const server = { ...client, PATH: `${chosen}:${client.PATH}`, PYENV_HOOK_PATH: '/h/.pyenv/pyenv.d', PYENV_VERSION: '3.11.7' };
    const given = (
      process: Readonly<Record<string, string>>,
      above: Readonly<Record<string, string>> | undefined,
      entry: Readonly<Record<string, string | null>> = {},
    ): readonly (string | undefined)[] | undefined => {
      const found = environmentBeforeShims(new Map(Object.entries(process)), above && new Map(Object.entries(above)), entry);
      return found && [found.get('PATH'), found.get('PYENV_VERSION')];
    };

    it('pyenv: PATH and version are those of the client and the entry', () => {
      deepEqual(given(server, client), [client.PATH, undefined]);
      deepEqual(given(server, { ...client, PYENV_VERSION: '3.11.7' }), [client.PATH, '3.11.7']);
      deepEqual(given(server, client, { PYENV_VERSION: '3.11.7' }), [client.PATH, '3.11.7']);
      deepEqual(given(server, { PATH: '/bin' }, { PATH: client.PATH }), [client.PATH, undefined]);
    });

    it('asdf and mise: the folders of the chosen versions are left out', () => {
      const plain = { PATH: '/h/.local/share/mise/shims:/usr/bin' };
      const path = `/h/.local/share/mise/installs/node/22.1.0/bin:${plain.PATH}`;
      deepEqual(given({ PATH: path }, plain), [plain.PATH, undefined]);
      deepEqual(given({ PATH: path }, { PATH: path }), [path, undefined], 'the client has them too');
      const twice = { PATH: `${plain.PATH}:/opt/bin:/usr/bin` };
      deepEqual(given({ PATH: `${path}:/opt/bin` }, twice), [twice.PATH, undefined], 'mise leaves out what is there twice');
      deepEqual(given({ PATH: path, MISE_SHELL: 'zsh' }, { PATH: '/bin' }), [path, undefined], 'mise activate');
    });

    it('snap: the folders of the revision are left out, unless the client itself runs in that revision', () => {
      const plain = { PATH: '/usr/bin:/snap/bin' };
      const path = `/snap/tiny/12/bin:/snap/tiny/12/usr/bin:${plain.PATH}`;
      const own = { PATH: path, SNAP: '/snap/tiny/12' };
      deepEqual(given(own, plain), [plain.PATH, undefined]);
      deepEqual(given(own, own), [path, undefined]);
      deepEqual(given(own, { ...plain, SNAP: '/snap/code/9' }), [plain.PATH, undefined], 'a client of another snap');
      equal(given(own, undefined), undefined);
    });

    it('is not known where the client made another PATH, or cannot be read', () => {
      equal(given(server, { ...client, PATH: '/bin' }), undefined);
      equal(given(server, undefined), undefined);
      deepEqual(given(client, undefined), [client.PATH, undefined], 'no shim');
    });
  });
});
