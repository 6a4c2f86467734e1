// The trust of the whole tool: what changes nothing that the process was loaded from is never called stale, and what does, is.
// Each case runs with an observer that saw the server before, and (where the truth can be known) with one that comes afterwards.
// What changes nothing happens to one server, one thing after the other.
import assert from 'node:assert/strict';
import { chmodSync, cpSync, mkdirSync, readdirSync, realpathSync, renameSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { assertNames } from '../../../names.ts';
import { run } from '../../package/command.ts';
import { makeProject, npm, npmEnv, servers } from '../../package/npmServers.ts';
import type { RunningServer } from '../../package/observe.ts';
import { cleanEnv, findPython, makeVenv, pip, venvPath } from '../../package/pythonWheels.ts';
import { headlines, instanceOf, makeWorld, settled, type World } from '../world.ts';

function touchAll(folder: string): void {
  const now = Date.now() / 1_000;
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    if (entry.isFile()) {
      utimesSync(join(entry.parentPath, entry.name), now, now);
    }
  }
}

function chmodAll(folder: string): void {
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    if (entry.isFile()) {
      chmodSync(join(entry.parentPath, entry.name), 0o744);
    }
  }
}

describe('no false alarm', function () {
  this.timeout(120_000);
  let world: World;

  /** Things that happen to one server, and whether one who comes afterwards can know that they changed nothing; after one of which that cannot be known, none follows. */
  type Harmless = readonly [event: string, act: () => Promise<unknown>, knowable: { readonly late: boolean }];

  function staysCalm(start: () => Promise<RunningServer>, version: string, harmless: readonly Harmless[]): void {
    describe('while nothing changes', () => {
      let pid: number;
      before(async () => {
        world = makeWorld();
        ({ pid } = await start());
        assert.equal(instanceOf(await settled(await world.observer()), pid).package?.running, version);
      });
      after(() => world.remove());

      for (const [index, [event, act, { late }]] of harmless.entries()) {
        it(`${event} is not called stale`, async () => {
          await act();
          const after = instanceOf(await settled(await world.observer()), pid);
          assert.deepEqual(headlines(after), []);
          assert.equal(after.package?.running, version);
          if (late) {
            const stranger = instanceOf(await settled(await world.observer({ runDir: join(world.root, `late-${index}`) })), pid);
            assert.deepEqual(headlines(stranger), [], 'an observer that comes afterwards');
          }
        });
      }
    });
  }

  /** A world of its own for each of the tests. */
  function eachInItsWorld(tests: () => void): void {
    describe('by itself', () => {
      beforeEach(() => {
        world = makeWorld();
      });
      afterEach(() => world.remove());
      tests();
    });
  }

  describe('npm', () => {
    const { memory, filesystem } = servers;
    const [older, newer] = memory.versions;
    let project: string;

    async function start(): Promise<RunningServer> {
      project = join(world.root, 'project');
      await makeProject(project, [`${memory.name}@${older}`]);
      const env = await npmEnv();
      const entry = join(project, 'node_modules', '.bin', memory.bin);
      world.write('.claude.json', { mcpServers: { memory: { command: process.execPath, args: [entry] } } });
      return world.start(process.execPath, [entry], { cwd: project, env });
    }

    staysCalm(start, older, [
      ['nothing', async () => undefined, { late: true }],
      ['touch of every file', async () => touchAll(join(project, 'node_modules')), { late: true }],
      ['chmod of every file', async () => chmodAll(join(project, 'node_modules')), { late: true }],
      ['install with nothing to do', async () => npm(project, 'install'), { late: true }],
      ['a development dependency', async () => npm(project, 'install', '-D', 'is-number@7.0.0'), { late: true }],
      [
        'another server in the same project',
        async () => npm(project, 'install', `${filesystem.name}@${filesystem.versions[1]}`),
        { late: true },
      ],
      [
        'hard links to its files from another project',
        async () => run('cp', ['-al', project, `${project}-linked`], { cwd: world.root, env: process.env }),
        { late: true },
      ],
      ['an edited file elsewhere', async () => writeFileSync(join(project, 'notes.txt'), 'x'), { late: true }],
      [
        'the same version again',
        async () => {
          await npm(project, 'uninstall', memory.name);
          await npm(project, 'install', `${memory.name}@${older}`);
        },
        { late: false },
      ],
    ]);

    eachInItsWorld(() => {
      it('B29: a clock that is set changes no verdict', async () => {
        const { pid } = await start();
        let step = 0;
        const clock = { now: () => Date.now() + step, uptime: () => performance.now() + 1_000_000 };
        await settled(await world.observer({ clock }));
        for (step of [31_536_000_000, -31_536_000_000]) {
          assert.deepEqual(headlines(instanceOf(await settled(await world.observer({ clock }), 3_000), pid)), []);
        }
      });

      it('A28: control: an upgrade is called stale, proven with the versions, and by a late observer as likely', async () => {
        const { pid } = await start();
        await settled(await world.observer());
        await npm(project, 'install', `${memory.name}@${newer}`);
        const instance = instanceOf(await settled(await world.observer()), pid);
        assert.deepEqual(headlines(instance), ['stale/package/proven']);
        assert.equal(instance.package?.running, older);
        assert.equal(instance.package?.installed, newer);
        const stranger = instanceOf(await settled(await world.observer({ runDir: join(world.root, 'late') })), pid);
        assert.deepEqual(headlines(stranger), ['stale/package/likely']);
        assert.equal(stranger.package?.running, null);
        await npm(project, 'install', `${memory.name}@${older}`);
        assert.deepEqual(headlines(instanceOf(await settled(await world.observer()), pid)), [], 'rolled back');
      });
    });
  });

  describe('pip', () => {
    let venv: string;

    before(async function () {
      if (!(await findPython())) {
        console.log('No Python with venv and ensurepip on this machine.');
        this.skip();
      }
    });

    async function start(): Promise<RunningServer> {
      venv = join(realpathSync(world.root), 'venv');
      await makeVenv(venv);
      await pip(venv, 'install', 'stale-mcp==0.1.0', 'stalelib==1.0.0');
      const command = venvPath(venv, 'stale-mcp');
      world.write('.claude.json', { mcpServers: { palace: { command, args: [] } } });
      return world.start(command, [], { cwd: world.root, env: cleanEnv(world.home) });
    }

    staysCalm(start, '0.1.0', [
      ['touch of every file', async () => touchAll(join(venv, 'lib')), { late: true }],
      ['chmod of every file', async () => chmodAll(join(venv, 'lib')), { late: true }],
      ['an unrelated package', async () => pip(venv, 'install', 'unrelated==1.0.0'), { late: true }],
      ['a copy of the environment', async () => cpSync(venv, `${venv}-copy`, { recursive: true, verbatimSymlinks: true }), { late: true }],
      [
        'the environment moved away and back',
        async () => {
          renameSync(venv, `${venv}-away`);
          renameSync(`${venv}-away`, venv);
        },
        { late: true },
      ],
      ['an environment made beside it', async () => mkdirSync(`${venv}-other`), { late: true }],
      [
        'the same version again',
        async () => pip(venv, 'install', '--force-reinstall', 'stale-mcp==0.1.0', 'stalelib==1.0.0'),
        { late: false },
      ],
    ]);

    eachInItsWorld(() => {
      it('control: a dependency upgraded under the running server is called stale, named with both versions, and the server goes on with the old one', async () => {
        const { pid, request } = await start();
        await settled(await world.observer());
        await pip(venv, 'install', '--upgrade', 'stalelib==1.1.0');
        const answer = JSON.stringify(await request('tools/call', { name: 'version', arguments: {} }));
        assertNames(answer, '1.0.0');
        const instance = instanceOf(await settled(await world.observer()), pid);
        assert.deepEqual(headlines(instance), ['stale/dependency/proven']);
        assert.deepEqual(
          instance.changedDependencies.map(({ name, running, installed, direction }) => ({ name, running, installed, direction })),
          [{ name: 'stalelib', running: '1.0.0', installed: '1.1.0', direction: 'upgrade' }],
        );
        assertNames(instance.findings[0]?.evidence[0], 'stalelib 1.0.0', '(PID', 'stalelib 1.1.0');
      });

      it('control: an environment that is gone is called so, after ten seconds', async () => {
        const { pid } = await start();
        const observer = await world.observer();
        await settled(observer);
        renameSync(venv, `${venv}-gone`);
        assert.deepEqual(headlines(instanceOf(await observer.survey(), pid)), [], 'not at once: it may come back');
        assert.deepEqual(headlines(instanceOf(await settled(observer, 30_000), pid)), ['files-gone/proven']);
        const later = instanceOf(await settled(await world.observer()), pid);
        assert.deepEqual(headlines(later), ['files-gone/proven'], 'an observer that has only the record');
        assert.equal(later.package?.running, '0.1.0');
      });
    });
  });
});
