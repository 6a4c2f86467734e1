// A new version that is installed beside the one that a guarded server runs: links and pnpm's store, through the guard as it ships.
import { deepEqual, equal, match, ok } from 'node:assert/strict';
import { mkdirSync, realpathSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'mocha';
import { until } from '../../../until.ts';
import { run } from '../../package/command.ts';
import { npmEnv, pnpmProgram, servers } from '../../package/npmServers.ts';
import { GuardHome, isRunning, publishedGuards, type RawClient } from '../guardedServer.ts';
import { restart } from '../http/control.ts';
import { HttpWorld } from '../http/httpWorld.ts';
import { RawClient as HttpClient } from '../http/rawClient.ts';

/** Answers each call with the version that it was written for. Over HTTP when it gets a port. */
const program = (version: string): string => `
const answer = ({ id, method }) => ({
  jsonrpc: '2.0', id,
  result: method === 'initialize' ? { protocolVersion: '2025-06-18', capabilities: { tools: {} }, serverInfo: { name: 'tiny', version: '1' } }
    : method === 'tools/list' ? { tools: [{ name: 'write', inputSchema: { type: 'object' } }, { name: 'read', inputSchema: { type: 'object' }, annotations: { readOnlyHint: true } }] }
    : method === 'tools/call' ? { content: [{ type: 'text', text: '${version}' }] } : {},
});
if (process.env.PORT) {
  require('node:http').createServer((request, response) => {
    let body = '';
    request.on('data', (chunk) => { body += chunk; }).on('end', () => {
      const message = body === '' ? {} : JSON.parse(body);
      if (message.id === undefined) return response.writeHead(202).end();
      response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(answer(message)));
    });
  }).listen(Number(process.env.PORT), '127.0.0.1');
} else {
  require('node:readline').createInterface({ input: process.stdin }).on('line', (line) => {
    const message = JSON.parse(line);
    if (message.id !== undefined) console.log(JSON.stringify(answer(message)));
  }).on('close', () => process.exit());
}
`;

/** `releases/FOLDER` with a version of one package, and a link to one of them. */
class Releases {
  readonly #root: string;
  readonly script: string;

  constructor(root: string) {
    mkdirSync(root, { recursive: true });
    this.#root = join(realpathSync(root), 'srv');
    this.script = join(this.#root, 'current', 'index.js');
    this.place('1.0.0');
    this.place('1.1.0');
    this.switchTo('1.0.0');
  }

  place(version: string, folder = version): void {
    const at = join(this.#root, 'releases', folder);
    mkdirSync(at, { recursive: true });
    writeFileSync(join(at, 'package.json'), JSON.stringify({ name: 'tiny-mcp', version, main: 'index.js' }));
    writeFileSync(join(at, 'index.js'), program(version));
  }

  switchTo(folder: string): void {
    symlinkSync(join('releases', folder), join(this.#root, 'next'));
    renameSync(join(this.#root, 'next'), join(this.#root, 'current'));
  }

  /** As in the middle of a switch that first removes the link. */
  unlink(): void {
    rmSync(join(this.#root, 'current'));
  }

  remove(folder: string): void {
    rmSync(join(this.#root, 'releases', folder), { recursive: true });
  }
}

describe('guard: a version installed beside the one that runs, through the bundle that ships', function () {
  this.timeout(180_000);
  let home: GuardHome;

  beforeEach(function () {
    if (process.platform !== 'linux') {
      console.log('skipped: the gate was not run on this system yet');
      this.skip();
    }
    home = new GuardHome();
  });
  afterEach(() => home.clean());

  /** A client, once the guard has recorded what the server runs. */
  async function connected(client: RawClient, version: string): Promise<RawClient> {
    await client.handshake();
    await client.request('tools/list');
    await recorded(version);
    return client;
  }

  const recorded = (version: string): Promise<unknown> =>
    until(`version ${version} is recorded`, () => {
      const of = publishedGuards(home.run)[0]?.record.package;
      return typeof of === 'object' && of !== null && 'version' in of && of.version === version;
    });
  const guarded = async (...options: readonly string[]): Promise<RawClient> => home.guard([...options]);

  it('current -> releases/X: refused after the switch, by both versions; not after a switch to the same version, and not after a roll-back', async () => {
    const releases = new Releases(home.root);
    const client = await connected(await guarded('--on-stale', 'refuse-writes', '--', process.execPath, releases.script), '1.0.0');
    equal(await client.text('write'), '1.0.0');

    releases.place('1.0.0', 'again');
    releases.switchTo('again');
    equal(await client.text('write'), '1.0.0', 'the same version elsewhere');

    releases.switchTo('1.1.0');
    match(await client.text('write'), /nothing was written.*tiny-mcp 1\.0\.0, installed is 1\.1\.0.*restart/);
    equal(await client.text('read'), '1.0.0', 'reads pass');
    releases.remove('1.0.0');
    match(await client.text('write'), /tiny-mcp 1\.0\.0, installed is 1\.1\.0/, 'the old version was removed');

    releases.place('1.0.0');
    releases.switchTo('1.0.0');
    equal(await client.text('write'), '1.0.0', 'rolled back');

    releases.unlink();
    equal(await client.text('write'), '1.0.0', 'by what was known');
    match(client.stderr, /what a restart would start is not known: /);
    releases.switchTo('1.1.0');
    match(await client.text('write'), /installed is 1\.1\.0/);
    releases.unlink();
    match(await client.text('write'), /installed is 1\.1\.0/, 'by what was known');
    releases.switchTo('1.1.0');

    // `restart` starts what the command leads to now.
    const before = publishedGuards(home.run)[0]?.server ?? -1;
    process.kill(client.pid, 'SIGUSR2');
    await recorded('1.1.0');
    ok(!isRunning(before));
    equal(await client.text('write'), '1.1.0');
  });

  it('current -> releases/X: --on-stale restart and the default start the new version before the next call; an older one they do not', async () => {
    const releases = new Releases(home.root);
    const client = await connected(await guarded('--on-stale', 'restart', '--', process.execPath, releases.script), '1.0.0');
    equal(await client.text('write'), '1.0.0');
    releases.switchTo('1.1.0');
    deepEqual(await Promise.all([client.text('write'), client.text('read')]), ['1.1.0', '1.1.0']);
    equal(client.stderr.split('restarting').length, 2, client.stderr);
    await recorded('1.1.0');
    releases.switchTo('1.0.0');
    match(await client.text('write'), /tiny-mcp 1\.1\.0, installed is 1\.0\.0 \(a downgrade\)/);

    await client.kill();
    const other = await connected(await guarded('--', process.execPath, releases.script), '1.0.0');
    equal(await other.text('write'), '1.0.0');
    releases.switchTo('1.1.0');
    equal(await other.text('write'), '1.1.0');
  });

  it('--http: refused after the switch, and `--on-stale restart` starts the new version', async () => {
    const world = new HttpWorld();
    try {
      for (const policy of ['refuse', 'restart']) {
        const releases = new Releases(join(world.root, policy));
        const words = [
          '--listen',
          '0',
          '--wait',
          '60',
          '--on-stale',
          policy,
          '--port-env',
          'PORT',
          '--',
          process.execPath,
          releases.script,
        ];
        const guard = await world.guard(words);
        const client = new HttpClient(guard.origin);
        await client.initialize();
        const write = async (): Promise<string> => (await client.request('tools/call', { name: 'write' })).text;
        match(await write(), /"1\.0\.0"/);
        releases.switchTo('1.1.0');
        match(await write(), policy === 'refuse' ? /tiny-mcp 1\.0\.0, installed is 1\.1\.0/ : /"1\.1\.0"/);
        if (policy === 'refuse') {
          equal((await restart(world.runDir, guard.pid)).status, 'ok');
          match(await write(), /"1\.1\.0"/, 'a restart starts what the command leads to now');
        }
      }
    } finally {
      await world.clean();
    }
  });

  it('a script that changes its folder: the way that is read leads to another version from the start, and nothing is refused or restarted', async () => {
    const releases = new Releases(home.root);
    // Without the `cd` it would start what is in the folder of the client.
    writeFileSync(home.path('package.json'), JSON.stringify({ name: 'tiny-mcp', version: '1.1.0' }));
    writeFileSync(home.path('index.js'), program('1.1.0'));
    const script = home.path('start');
    writeFileSync(script, `#!/bin/sh\ncd "${dirname(releases.script)}"\nexec node index.js "$@"\n`, { mode: 0o755 });
    const client = await connected(await guarded('--on-stale', 'restart', '--', script), '1.0.0');
    deepEqual([await client.text('write'), await client.text('write')], ['1.0.0', '1.0.0']);
    ok(!client.stderr.includes('restarting'), client.stderr);
  });

  it('pnpm: `pnpm add` of a newer version moves the shim to another folder of the store; also after the old one was removed', async () => {
    const {
      name,
      bin,
      versions: [older, newer],
    } = servers.memory;
    const pnpm = await pnpmProgram();
    const env = { ...(await npmEnv()), HOME: home.root, CI: '', npm_config_store_dir: home.path('pnpm-store') };
    const folder = realpathSync(home.root);
    const project = join(folder, 'project');
    mkdirSync(project);
    writeFileSync(join(project, 'package.json'), '{"private":true}');
    const add = (version: string): Promise<unknown> => run(process.execPath, [pnpm, 'add', `${name}@${version}`], { cwd: project, env });
    await add(older);
    const shim = join(project, 'node_modules', '.bin', bin);
    const options = ['--on-stale', 'refuse-writes', '--read-tools', 'read_graph', '--', shim];
    const client = await connected(await guarded(...options), older);
    const write = (): Promise<string> => client.text('create_entities', { entities: [] });
    match(await write(), /^\[\]$|entities/);
    await add(newer);
    match(await write(), new RegExp(`${name} ${older}, installed is ${newer}`));
    match(await client.text('read_graph'), /entities/);
    rmSync(join(project, 'node_modules', '.pnpm', `${name.replace('/', '+')}@${older}`), { recursive: true, force: true });
    match(await write(), new RegExp(`${name} ${older}, installed is ${newer}`), 'the old version was removed');
    process.kill(client.pid, 'SIGUSR2');
    await recorded(newer);
    match(await write(), /^\[\]$|entities/);
  });
});
