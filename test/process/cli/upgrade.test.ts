// `upgrade` with real package managers and a guarded server, from a registry on loopback whose newest versions do not start. Slow: with TEST_LONG=1 only.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, afterEach, before, describe, it } from 'mocha';
import { waitFor } from '../../../scripts/system/waitFor.ts';
import { withoutClientMarks } from '../../../scripts/system/withoutClientMarks.ts';
import type { HistoryEntry } from '../../../src/action/execute/actionHistory.ts';
import type { UpgradeResult } from '../../../src/action/upgrade/upgradeServers.ts';
import { installedVersions } from '../../../src/survey/updates/installedVersions.ts';
import { assertNames } from '../../names.ts';
import { GuardHome, guardBundle, type RawClient } from '../guard/guardedServer.ts';
import { run as runCommand } from '../package/command.ts';
import { pnpmProgram } from '../package/npmServers.ts';
import { findPython } from '../package/pythonWheels.ts';
import type { LocalIndex } from '../registry/localIndex.ts';
import { buildCli, type Ended, RunningCli } from './bundle.ts';
import { notes, offer, serveUpgrades, stale } from './upgradeIndex.ts';

interface Answer {
  readonly plan: { readonly command: string; readonly undo: { readonly exact: boolean } | null } | null;
  readonly outcome: UpgradeResult | null;
}

/** One way to install the server. */
interface Way {
  readonly name: string;
  /** Installs the oldest version. @returns the command of the server */
  install(folder: string, home: GuardHome): Promise<readonly string[]>;
  /** All that must be as before after a roll-back. */
  state(folder: string): unknown;
  readonly versions: readonly string[];
}

const texts = (folder: string, names: readonly string[]): string[] => names.map((name) => readFileSync(join(folder, name), 'utf8'));
const installedNotes = (folder: string): string[] =>
  [notes.npm, notes.lib].map((name) => {
    const place =
      name === notes.lib
        ? execFileSync(
            'node',
            ['-p', `require.resolve('notes-lib/package.json', { paths: [require('fs').realpathSync('node_modules/notes-mcp')] })`],
            { cwd: folder, encoding: 'utf8' },
          ).trim()
        : join(folder, 'node_modules', name, 'package.json');
    return JSON.parse(readFileSync(place, 'utf8')).version;
  });
/** Not synchronously: the registry is in this process. */
const run = (home: GuardHome, cwd: string, program: string, ...args: readonly string[]): Promise<string> =>
  runCommand(program, args, { cwd, env: home.env });

const npmWay: Way = {
  name: 'npm',
  versions: notes.versions,
  async install(folder, home) {
    writeFileSync(join(folder, 'package.json'), '{"name":"shop","private":true}\n');
    await run(home, folder, 'npm', 'install', `${notes.npm}@${notes.versions[0]}`, `${notes.lib}@${notes.versions[0]}`);
    await run(home, folder, 'npm', 'uninstall', notes.lib);
    return [process.execPath, join(folder, 'node_modules', notes.npm, 'server.js')];
  },
  state: (folder) => [
    texts(folder, ['package.json', 'package-lock.json']),
    installedNotes(folder),
    [...(installedVersions('npm', folder) ?? [])],
  ],
};
const pnpmWay: Way = {
  name: 'pnpm',
  versions: notes.versions,
  async install(folder, home) {
    writeFileSync(join(folder, 'package.json'), '{"name":"shop","private":true}\n');
    await run(home, folder, 'pnpm', 'add', `${notes.npm}@${notes.versions[0]}`);
    return [process.execPath, join(folder, 'node_modules', notes.npm, 'server.js')];
  },
  state: (folder) => [texts(folder, ['package.json', 'pnpm-lock.yaml']), installedNotes(folder)],
};
const pipWay: Way = {
  name: 'pip',
  versions: stale.versions,
  async install(folder, home) {
    const venv = join(folder, 'venv');
    await run(home, folder, (await findPython()) ?? '', '-m', 'venv', venv);
    await run(
      home,
      folder,
      join(venv, 'bin', 'python3'),
      '-m',
      'pip',
      'install',
      '--quiet',
      `stale-mcp==${stale.versions[0]}`,
      'stalelib==1.0.0',
    );
    return [join(venv, 'bin', 'stale-mcp')];
  },
  state: (folder) => [...(installedVersions('python', join(folder, 'venv')) ?? [])].sort(),
};

const describeLong = process.env.TEST_LONG === '1' ? describe : undefined;

