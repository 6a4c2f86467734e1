import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, realpathSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { confirmLaunch } from '../../../../src/cli/session/confirmLaunch.ts';
import { readEnsureSetting } from '../../../../src/cli/session/ensureSetting.ts';
import { assertNames } from '../../../names.ts';
import { until } from '../../../until.ts';
import { buildPrograms } from '../../cli/bundle.ts';
import { stalePackages } from '../guardedServer.ts';
import { restart } from './control.ts';
import { freePort, HttpWorld, health, kill, type Program, v1Program } from './httpWorld.ts';
import { RawClient } from './rawClient.ts';

/** The real SDK server, installed as a package; the test, not the guard, starts and upgrades it. */
describe('guard --http: the code behind --upstream', function () {
  this.timeout(120_000);
  let world: HttpWorld;
  let port: number;
  let project: string;
  let installs = 0;

  beforeEach(async function () {
    if (process.platform !== 'linux') {
      this.skip();
    }
    world = new HttpWorld();
    port = await freePort();
    installs = 0;
    project = join(world.root, 'project');
    mkdirSync(join(project, 'node_modules'), { recursive: true });
    writeFileSync(join(project, 'package.json'), '{"name":"host","version":"9.9.9","dependencies":{"notes-mcp":"*"}}');
    await install('1.0.0');
  });

  afterEach(async () => {
    await world.clean();
  });

  /** As npm does it: the new folder takes the place of the old one. */
  async function install(version: string, name = 'notes-mcp'): Promise<void> {
    installs += 1;
    const fresh = join(project, 'node_modules', `.${name}-${installs}`);
    mkdirSync(fresh);
    copyFileSync(await v1Program(), join(fresh, 'server.mjs'));
    writeFileSync(join(fresh, 'package.json'), JSON.stringify({ name, version, type: 'module' }));
    const place = join(project, 'node_modules', name);
    if (existsSync(place)) {
      renameSync(place, join(world.root, `old-${installs}`));
    }
    renameSync(fresh, place);
  }

  const words = (): string[] => [join(project, 'node_modules', 'notes-mcp', 'server.mjs'), String(port), world.executedFile];
  const server = (): Promise<Program> => world.server(words());
  const guard = (...more: readonly string[]) => world.guard(['--listen', '0', '--upstream', `http://127.0.0.1:${port}`, ...more]);

  it('C3: the process that listens is found, and the policies hold as for stdio; a restart by its owner clears them (control: warn)', async () => {
    const old = await server();
    const guards = await Promise.all(
      ['refuse', 'refuse-writes', 'warn', 'off'].map(async (mode) => {
        const running = await guard('--on-stale', mode);
        const client = new RawClient(running.origin);
        await client.initialize();
        return { mode, ...running, client, count: async (key: string) => (await client.tool(`${mode}-${key}`)).text };
      }),
    );
    const [refuse, writes, warn, off] = guards;
    assert.ok(refuse && writes && warn && off);
    for (const { count, origin, mode } of guards) {
      assert.ok((await count('before')).includes('counted'));
      const { upstream, version } = await health(origin);
      assert.deepEqual([upstream.pid, version], [old.pid, mode === 'off' ? 'unknown' : '1.0.0']);
    }
    await install('2.0.0');
    for (const { count, mode } of [refuse, writes]) {
      const text = await count('stale');
      const refused = JSON.parse(text);
      assert.deepEqual(stalePackages(refused), ['notes-mcp 1.0.0 2.0.0 upgrade'], mode);
      const { cure } = refused.result._meta['mcp-shepherd/stale'];
      assert.ok(cure.includes(`PID ${old.pid}`) && cure.includes(`port ${port}`), cure);
    }
    assert.ok((await warn.count('stale')).includes('counted'));
    await until('the guard says so', () => warn.said().includes('notes-mcp 1.0.0'));
    assert.ok((await off.count('stale')).includes('counted'));
    assert.deepEqual(
      world.executed().filter((line) => line.endsWith('-stale')),
      ['warn-stale', 'off-stale'],
    );
    assert.equal((await restart(world.runDir, refuse.pid)).status, 'refused');

    await kill(old);
    const next = await server();
    for (const { count, origin } of [refuse, writes, warn]) {
      assert.ok((await count('after')).includes('counted'));
      const { upstream, version } = await health(origin);
      assert.deepEqual([upstream.pid, version], [next.pid, '2.0.0']);
    }
  });

  it('C3: the command that a refusal names restarts a server that the guard started, without any entry of a client', async () => {
    // No word of the two command lines has to do with MCP.
    const programs = join(world.root, 'programs');
    await buildPrograms(programs);
    await install('1.0.0', 'notes');
    const script = join(project, 'node_modules', 'notes', 'server.mjs');
    const options = ['--http', '--listen', '0', '--on-stale', 'refuse', '--', process.execPath, script, '{port}', world.executedFile];
    const running = world.start([join(programs, 'cli.cjs'), 'guard', ...options]);
    await until('the guard listens', () => /listening on \S+,/.test(running.said()));
    const origin = /listening on (http:\S+?),/.exec(running.said())?.[1] ?? '';
    const client = new RawClient(origin);
    await client.initialize();
    assert.ok((await client.tool('before')).text.includes('counted'));
    await install('2.0.0', 'notes');
    const refused = JSON.parse((await client.tool('stale')).text);
    const { cure } = refused.result._meta['mcp-shepherd/stale'];
    const ran = spawnSync('sh', ['-c', cure], { encoding: 'utf8', env: { ...process.env, HOME: world.root, MCP_RUN_DIR: world.runDir } });
    assert.equal(ran.status, 0, `${cure}: ${ran.stdout}${ran.stderr}`);
    await until('the server was restarted', () => /the server was restarted/.test(running.said()));
    assert.ok((await client.tool('after')).text.includes('counted'));
    assert.equal((await health(origin)).version, '2.0.0');
  });

  it('a guard that comes after the upgrade does not know what runs: it says so, and calls pass', async () => {
    await server();
    const begun = Date.now();
    await until('an install can be told from the start by its time (two seconds)', () => Date.now() > begun + 2_000);
    await install('2.0.0');
    const late = await guard('--on-stale', 'refuse');
    const client = new RawClient(late.origin);
    await client.initialize();
    assert.ok((await client.tool('late')).text.includes('counted'));
    assert.equal((await health(late.origin)).version, 'unknown');
    assertNames(late.said(), 'notes-mcp');
  });

  it('C3: restart without --ensure refuses and says what is missing; with it the server is replaced once and sessions go on', async () => {
    const programs = join(world.root, 'programs');
    await buildPrograms(programs);
    writeFileSync(
      join(project, 'mcp-shepherd.json'),
      JSON.stringify({
        servers: { notes: { command: process.execPath, args: ['node_modules/notes-mcp/server.mjs', '{port}', world.executedFile] } },
      }),
    );
    // The guard asks nothing: the command was confirmed before, as by a first start from a terminal.
    const setting = readEnsureSetting([realpathSync(project)], 'notes');
    assert.ok(setting);
    await confirmLaunch({ name: 'notes', setting, runDir: world.runDir, yes: true, shell: undefined });
    const old = await server();
    const from = { bundle: join(programs, 'guard.cjs'), cwd: project };
    const options = ['--listen', '0', '--upstream', `http://127.0.0.1:${port}`, '--on-stale', 'restart'];
    const [without, ensured] = await Promise.all([world.guard(options, from), world.guard([...options, '--ensure', 'notes'], from)]);
    assert.ok(without.said().includes('--ensure NAME'), without.said());
    const clients = await Promise.all(
      [without, ensured].map(async ({ origin }) => {
        const client = new RawClient(origin);
        await client.initialize();
        assert.ok((await client.tool('before')).text.includes('counted'));
        return client;
      }),
    );
    await install('2.0.0');
    assert.deepEqual(stalePackages(JSON.parse((await clients[0]?.tool('refused'))?.text ?? '')), ['notes-mcp 1.0.0 2.0.0 upgrade']);
    const answers = await Promise.all(['a', 'b', 'c'].map((key) => clients[1]?.tool(key)));
    const { upstream, version } = await health(ensured.origin);
    try {
      assert.deepEqual(
        answers.map((answer) => /counted/.test(answer?.text ?? '')),
        [true, true, true],
        `${answers.map((answer) => answer?.text)} ${ensured.said()}`,
      );
      assert.notEqual(upstream.pid, old.pid);
      assert.equal(version, '2.0.0');
      assert.equal(ensured.said().split('the server was replaced').length, 2, 'one restart');
      assert.ok((await clients[0]?.tool('again'))?.text.includes('counted'));
      // A requested restart happens whatever the version.
      const answer = await restart(world.runDir, ensured.pid);
      assert.equal(answer.status, 'ok', JSON.stringify(answer));
      assert.ok((await clients[1]?.tool('later'))?.text.includes('counted'));
      assert.notEqual((await health(ensured.origin)).upstream.pid, upstream.pid);
    } finally {
      const { pid } = (await health(ensured.origin)).upstream;
      if (pid !== null && pid !== old.pid) {
        process.kill(pid, 'SIGKILL');
      }
    }
  });
});
