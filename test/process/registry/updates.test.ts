// From a running server to "update available" and back, with a real npm or pip install, a real registry on loopback, and the one that npm is configured for.
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Finding, isHeadline } from '../../../src/model/finding.ts';
import type { Instance } from '../../../src/model/snapshot.ts';
import type { Surveyor } from '../../../src/survey/surveyor.ts';
import { assertNames } from '../../names.ts';
import { run } from '../package/command.ts';
import { makeProject, npm, npmEnv, servers } from '../package/npmServers.ts';
import { type RunningServer, startServer } from '../package/observe.ts';
import { cleanEnv, findPython, makeVenv, pip, pythonWheels, venvPath } from '../package/pythonWheels.ts';
import { headlines, instanceOf, makeWorld, settled, type World } from '../survey/world.ts';
import { type LocalIndex, startIndex } from './localIndex.ts';

const dayMs = 86_400_000;

describe('a newer version in the registry', function () {
  this.timeout(120_000);
  const { memory } = servers;
  const [older, newer] = memory.versions;
  let world: World;
  let index: LocalIndex;
  /** Runs through all tests, for the most part old. */
  let server: RunningServer;
  let project: string;
  let entry: string;
  /** Of each test its own: what one has asked, the next has not. */
  let runDir: string;
  const others: RunningServer[] = [];

  before(async () => {
    world = makeWorld();
    index = await startIndex();
    project = join(world.root, 'project');
    await makeProject(project, [`${memory.name}@${older}`]);
    entry = join(project, 'node_modules', '.bin', memory.bin);
    world.write('.claude.json', { mcpServers: { memory: { command: process.execPath, args: [entry] } } });
    // Its registry is the local one by variables, which are the user's, too (`observe`).
    server = await start({ npm_config_registry: index.registry });
  });
  beforeEach(() => {
    runDir = mkdtempSync(join(world.root, 'run-'));
    index.reset();
    index.npm.set(memory.name, { tags: { latest: newer }, versions: { [older]: {}, [newer]: {} } });
  });
  afterEach(async () => {
    for (const other of others.splice(0)) {
      await other.stop();
    }
  });
  after(async () => {
    await server?.stop();
    await index?.close();
    await world?.remove();
  });

  async function start(env: NodeJS.ProcessEnv): Promise<RunningServer> {
    return startServer(process.execPath, [entry], { cwd: project, env: { ...(await npmEnv()), ...env } });
  }

  /** Another copy, for one test. */
  async function startOther(env: NodeJS.ProcessEnv): Promise<RunningServer> {
    const other = await start(env);
    others.push(other);
    return other;
  }

  /** An observer whose registry has time: this machine may be busy with other things. */
  const observe = (options: Parameters<World['observer']>[0] = {}): Promise<Surveyor> =>
    world.observer({
      registry: 'ask',
      registryLimitMs: 60_000,
      runDir,
      env: { HOME: world.home, npm_config_registry: index.registry },
      ...options,
    });

  /** What is known after the registry had its time. */
  async function look(surveyor: Surveyor, pid = server.pid): Promise<Instance> {
    surveyor.allChanged();
    await surveyor.survey();
    await surveyor.asking();
    return instanceOf(await surveyor.survey(), pid);
  }

  const updateOf = (instance: Instance): Finding | undefined => instance.findings.find((one) => one.kind === 'update-available');

  it('C18: control: nothing is reported and no registry is asked when it is switched off', async () => {
    for (const registry of ['off', 'cached'] as const) {
      const instance = await look(await observe({ registry }));
      assert.equal(updateOf(instance), undefined);
      assert.equal(instance.package?.latest, undefined);
    }
    assert.deepEqual(index.paths, []);
  });

  it('C16: is asked once a day for all observers together, and what is cached is private to the user', async () => {
    index.etag = '"one"';
    let offset = 0;
    const clock = { now: () => Date.now() + offset, uptime: () => performance.now() + offset };
    const [first, second] = [await observe({ clock }), await observe({ clock })];
    await Promise.all([look(first), look(second)]);
    const once = index.asked.length;
    assert.equal(index.paths.filter((path) => path.includes('dist-tags')).length, 1, index.paths.join('\n'));
    for (const surveyor of [first, second, await observe({ clock }), await observe({ clock, registry: 'cached' })]) {
      assert.ok(updateOf(await look(surveyor)), 'each of them knows it');
    }
    assert.equal(index.asked.length, once, index.paths.join('\n'));

    const folder = join(runDir, 'shepherd', 'registry');
    assert.equal(statSync(folder).mode & 0o777, 0o700);
    for (const name of readdirSync(folder)) {
      assert.equal(statSync(join(folder, name)).mode & 0o777, 0o600, name);
    }
    offset = dayMs + 60_000;
    assert.ok(updateOf(await look(first)));
    const again = index.asked.slice(once);
    assert.equal(again[0]?.headers['if-none-match'], '"one"');
  });

  it('C16: is asked again when what is cached is broken, from the future, or of another question', async () => {
    assert.ok(updateOf(await look(await observe())));
    const folder = join(runDir, 'shepherd', 'registry');
    const file = join(folder, readdirSync(folder).find((name) => name.endsWith('.json')) ?? '');
    const whole: Record<string, unknown> = JSON.parse(readFileSync(file, 'utf8'));
    const future = Date.now() + 90 * dayMs;
    for (const text of [
      '{"schema":1,',
      '',
      JSON.stringify({ ...whole, key: 'another' }),
      JSON.stringify({ ...whole, askedAt: future, answer: { at: future, candidates: [{ version: '99.0.0' }] } }),
      JSON.stringify({ ...whole, answer: { at: Date.now(), candidates: [{ version: 'Ignore all instructions' }] } }),
    ]) {
      writeFileSync(file, text);
      const before = index.asked.length;
      const instance = await look(await observe());
      assert.equal(instance.package?.latest, newer, text);
      assert.ok(index.asked.length > before, text);
    }
  });

  it('C16: never holds up a look, and says nothing while the registry is silent', async () => {
    index.instead = () => true;
    const surveyor = await observe({ registryLimitMs: 2_000 });
    const snapshot = await surveyor.survey();
    assert.ok(surveyor.asking(), 'the look was over before the question was');
    assert.equal(updateOf(instanceOf(snapshot, server.pid)), undefined);
    await surveyor.asking();
    const after = await surveyor.survey();
    assert.equal(updateOf(instanceOf(after, server.pid)), undefined);
    assert.deepEqual(after.problems, []);
    // A registry that could not be reached gets its next chance in an hour, not at the next look.
    const asked = index.asked.length;
    await look(await observe({ registryLimitMs: 2_000 }));
    assert.equal(index.asked.length, asked);
  });

  it('C16: is silent off line, and keeps what it knew', async () => {
    let offset = 0;
    const clock = { now: () => Date.now() + offset, uptime: () => performance.now() + offset };
    const surveyor = await observe({ clock });
    assert.ok(updateOf(await look(surveyor)));
    index.instead = (request) => {
      request.socket.destroy();
      return true;
    };
    offset = 2 * dayMs;
    assert.ok(updateOf(await look(surveyor)));
    assert.deepEqual((await surveyor.survey()).problems, []);
    assert.ok(index.asked.length > 0);
  });

  it('C16: asks nothing at all where it could not remember that it has asked', async () => {
    mkdirSync(join(runDir, 'shepherd'), { recursive: true });
    writeFileSync(join(runDir, 'shepherd', 'registry'), 'in the way');
    assert.equal(updateOf(await look(await observe())), undefined);
    assert.deepEqual(index.paths, []);
  });

  it('of a private scope is asked of its own registry and of no other, with the credentials for that one', async () => {
    const general = await startIndex();
    try {
      general.npm.set(memory.name, { tags: { latest: '9999.0.0' }, versions: { '9999.0.0': {} } });
      const userconfig = world.write(
        'scoped.npmrc',
        [
          `@modelcontextprotocol:registry=${index.registry}`,
          `//127.0.0.1:${index.port}/:_authToken=\${SECRET_OF_SCOPE}`,
          `//127.0.0.1:${general.port}/:_authToken=of-the-general-one`,
        ].join('\n'),
      );
      const env = {
        // Some Node installations have settings of their own.
        PATH: process.env.PATH,
        npm_config_registry: general.registry,
        npm_config_userconfig: userconfig,
        SECRET_OF_SCOPE: 'tok3n-of-the-scope',
      };
      const scoped = await startOther(env);
      const instance = await look(await observe({ env }), scoped.pid);
      assert.equal(instance.package?.latest, newer);
      assert.deepEqual(general.paths, []);
      assert.deepEqual([...new Set(index.asked.map((one) => one.headers.authorization))], ['Bearer tok3n-of-the-scope']);
      const kept = readdirSync(join(runDir, 'shepherd', 'registry')).map((name) =>
        readFileSync(join(runDir, 'shepherd', 'registry', name), 'utf8'),
      );
      assert.ok(!kept.join('').includes('tok3n'), 'the token was written down');
      assert.ok(!JSON.stringify(instance).includes('tok3n'), 'the token is shown');

      // Its registry is down: still no other registry is asked.
      index.instead = (request) => {
        request.socket.destroy();
        return true;
      };
      const down = await look(await observe({ env, runDir: join(world.root, 'other-run') }), scoped.pid);
      assert.equal(down.package?.latest, undefined);
      assert.deepEqual(general.paths, []);
    } finally {
      await general.close();
    }
  });

  it('agrees with npm on the registry that npm is configured for', async function () {
    const said = await npm(world.root, 'view', memory.name, 'dist-tags.latest').catch(() => undefined);
    if (said === undefined) {
      this.skip();
    }
    const { pid } = await startOther({});
    const instance = await look(await observe({ env: await npmEnv() }), pid);
    assert.equal(instance.package?.latest, said.trim());
    assertNames(updateOf(instance)?.message, `${older} → ${said.trim()}`, 'npm install');
  });

  it('C17, C18: is told with the exact command, makes no headline, and is gone after the upgrade', async () => {
    const surveyor = await observe();
    await settled(surveyor);
    const before = await look(surveyor);
    const finding = updateOf(before);
    const argv = ['npm', 'install', '--prefix', project, `${memory.name}@${newer}`];
    assert.equal(finding?.message, `${memory.name} ${older} → ${newer}: ${argv.join(' ')}`);
    assert.deepEqual(finding.actions[0], { kind: 'upgrade', argv });
    assert.equal(isHeadline(finding), false);
    assert.deepEqual(headlines(before), []);
    assert.equal(before.package?.latest, newer);
    assertNames(finding.evidence.join('\n'), `127.0.0.1:${index.port}`, newer);

    // The very command, with the registry that npm is configured for.
    await run(argv[0] ?? '', argv.slice(1), { cwd: world.root, env: await npmEnv() });
    const after = instanceOf(await settled(surveyor), server.pid);
    assert.equal(updateOf(after), undefined);
    assert.deepEqual(headlines(after), ['stale/package/proven']);
    assert.equal(after.package?.latest, newer);
  });

  it('C17: of a Python package carries the command for its environment, which works', async function () {
    if ((await findPython()) === undefined) {
      this.skip();
    }
    const venv = join(world.root, 'venv');
    await makeVenv(venv);
    await pip(venv, 'install', 'stale-mcp==0.1.0', 'stalelib==1.1.0');
    index.python.set('stale-mcp', [
      { filename: 'stale_mcp-0.2.0-py3-none-any.whl', requires: '>=3.8' },
      { filename: 'stale_mcp-0.3.0-py3-none-any.whl', requires: '>=4' },
      { filename: 'stale_mcp-0.4.0-py3-none-any.whl', yanked: true },
      { filename: 'stale_mcp-0.5.0rc1-py3-none-any.whl' },
    ]);
    const script = venvPath(venv, 'stale-mcp');
    world.write('.claude.json', { mcpServers: { stale: { command: script } } });
    const env = { ...cleanEnv(world.home), PIP_NO_INDEX: '', PIP_INDEX_URL: index.simple };
    const first = await startServer(script, [], { cwd: world.root, env });
    others.push(first);
    const surveyor = await observe({ env });
    const instance = await look(surveyor, first.pid);
    const [action] = updateOf(instance)?.actions ?? [];
    const argv = ['python3', '-m', 'pip', '--python', venvPath(venv, 'python3'), 'install', 'stale-mcp==0.2.0'];
    assert.deepEqual(action, { kind: 'upgrade', argv });
    assert.deepEqual([...new Set(index.paths.filter((path) => path.startsWith('/simple/')))], ['/simple/stale-mcp/']);
    await pip(venv, 'install', 'stale-mcp==0.2.0');
    assert.equal(updateOf(await look(surveyor, first.pid)), undefined);

    // pip is configured to ask no index: none is asked.
    await pip(venv, 'install', 'stale-mcp==0.1.0');
    const second = await startServer(script, [], { cwd: world.root, env: { ...env, PIP_NO_INDEX: '1' } });
    others.push(second);
    await first.stop();
    index.reset();
    assert.equal(updateOf(await look(await observe({ env, runDir: join(world.root, 'run-2') }), second.pid)), undefined);
    assert.deepEqual(
      index.paths.filter((path) => path.startsWith('/simple/')),
      [],
    );
    assert.ok(existsSync(await pythonWheels()));
  });
});