describeLong?.('upgrade with real package managers', function () {
  this.timeout(240_000);
  let home: GuardHome;
  let index: LocalIndex;
  let cli = '';
  let wheels: string[] = [];

  before(async function () {
    if (process.platform !== 'linux' || (await findPython()) === undefined) {
      console.log('skipped: on Linux with Python only');
      this.skip();
    }
    home = new GuardHome();
    cli = await buildCli(join(home.root, 'program'));
    index = await serveUpgrades(home.path('index'));
    wheels = readdirSync(home.path('index/wheels'));
    mkdirSync(home.path('bin'));
    writeFileSync(home.path('bin/pnpm'), `#!/bin/sh\nexec "${process.execPath}" "${await pnpmProgram()}" "$@"\n`);
    chmodSync(home.path('bin/pnpm'), 0o755);
    writeFileSync(home.path('.npmrc'), `registry=${index.registry}\naudit=false\nfund=false\nupdate-notifier=false\n`);
    mkdirSync(home.path('.config/pip'), { recursive: true });
    writeFileSync(home.path('.config/pip/pip.conf'), `[global]\nindex-url = ${index.simple}\ndisable-pip-version-check = true\n`);
    const plain = Object.fromEntries(
      Object.keys(process.env)
        .filter((name) => /^(npm_|PIP_|MCP_SHEPHERD_OFFLINE)/i.test(name))
        .map((name) => [name, undefined]),
    );
    home.variables = { ...withoutClientMarks({}), ...plain, PATH: `${home.path('bin')}:${process.env.PATH}`, NO_COLOR: '1' };
  });
  afterEach(async () => {
    await Promise.all(home.clients.splice(0).map((client) => client.kill()));
    rmSync(join(home.run, 'shepherd'), { recursive: true, force: true });
  });
  after(async () => {
    await index?.close();
    await home?.clean();
  });

  const command = (...args: readonly string[]): Promise<Ended> =>
    new RunningCli(process.execPath, cli, args, { cwd: home.root, env: home.env }).ended();
  const upgrade = async (...args: readonly string[]): Promise<{ answer: Answer; ended: Ended }> => {
    const ended = await command('upgrade', ...args, '--json');
    assert.ok(ended.stdout.startsWith('{'), `${ended.code}\n${ended.stdout}\n${ended.stderr}`);
    return { answer: JSON.parse(ended.stdout), ended };
  };
  const version = async (client: RawClient): Promise<string> => client.text('version');
  const history = async (): Promise<HistoryEntry[]> => JSON.parse((await command('history', '--json')).stdout).entries;

  /** A client, the guard and the server below it. */
  async function guarded(way: Way): Promise<{ client: RawClient; folder: string; name: string }> {
    const folder = home.path(`${way.name}-${home.clients.length}-${Math.random().toString(36).slice(2)}`);
    mkdirSync(folder);
    const words = await way.install(folder, home);
    const client = home.start(process.execPath, [await guardBundle(), '--', ...words]);
    await client.handshake();
    await version(client);
    await waitFor('the server', async () =>
      JSON.parse((await command('status', '--json')).stdout).instances.some(
        (one: { guarded?: boolean; package?: { running: string | null } }) => one.guarded && one.package?.running,
      ),
    );
    return { client, folder, name: way === pipWay ? stale.python : notes.npm };
  }

  for (const way of [npmWay, pnpmWay, pipWay]) {
    const [oldest, works, broken] = way.versions;

    it(`${way.name}: runs the shown command, and the restarted server answers in the new version`, async () => {
      offer(index, 1, wheels);
      const { client, folder, name } = await guarded(way);
      const first = await version(client);
      const before = way.state(folder);
      const dry = await upgrade(name, '--dry-run');
      assert.equal(dry.answer.outcome, null);
      assertNames(dry.answer.plan?.command, String(works));
      assert.equal(dry.answer.plan?.undo?.exact, true);
      assert.deepEqual(way.state(folder), before, 'nothing yet');
      const asked = await command('upgrade', name);
      assert.equal(asked.code, 3);
      assertNames(asked.stdout, dry.answer.plan?.command ?? '', 'ask its guard');
      assert.deepEqual(way.state(folder), before, 'no answer is no');
      const { answer, ended } = await upgrade(name, '--yes');
      assert.deepEqual(
        [answer.outcome?.status, answer.outcome?.after?.runs, ended.code],
        ['done', works, 0],
        JSON.stringify(answer) + ended.stderr,
      );
      assert.notEqual(await version(client), first, 'the session goes on with the new version');
      const entries = await history();
      assert.deepEqual(
        entries.map(({ verb, outcome }) => [verb, outcome]),
        [
          ['restart', 'done'],
          ['upgrade', 'done'],
        ],
      );
      assert.equal((await command('upgrade', name)).code, 0, 'it is the newest now');
    });

    it(`${way.name}: a version that does not start is taken back, with lock file and every package as before`, async () => {
      offer(index, 2, wheels);
      const { client, folder, name } = await guarded(way);
      const first = await version(client);
      const before = way.state(folder);
      const { answer, ended } = await upgrade(name, '--yes');
      assert.deepEqual([answer.outcome?.status, ended.code], ['rolled-back', 2], JSON.stringify(answer) + ended.stderr);
      assertNames(answer.outcome?.steps[0]?.text, String(broken));
      assert.equal(answer.outcome?.steps[0]?.result, 'done', 'the command itself worked');
      assertNames(answer.outcome?.message, `${name} ${oldest}`, 'every package is as before');
      assert.deepEqual(way.state(folder), before);
      assert.equal(await version(client), first, 'the session goes on with the old version');
      const entries = await history();
      assert.deepEqual([entries.at(-1)?.verb, entries.at(-1)?.outcome], ['upgrade', 'failed']);
    });
  }

  it('npm: a guard that has restarted the server by itself, into the version that does not start, gets the old one back', async () => {
    offer(index, 2, wheels);
    const { client, folder, name } = await guarded(npmWay);
    const first = await version(client);
    const before = npmWay.state(folder);
    let isOver = false;
    // Each call lets the guard look at the code on disk.
    const calls = (async () => {
      while (!isOver) {
        await client.call('version');
      }
    })();
    const { answer, ended } = await upgrade(name, '--yes');
    isOver = true;
    await calls;
    assert.equal(answer.outcome?.status, 'rolled-back', JSON.stringify(answer) + ended.stderr);
    assert.deepEqual(npmWay.state(folder), before);
    await waitFor('the old version', async () => (await version(client)) === first);
  });

  it('npm: after `upgrade` was killed its installer goes on, and no second one runs beside it', async () => {
    offer(index, 1, wheels);
    const { folder, name } = await guarded(npmWay);
    const npm = execFileSync('sh', ['-c', 'command -v npm'], { env: home.env, encoding: 'utf8' }).trim();
    const [began, mayEnd] = [home.path('began'), home.path('may-end')];
    const slow = home.path('bin/npm');
    writeFileSync(slow, `#!/bin/sh\necho >> "${began}"\nwhile [ ! -e "${mayEnd}" ]; do sleep 0.1; done\nexec "${npm}" "$@"\n`);
    chmodSync(slow, 0o755);
    try {
      const killed = new RunningCli(process.execPath, cli, ['upgrade', name, '--yes'], { cwd: home.root, env: home.env });
      await waitFor('the installer', () => existsSync(began));
      killed.child.kill('SIGKILL');
      await killed.ended();
      const { answer, ended } = await upgrade(name, '--yes');
      assert.deepEqual([answer.outcome?.status, ended.code], ['failed', 2]);
      assert.equal(readFileSync(began, 'utf8').trim().split('\n').length, 1, 'the installer has run once');
      assert.equal(installedNotes(folder)[0], notes.versions[0]);
      writeFileSync(mayEnd, '');
      await waitFor('the first installer is done', () => installedNotes(folder)[0] === notes.versions[1]);
    } finally {
      writeFileSync(mayEnd, '');
      rmSync(slow);
    }
    await waitFor('the lock is free', async () => (await upgrade(name, '--yes')).answer.outcome?.status !== 'failed');
  });

  it('npm: without the guard the package is upgraded, and the restart is left to the user', async () => {
    offer(index, 1, wheels);
    const folder = home.path('plain');
    mkdirSync(folder);
    const [program = '', ...words] = await npmWay.install(folder, home);
    const client = home.start(program, words);
    await client.handshake();
    await waitFor('the server', async () => (await command('status')).stdout.includes(notes.npm));
    const { answer, ended } = await upgrade(notes.npm, '--yes');
    assert.deepEqual([answer.outcome?.status, ended.code], ['manual', 3], JSON.stringify(answer) + ended.stderr);
    assertNames(answer.outcome?.message, `PID ${client.pid}`, `still runs ${notes.versions[0]}`);
    assert.equal(installedNotes(folder)[0], notes.versions[1]);
    assertNames(await version(client), String(notes.versions[0]));
  });
});
