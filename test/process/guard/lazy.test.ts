import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { npxHash } from '../../../src/process/commandline/npmCommand.ts';
import { until } from '../../until.ts';
import { makeSurveyor } from '../survey/world.ts';
import { childrenOf, GuardHome, type Message, publishedGuards, type RawClient, resultText } from './guardedServer.ts';

/** A server whose behaviour at its start stands in a file beside its project: it is no part of what the guard knows. */
const server = (version: string): string => `#!/usr/bin/env node
const { readFileSync, appendFileSync } = require('node:fs');
let mode = '';
try { mode = readFileSync('mode', 'utf8'); } catch {}
appendFileSync('starts', process.pid + '\\n');
if (mode === 'broken') { console.error('no database at all'); process.exit(3); }
const send = (message) => process.stdout.write(JSON.stringify({ jsonrpc: '2.0', ...message }) + '\\n');
const state = [];
if (mode === 'child') require('node:child_process').spawn('sleep', ['60'], { stdio: 'ignore' }).unref();
if (mode === 'asks') send({ id: 'early', method: 'roots/list' });
require('node:readline').createInterface({ input: process.stdin }).on('line', (line) => {
  const { id, method, params } = JSON.parse(line);
  state.push(method + (params?.level ?? params?.uri ?? ''));
  if (id === undefined || method === undefined) return;
  const tools = [{ name: 'state', inputSchema: { type: 'object' }, description: '${version}' + (mode.startsWith('other') ? mode : '') }];
  const results = {
    initialize: { protocolVersion: '2025-06-18', capabilities: { tools: {}, logging: {}, resources: { subscribe: true }, ...(mode === 'capable' ? { prompts: {} } : {}) }, serverInfo: { name: 'demo', version: '${version}' } },
    'tools/list': { tools },
    'resources/list': { resources: [{ uri: 'file:///x', name: mode === 'data' ? 'y' : 'x' }] },
    'tools/call': { content: [{ type: 'text', text: state.join(' ') }] },
  };
  send({ id, result: results[method] ?? {} });
}).on('close', () => process.exit(0));
`;

