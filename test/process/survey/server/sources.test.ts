// Source that a server uses in place: plain scripts and editable installs. Only a change of content of a file that it loads counts.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { appendFileSync, chmodSync, mkdirSync, readFileSync, realpathSync, renameSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { assertNames } from '../../../names.ts';
import { distInfo, writeTree } from '../../../unit/package/tree.ts';
import { untilPast } from '../../../until.ts';
import { npm, npmEnv } from '../../package/npmServers.ts';
import type { RunningServer } from '../../package/observe.ts';
import { cleanEnv, findPython, makeVenv, pip, stalelib, staleMcp, venvPath, writeSource } from '../../package/pythonWheels.ts';
import { nodeServer, pythonServer } from '../tinyServers.ts';
import { headlines, instanceOf, makeWorld, settled, type World } from '../world.ts';

function git(folder: string, ...args: readonly string[]): string {
  const settings = ['-c', 'user.name=test', '-c', 'user.email=test@example.invalid', '-c', 'init.defaultBranch=main'];
  return execFileSync('git', [...settings, ...args], { cwd: folder, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
}

function rewrite(path: string): void {
  const text = readFileSync(path);
  rmSync(path);
  writeFileSync(path, text);
}

describe('source that is used in place', function () {
  this.timeout(120_000);
  let world: World;
  let folder: string;
  let server: RunningServer;
  beforeEach(() => {
    world = makeWorld();
    folder = join(world.root, 'tiny-mcp');
  });
  afterEach(() => world.remove());

  async function seen(runDir?: string): Promise<{ found: string[]; unknown: string; message: string }> {
    const observer = await world.observer(runDir === undefined ? {} : { runDir: join(world.root, runDir) });
    const instance = instanceOf(await settled(observer), server.pid);
    return { found: headlines(instance), unknown: instance.unknown ?? '', message: instance.findings[0]?.message ?? '' };
  }

  interface Case {
    readonly what: string;
    readonly act: () => unknown;
    readonly found: readonly string[];
    /** What an observer does not know that comes afterwards; by default nothing. */
    readonly late?: RegExp;
  }
  const notKnown = / after it started/;

  describe('node server.js', () => {
    const at = (path: string): string => join(folder, path);
    const original = new Map<string, string>();
    const edit = (path: string): void => appendFileSync(at(path), '// more\n');
    const version = (text: string): void =>
      writeFileSync(at('package.json'), readFileSync(at('package.json'), 'utf8').replace(/1\.\d\.0/, text));
    // Those that touch nothing that is loaded come first: from then on a late observer sees that something was written.
    const cases: readonly Case[] = [
      { what: 'nothing', act: () => {}, found: [] },
      { what: 'a test edited', act: () => edit('tests/helper.test.js'), found: [] },
      { what: 'a file that is not loaded', act: () => writeFileSync(at('lib/other.js'), 'export {};\n'), found: [] },
      { what: 'documentation', act: () => writeFileSync(at('README.md'), '# New\n'), found: [] },
      {
        what: 'a version bump alone',
        act: () => version('1.1.0'),
        // In no work tree: a release that was unpacked there.
        found: ['stale/package/likely'],
        // Which version it has read is not known to a late observer; its code is unchanged.
        late: notKnown,
      },
      { what: 'a development dependency', act: () => npm(folder, 'install', '-D', 'is-number@7.0.0'), found: [], late: notKnown },
      { what: 'touch', act: () => utimesSync(at('server.js'), new Date(), new Date()), found: [], late: notKnown },
      { what: 'chmod', act: () => chmodSync(at('server.js'), 0o700), found: [], late: notKnown },
      { what: 'written again with equal content (a build)', act: () => rewrite(at('server.js')), found: [], late: notKnown },
      { what: 'a module edited', act: () => edit('lib/helper.js'), found: ['stale/source/likely'], late: notKnown },
      { what: 'the entry edited', act: () => edit('server.js'), found: ['stale/source/proven'], late: notKnown },
      ...(process.env.TEST_LONG === '1'
        ? [{ what: 'a module removed', act: () => rmSync(at('lib/helper.js')), found: ['stale/source/likely'], late: notKnown }]
        : []),
      {
        what: 'output removed and built again (rm -rf and a build with the same result)',
        act: async () => {
          rmSync(at('lib'), { recursive: true });
          assert.deepEqual(headlines(instanceOf(await (await world.observer()).survey(), server.pid)), []);
          mkdirSync(at('lib'));
          writeFileSync(at('lib/helper.js'), original.get('lib/helper.js') ?? '');
        },
        found: [],
        late: notKnown,
      },
    ];

    it('is stale when a file that it loads has other content, and else never', async () => {
      const script = nodeServer(folder);
      for (const path of ['server.js', 'lib/helper.js', 'package.json']) {
        original.set(path, readFileSync(at(path), 'utf8'));
      }
      world.write('.claude.json', { mcpServers: { tiny: { command: process.execPath, args: [script] } } });
      server = await world.start(process.execPath, [script], { cwd: folder, env: await npmEnv() });
      assert.deepEqual((await seen()).found, []);
      for (const { what, act, found, late } of cases) {
        await act();
        assert.deepEqual((await seen()).found, found, what);
        const stranger = await seen(`late ${what}`);
        assert.deepEqual(stranger.found, [], `${what}: times alone prove nothing`);
        assert.equal(notKnown.test(stranger.unknown), late !== undefined, `${what}: ${stranger.unknown}`);
        for (const [path, text] of found.length === 0 ? [] : original) {
          writeFileSync(at(path), text);
        }
        assert.deepEqual((await seen()).found, [], `${what}: put back`);
      }
    });

    it('git: another commit is stale, also for a late observer; back and forth is not; a commit of what runs is not', async () => {
      const script = nodeServer(folder);
      git(folder, 'init', '-q');
      git(folder, 'add', '-A');
      git(folder, 'commit', '-qm', 'one');
      git(folder, 'checkout', '-qb', 'next');
      nodeServer(folder, 'two');
      git(folder, 'commit', '-qam', 'two');
      git(folder, 'checkout', '-q', 'main');
      // The times of git's log are whole seconds.
      await untilPast(Date.now(), 2_100);
      world.write('.claude.json', { mcpServers: { tiny: { command: process.execPath, args: [script] } } });
      server = await world.start(process.execPath, [script], { cwd: folder, env: await npmEnv() });
      assert.deepEqual((await seen()).found, []);
      writeFileSync(join(folder, 'NOTES.md'), 'x');
      git(folder, 'add', '-A');
      git(folder, 'commit', '-qm', 'notes');
      assert.deepEqual((await seen('early')).found, [], 'a commit writes no file');
      git(folder, 'checkout', '-q', 'next');
      const stale = await seen();
      assert.deepEqual(stale.found, ['stale/source/likely']);
      assertNames(stale.message, 'helper.js');
      assert.deepEqual((await seen('late')).found, ['stale/source/likely'], 'git’s log says where HEAD stood');
      git(folder, 'checkout', '-q', 'main');
      assert.deepEqual((await seen()).found, [], 'back again');
      version('1.1.0');
      const bumped = await seen();
      assert.deepEqual(bumped.found, [], 'another version of the same source');
      assertNames(bumped.unknown, '1.1.0');
      version('1.0.0');
      const later = await seen('later');
      assert.deepEqual(later.found, [], 'a late observer after the way back');
      assert.doesNotMatch(later.unknown, notKnown, 'git has the content of then');
      utimesSync(script, new Date(), new Date());
      rewrite(join(folder, 'lib', 'helper.js'));
      const touched = await seen('touched');
      assert.deepEqual(touched.found, [], 'touched and written again: the content is git’s');
      assert.doesNotMatch(touched.unknown, notKnown);
      appendFileSync(script, '// more\n');
      const edited = await seen('edited');
      assert.deepEqual(edited.found, ['stale/source/likely'], 'edited and not committed, for a late observer');
      assertNames(edited.message, 'server.js');
      git(folder, 'gc', '-q');
      assert.deepEqual((await seen('packed')).found, ['stale/source/likely'], 'git’s objects in a pack');
      writeFileSync(join(folder, '.gitattributes'), '*.js filter=lfs\n');
      assert.match((await seen('filtered')).unknown, notKnown, 'git keeps something else than the work tree');
      rmSync(join(folder, '.gitattributes'));
      git(folder, 'commit', '-qam', 'three');
      assert.deepEqual((await seen('committed')).found, ['stale/source/likely'], 'edited and committed');
    });

    it('git: what was edited before the start, put away and back by git, is not called stale by a late observer', async () => {
      const script = nodeServer(folder);
      git(folder, 'init', '-q');
      git(folder, 'add', '-A');
      git(folder, 'commit', '-qm', 'one');
      appendFileSync(script, '// mine\n');
      // The times of git's log are whole seconds.
      await untilPast(Date.now(), 2_100);
      world.write('.claude.json', { mcpServers: { tiny: { command: process.execPath, args: [script] } } });
      server = await world.start(process.execPath, [script], { cwd: folder, env: await npmEnv() });
      assert.deepEqual((await seen()).found, []);
      git(folder, 'stash', '-q');
      git(folder, 'stash', 'pop', '-q');
      const late = await seen('late');
      assert.deepEqual(late.found, []);
      assert.match(late.unknown, notKnown);
    });

    it('a package that an installed server requires and that is linked (npm link) is source, too', async () => {
      const linked = join(world.root, 'linked');
      const modules = join(folder, 'node_modules');
      const script = nodeServer(join(modules, 'tiny-mcp'));
      writeTree(linked, {
        'package.json': { name: 'inner', version: '1.0.0', main: './main.js' },
        'main.js': "require('./part.js');\n",
        'part.js': '',
      });
      writeTree(modules, {
        inner: { link: linked },
        'tiny-mcp/package.json': { name: 'tiny-mcp', version: '1.0.0', type: 'module', dependencies: { inner: '*' } },
      });
      writeFileSync(script, `import 'inner';\n${readFileSync(script, 'utf8')}`);
      world.write('.claude.json', { mcpServers: { tiny: { command: process.execPath, args: [script] } } });
      server = await world.start(process.execPath, [script], { cwd: folder, env: await npmEnv() });
      assert.deepEqual((await seen()).found, []);
      writeFileSync(join(linked, 'README.md'), '# New\n');
      utimesSync(join(linked, 'part.js'), new Date(), new Date());
      assert.deepEqual((await seen()).found, []);
      for (const name of ['part.js', 'main.js']) {
        appendFileSync(join(linked, name), '// more\n');
        const stale = await seen();
        assert.deepEqual(stale.found, ['stale/source/likely']);
        assert.ok(stale.message.includes(name), stale.message);
      }
      assert.match((await seen('late')).unknown, notKnown);
    });

    it('a linked package of a workspace is part of the source', async () => {
      const script = nodeServer(folder);
      const inner = join(folder, 'packages', 'inner');
      mkdirSync(inner, { recursive: true });
      writeFileSync(
        join(inner, 'package.json'),
        JSON.stringify({ name: '@tiny/inner', version: '1.0.0', type: 'module', exports: { '.': './main.js' } }),
      );
      writeFileSync(join(inner, 'main.js'), 'export const inner = 1;\n');
      const project: Record<string, unknown> = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
      writeFileSync(
        join(folder, 'package.json'),
        JSON.stringify({ ...project, workspaces: ['packages/*'], dependencies: { '@tiny/inner': '1.0.0' } }),
      );
      await npm(folder, 'install');
      writeFileSync(script, `import '@tiny/inner';\n${readFileSync(script, 'utf8')}`);
      world.write('.claude.json', { mcpServers: { tiny: { command: process.execPath, args: [script] } } });
      server = await world.start(process.execPath, [script], { cwd: folder, env: await npmEnv() });
      assert.deepEqual((await seen()).found, []);
      appendFileSync(join(inner, 'main.js'), '// more\n');
      const stale = await seen();
      assert.deepEqual(stale.found, ['stale/source/likely']);
      assertNames(stale.message, 'main.js');
    });
  });

  describe('Python', () => {
    let python = '';
    before(async function () {
      python = (await findPython()) ?? '';
      if (python === '') {
        console.log('skipped: no Python with venv and ensurepip on this machine');
        this.skip();
      }
    });

    for (const way of ['script', 'module'] as const) {
      it(`plain ${way}: a loaded module edited is stale; tests, compiled files, touch and equal content are not`, async () => {
        const script = pythonServer(folder);
        const args = way === 'script' ? [script] : ['-m', 'mcp_server'];
        world.write('.claude.json', { mcpServers: { tiny: { command: python, args } } });
        server = await world.start(python, args, { cwd: folder, env: cleanEnv(world.home) });
        assert.deepEqual((await seen()).found, []);
        utimesSync(join(folder, 'inner', 'helper.py'), new Date(), new Date());
        assert.deepEqual((await seen('touched')).found, [], 'a late observer of a touch');
        appendFileSync(join(folder, 'inner', 'helper.py'), '# more\n');
        const late = await seen('edited');
        assert.deepEqual(
          [late.found, late.message.match(/helper/)?.[0]],
          [['stale/source/likely'], 'helper'],
          'a late observer of an edit',
        );
        writeFileSync(join(folder, 'inner', 'helper.py'), "HELPER = 'one'\n");
        appendFileSync(join(folder, 'tests', 'test_helper.py'), '# more\n');
        execFileSync(python, ['-m', 'compileall', '-qf', folder]);
        utimesSync(script, new Date(), new Date());
        rewrite(join(folder, 'inner', 'helper.py'));
        assert.deepEqual((await seen()).found, []);
        appendFileSync(join(folder, 'inner', 'helper.py'), '# more\n');
        assert.deepEqual((await seen()).found, ['stale/source/likely']);
        appendFileSync(script, '# more\n');
        assert.deepEqual((await seen()).found, ['stale/source/proven']);
      });
    }

    it('a file that an installed command runs in its own process is the server’s source; any other file on its command line is not', async () => {
      const venv = join(realpathSync(world.root), 'venv');
      await makeVenv(venv);
      const site = execFileSync(venvPath(venv, 'python'), ['-c', 'import site; print(site.getsitepackages()[0])'], {
        encoding: 'utf8',
      }).trim();
      writeTree(site, {
        ...distInfo('.', 'fastmcp', '2.0.0', { scripts: ['fastmcp'] }),
        'fastmcp/__init__.py':
          'import os, runpy, sys\ndef main():\n    sys.path.insert(0, os.path.dirname(sys.argv[2]))\n    runpy.run_path(sys.argv[2])\n',
      });
      const script = pythonServer(folder);
      const command = venvPath(venv, 'fastmcp');
      writeFileSync(command, `#!${venvPath(venv, 'python')}\nfrom fastmcp import main\nmain()\n`, { mode: 0o755 });
      const data = join(folder, 'rules.py');
      writeFileSync(data, 'x = 1\n');
      const args = ['run', script, data];
      world.write('.claude.json', { mcpServers: { tiny: { command, args } } });
      server = await world.start(command, args, { cwd: world.root, env: cleanEnv(world.home) });
      assert.deepEqual((await seen()).found, []);
      appendFileSync(data, '# more\n');
      assert.deepEqual((await seen()).found, []);
      appendFileSync(join(folder, 'inner', 'helper.py'), '# more\n');
      assert.deepEqual((await seen()).found, ['stale/source/likely']);
      assert.deepEqual((await seen('late')).found, ['stale/source/likely'], 'by Python’s compiled file');
      appendFileSync(script, '# more\n');
      assert.deepEqual((await seen()).found, ['stale/source/proven']);
    });

    it('an editable install that an installed server requires is source, too', async () => {
      const venv = join(realpathSync(world.root), 'venv');
      const source = join(realpathSync(world.root), 'source');
      await makeVenv(venv);
      await pip(venv, 'install', 'stale-mcp==0.1.0', 'stalelib==1.0.0');
      writeSource(stalelib('1.0.0'), source);
      await pip(venv, 'install', '--no-build-isolation', '--no-deps', '-e', source);
      const command = venvPath(venv, 'stale-mcp');
      world.write('.claude.json', { mcpServers: { palace: { command, args: [] } } });
      server = await world.start(command, [], { cwd: world.root, env: cleanEnv(world.home) });
      assert.deepEqual((await seen()).found, []);
      appendFileSync(join(source, 'stalelib', '__init__.py'), '# more\n');
      assert.deepEqual((await seen()).found, ['stale/source/likely']);
      assert.deepEqual((await seen('late')).found, ['stale/source/likely']);
    });

    it('editable install: the source decides, never the metadata', async () => {
      const venv = join(realpathSync(world.root), 'venv');
      const source = join(realpathSync(world.root), 'source');
      await makeVenv(venv);
      writeSource(staleMcp('0.1.0'), source);
      await pip(venv, 'install', '--no-build-isolation', '-e', source, 'stalelib==1.0.0');
      const command = venvPath(venv, 'stale-mcp');
      world.write('.claude.json', { mcpServers: { palace: { command, args: [] } } });
      server = await world.start(command, [], { cwd: world.root, env: cleanEnv(world.home) });
      assert.deepEqual((await seen()).found, []);
      mkdirSync(join(source, 'tests'));
      writeFileSync(join(source, 'tests', 'test_it.py'), 'x = 1\n');
      if (process.env.TEST_LONG === '1') {
        writeFileSync(join(source, 'project.json'), readFileSync(join(source, 'project.json'), 'utf8').replace('0.1.0', '0.3.0'));
        await pip(venv, 'install', '--no-build-isolation', '--no-deps', '-e', source);
      }
      assert.deepEqual((await seen()).found, [], 'another version in the metadata, the same source');
      const main = join(source, 'stale_mcp', 'server.py');
      renameSync(main, `${main}.old`);
      writeFileSync(main, `${readFileSync(`${main}.old`, 'utf8')}\n# edited\n`);
      assert.deepEqual((await seen()).found, ['stale/source/proven']);
      renameSync(`${main}.old`, main);
      assert.deepEqual((await seen()).found, [], 'as it was');
    });
  });
});
