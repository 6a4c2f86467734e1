import assert from 'node:assert/strict';
import { join } from 'node:path';
import { call, freePort, HttpWorld, health, kill, type Program } from './httpWorld.ts';
import { installSecondSdk, SecondClient } from './secondSdk.ts';

describe('guard --http: the TypeScript SDK 2.x', function () {
  this.timeout(120_000);
  let world: HttpWorld;
  let folder: string;
  let port: number;

  beforeEach(async () => {
    world = new HttpWorld();
    folder = await installSecondSdk(world);
    port = await freePort();
  });

  afterEach(async () => {
    await world.clean();
  });

  const start = (mode: 'sessions' | 'modern'): Promise<Program> =>
    world.server([join(folder, 'v2Server.mjs'), String(port), world.executedFile, mode]);

  it('D1: clients of 2.x and 1.x go on after SIGKILL and restart of a 2.x server, twice', async () => {
    let server = await start('sessions');
    const guard = await world.guard(['--listen', '0', '--upstream', `http://127.0.0.1:${port}`]);
    const second = new SecondClient(world, folder, guard.origin, 'legacy');
    assert.equal(await second.line(), 'connected');
    const first = await world.client(guard.origin);
    for (const round of ['1', '2']) {
      await kill(server);
      server = await start('sessions');
      assert.equal(await second.count(`new ${round}`), `counted new ${round} in ${server.pid}`);
      assert.equal(await call(first, 'count', { key: `old ${round}` }), `counted old ${round} in ${server.pid}`);
      assert.equal(await second.count(`again ${round}`), `counted again ${round} in ${server.pid}`);
    }
  });

  it('D2 (control): without the guard the client of 2.x fails, twice', async () => {
    const server = await start('sessions');
    const client = new SecondClient(world, folder, `http://127.0.0.1:${port}`, 'legacy');
    assert.equal(await client.line(), 'connected');
    await kill(server);
    await start('sessions');
    for (const key of ['a', 'b']) {
      assert.ok((await client.count(key)).startsWith('failed: '), key);
    }
  });

  it('D17: traffic of 2026-07-28 passes without sessions and without a handshake, over a restart too', async () => {
    let server = await start('modern');
    const guard = await world.guard(['--listen', '0', '--upstream', `http://127.0.0.1:${port}`]);
    const client = new SecondClient(world, folder, guard.origin, 'auto');
    assert.equal(await client.line(), 'connected');
    assert.equal(await client.count('a'), `counted a in ${server.pid}`);
    await kill(server);
    server = await start('modern');
    assert.equal(await client.count('b'), `counted b in ${server.pid}`);
    const seen = world.executed();
    assert.ok(seen.includes('POST plain server/discover'), seen.join('\n'));
    assert.deepEqual(
      seen.filter((line) => line.includes('initialize') || line.includes(' session ')),
      [],
    );
    // The session header is ignored, and the server refuses the GET.
    const stray = await fetch(`${guard.origin}/mcp`, {
      headers: { accept: 'text/event-stream', 'mcp-protocol-version': '2026-07-28', 'mcp-session-id': 'stray' },
    });
    assert.equal(stray.status, 405);
    assert.equal(stray.headers.get('mcp-session-id'), null);
    assert.equal((await health(guard.origin)).sessions.open, 0);
  });
});