describe('guard: lazy start', function () {
  this.timeout(60_000);
  let home: GuardHome;
  /** The code that all tests but one start; written once. */
  const shared = mkdtempSync(join(tmpdir(), 'lazy-'));
  before(async () => {
    write(shared, '1.0.0');
    await settled(shared);
  });
  beforeEach(() => {
    home = new GuardHome();
  });
  afterEach(() => home.clean());
  after(() => rmSync(shared, { recursive: true, force: true }));

  function write(folder: string, version: string, text = version): void {
    const place = join(folder, 'node_modules', 'demo');
    mkdirSync(place, { recursive: true });
    writeFileSync(join(place, 'package.json'), JSON.stringify({ name: 'demo', version, main: 'index.js', bin: 'index.js' }));
    writeFileSync(join(place, 'index.js'), server(text), { mode: 0o755 });
  }
  /** Code that has just changed may be half of an installation, and is not trusted: the times of files cannot be set back. */
  async function settled(folder: string): Promise<void> {
    const place = join(folder, 'node_modules', 'demo');
    await until('the code is two seconds old', () => Date.now() - statSync(place).ctimeMs > 2_100);
  }
  const mode = (text: string): void => writeFileSync(home.path('mode'), text);
  const starts = (): number => {
    try {
      return readFileSync(home.path('starts'), 'utf8').trim().split('\n').length;
    } catch {
      return 0;
    }
  };
  async function session(
    use: (client: RawClient) => Promise<void> = async () => undefined,
    options = ['--start', 'lazy'],
    folder = shared,
    command = [process.execPath, join(folder, 'node_modules', 'demo', 'index.js')],
  ): Promise<Message[]> {
    const client = await home.guard([...options, '--', ...command]);
    await client.handshake();
    const list = await client.request('tools/list');
    await use(client);
    client.child.stdin?.end();
    assert.equal((await client.ended).code, 0, client.stderr);
    return [...client.messages, list];
  }
  const descriptionIn = (list: Message | undefined): unknown =>
    (list?.result as { tools?: { description?: string }[] })?.tools?.[0]?.description;
  const startOf = (run: string): unknown => (publishedGuards(run)[0]?.record.x as { start?: unknown } | undefined)?.start;

  it('lists tools without a server, starts it at the first call with all that was acknowledged, and is shown as not started; eager is the control', async () => {
    await session(undefined, []);
    assert.equal(starts(), 1, 'control: without the option each session starts it');
    await session(async (client) => {
      await client.request('logging/setLevel', { level: 'warning' });
      await client.request('resources/subscribe', { uri: 'file:///x' });
    });
    assert.equal(starts(), 2, 'its answers are not known yet');
    await session(async (client) => {
      assert.deepEqual(childrenOf(client.pid), []);
      await until('it is published', () => publishedGuards(home.run).length === 1);
      assert.deepEqual(startOf(home.run), { state: 'not-started', spared: 0 });
      const surveyor = await makeSurveyor(home.root, home.run);
      try {
        const { instances, notStarted = [], otherHolders, problems } = await surveyor.survey();
        const [one] = notStarted.filter(({ guardPid }) => guardPid === client.pid);
        assert.equal(one?.record.start?.state, 'not-started');
        const family = new Set([client.pid, ...childrenOf(client.pid)]);
        assert.deepEqual(
          instances.filter(({ pid, tree, record }) => family.has(pid) || tree.some((at) => family.has(at)) || record !== undefined),
          [],
          'the guard is neither a server nor an orphan, duplicate or copy',
        );
        assert.deepEqual([otherHolders ?? [], problems.filter(({ source }) => source !== 'config')], [[], []]);
      } finally {
        surveyor.dispose();
      }
      client.child.kill('SIGUSR2');
      await until('a restart does nothing', () => client.stderr.includes('it is not started'));
    });
    assert.equal(starts(), 2);
    await session(async (client) => {
      await client.request('logging/setLevel', { level: 'warning' });
      await client.request('resources/subscribe', { uri: 'file:///x' });
      await client.request('ping');
      assert.deepEqual(childrenOf(client.pid), []);
      const called = client.request('tools/call', { name: 'state', arguments: {}, _meta: { progressToken: 'p' } });
      const state = resultText(await called).split(' ');
      assert.deepEqual(state.slice(0, 2), ['initialize', 'notifications/initialized']);
      assert.ok(state.includes('logging/setLevelwarning') && state.includes('resources/subscribefile:///x'), state.join());
      const [progress] = client.notifications('notifications/progress');
      assert.equal((progress?.params as Message | undefined)?.progressToken, 'p');
      assert.deepEqual(client.notifications('notifications/tools/list_changed'), []);
      await until('it is published', () => publishedGuards(home.run)[0]?.server !== undefined);
      assert.deepEqual(startOf(home.run), { state: 'on-demand', why: 'its answer to tools/call is not known, or too old', spared: 1 });
    });
    assert.equal(starts(), 3);
    const kept = readdirSync(join(home.run, 'shepherd', 'lazy')).map(
      (name) => statSync(join(home.run, 'shepherd', 'lazy', name)).mode & 0o777,
    );
    assert.deepEqual(kept, [0o600, 0o600]);
  });

  it('new code between two sessions is asked itself, also within a session that rests', async () => {
    const own = home.path('own');
    const use = (act?: (client: RawClient) => Promise<void>): Promise<Message[]> => session(act, ['--start', 'lazy'], own);
    write(own, '1.0.0');
    await settled(own);
    await use();
    const messages = await use(async (client) => {
      assert.deepEqual(childrenOf(client.pid), [], 'control: the same code is not started again');
      write(own, '2.0.0');
      assert.equal(descriptionIn(await client.request('tools/list')), '2.0.0');
    });
    assert.equal(descriptionIn(messages.at(-1)), '1.0.0');
    write(own, '3.0.0');
    assert.equal(descriptionIn((await use()).at(-1)), '3.0.0');
  });

  it('npx with a version that its cache has: lazy from the second session on, and other code in the cache is asked itself', async () => {
    const versions = { '1.0.0': { name: 'demo', version: '1.0.0', bin: { demo: 'index.js' }, dist: {} } };
    const packument = { name: 'demo', 'dist-tags': { latest: '1.0.0' }, versions };
    const registry = createServer((_, response) => response.end(JSON.stringify(packument))).listen(0, '127.0.0.1');
    await once(registry, 'listening');
    const { port } = registry.address() as AddressInfo;
    const cache = home.path('cache');
    home.variables = { npm_config_cache: cache, npm_config_registry: `http://127.0.0.1:${port}/`, npm_config_update_notifier: 'false' };
    const place = join(cache, '_npx', npxHash(['demo@1.0.0']));
    write(place, '1.0.0');
    writeFileSync(join(place, 'package.json'), JSON.stringify({ dependencies: { demo: '^1.0.0' } }));
    mkdirSync(join(place, 'node_modules', '.bin'));
    symlinkSync('../demo/index.js', join(place, 'node_modules', '.bin', 'demo'));
    await settled(place);
    const use = (spec: string, act?: (client: RawClient) => Promise<void>): Promise<Message[]> =>
      session(act, ['--start', 'lazy'], place, ['npx', '-y', spec]);
    try {
      await use('demo@1.0.0');
      assert.equal(starts(), 1, 'its answers are not known yet');
      await use('demo@1.0.0', async (client) => {
        assert.deepEqual(childrenOf(client.pid), []);
        assert.match(await client.text('state'), /^initialize/);
      });
      assert.equal(starts(), 2);
      write(place, '1.0.0', 'other');
      assert.equal(descriptionIn((await use('demo@1.0.0')).at(-1)), 'other', 'never an answer of old code');
      assert.equal(starts(), 3);
    } finally {
      registry.close();
      registry.closeAllConnections();
    }
  });

  it('another list at the later start is announced, and after two such differences the server starts with the session', async () => {
    await session();
    for (const one of ['other 1', 'other 2']) {
      mode(one);
      const before = starts();
      await session(async (client) => {
        await client.text('state');
        await until('the change is announced', () => client.notifications('notifications/tools/list_changed').length === 1);
      });
      assert.equal(starts(), before + 1);
      await session();
    }
    await session(async (client) => {
      await until('it is published', () => publishedGuards(home.run)[0]?.server !== undefined);
      assert.match(JSON.stringify(startOf(home.run)), /at-once.*differed 2 times/);
      assert.equal(client.notifications('notifications/tools/list_changed').length, 0);
    });
  });

  it('other capabilities at the later start: the waiting call gets an error that says so, and the next one the server', async () => {
    await session();
    mode('capable');
    await session(async (client) => {
      assert.match(await client.text('state'), /other capabilities.*Nothing was carried out/s);
      assert.match(await client.text('state'), /^initialize/);
    });
  });

  it('a start that fails answers the call with the reason and the last lines of standard error; the next session starts at once', async () => {
    await session();
    mode('broken');
    await session(async (client) => {
      const text = await client.text('state');
      assert.match(text, /exit code 3.*Nothing was carried out.*no database at all/s);
      mode('');
      assert.match(await client.text('state'), /^initialize/, 'the next call tries again');
    });
    const before = starts();
    await session(async () => {
      await until('it is published', () => publishedGuards(home.run)[0]?.server !== undefined);
      assert.match(JSON.stringify(startOf(home.run)), /at-once.*exit code 3/);
    });
    assert.equal(starts(), before + 1);
  });

  it('a server that asks its client something before its first answer starts with each session', async () => {
    mode('asks');
    await session();
    await session(async () => {
      await until('it is published', () => publishedGuards(home.run)[0]?.server !== undefined);
      assert.match(JSON.stringify(startOf(home.run)), /at-once.*asked its client/);
    });
    assert.equal(starts(), 2);
  });

  it('resources are data: from the second equal answer on, and a second request starts the server', async () => {
    const lists = async (client: RawClient): Promise<void> => void (await client.request('resources/list'));
    await session(lists);
    await session(lists);
    assert.equal(starts(), 2, 'one answer is not enough');
    await session(async (client) => {
      await lists(client);
      assert.equal(starts(), 2);
      await lists(client);
      assert.equal(starts(), 3);
    });
  });

  it('an idle server sleeps and is started again by the next request with the state of the session; one with a child process stays awake', async () => {
    const start = async (more: readonly string[] = []): Promise<RawClient> => {
      const client = await home.guard([
        '--sleep-after',
        '0.005',
        ...more,
        '--',
        process.execPath,
        join(shared, 'node_modules', 'demo', 'index.js'),
      ]);
      await client.handshake();
      await client.request('logging/setLevel', { level: 'warning' });
      return client;
    };
    const marked = (what: string, pattern: RegExp): Promise<unknown> =>
      until(what, () => pattern.test(JSON.stringify(startOf(home.run) ?? {})));
    const client = await start();
    assert.match(await client.text('state'), /^initialize/);
    await marked('it sleeps', /"state":"asleep","since":"20/);
    const isRunning = (): boolean => publishedGuards(home.run)[0]?.server !== undefined;
    await until('its process has ended', () => !isRunning());
    // On a busy machine the server may have slept before the first call, too.
    const before = starts();
    assert.ok(await client.request('ping'));
    assert.equal(starts(), before, 'the guard answers a ping');
    const state = (await client.text('state')).split(' ');
    assert.deepEqual(state.slice(0, 2), ['initialize', 'notifications/initialized'], 'a new process with the same handshake');
    assert.ok(state.includes('logging/setLevelwarning'));
    assert.equal(starts(), before + 1);
    await marked('it sleeps again', /"state":"asleep"/);
    client.child.stdin?.end();
    assert.equal((await client.ended).code, 0, client.stderr);

    mode('child');
    const parent = await start(['--start', 'lazy']);
    await parent.text('state');
    await marked('it stays awake', /"awake":"it has a child process/);
    assert.ok(isRunning());
    parent.child.stdin?.end();
    assert.equal((await parent.ended).code, 0, parent.stderr);
  });
});
