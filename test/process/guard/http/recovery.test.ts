import assert from 'node:assert/strict';
import { call, freePort, HttpWorld, kill } from './httpWorld.ts';

describe('guard --http: sessions survive a restart of the server', () => {
  let world: HttpWorld;

  beforeEach(() => {
    world = new HttpWorld();
  });

  afterEach(async () => {
    await world.clean();
  });

  for (const mode of ['example', '404', 'single', 'json']) {
    it(`D1, D20: the SDK 1.x client goes on after SIGKILL and restart on the same port, twice (${mode})`, async () => {
      const port = await freePort();
      let server = await world.v1(port, mode);
      const guard = await world.guard(['--listen', '0', '--upstream', `http://127.0.0.1:${port}`]);
      const client = await world.client(guard.origin);
      assert.match(await call(client, 'count', { key: 'before' }), /counted before/);
      for (const round of ['first', 'second']) {
        await kill(server);
        server = await world.v1(port, mode);
        assert.equal(await call(client, 'count', { key: `${round} a` }), `counted ${round} a in ${server.pid}`);
        assert.equal(await call(client, 'count', { key: `${round} b` }), `counted ${round} b in ${server.pid}`);
        assert.equal(world.timesExecuted(`${round} a`), 1);
        assert.equal(world.timesExecuted(`${round} b`), 1);
      }
      assert.equal(world.timesExecuted('session'), 3);
      assert.equal(world.timesExecuted('initialized'), 3);
    });
  }

  it('D2 (control): without the guard the same client fails, twice', async () => {
    const port = await freePort();
    const server = await world.v1(port);
    const client = await world.client(`http://127.0.0.1:${port}`);
    await call(client, 'count', { key: 'before' });
    await kill(server);
    await world.v1(port);
    await assert.rejects(call(client, 'count', { key: 'a' }), /No valid session ID/);
    await assert.rejects(call(client, 'count', { key: 'b' }), /No valid session ID/);
  });
});
