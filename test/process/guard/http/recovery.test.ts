import assert from 'node:assert/strict';
import { join } from 'node:path';
import { findPython } from '../../package/pythonWheels.ts';
import { call, freePort, HttpWorld, kill } from './httpWorld.ts';

const pythonSessions = join(import.meta.dirname, '../../../fixtures/http/python_sessions.py');

describe('guard --http: sessions survive a restart of the server', function () {
  this.timeout(60_000);
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
      assert.ok((await call(client, 'count', { key: 'before' })).includes('counted before'));
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

  for (const sdk of ['1.25', '1.26', '2.3']) {
    it(`D1, D2, D20: the same with a Python server that answers as the SDK ${sdk} does; without the guard the client fails (control)`, async function () {
      const python = await findPython();
      if (python === undefined) {
        console.log('skipped: no Python here');
        this.skip();
      }
      const port = await freePort();
      const start = () => world.server([pythonSessions, String(port), world.executedFile, sdk], python);
      let server = await start();
      const guard = await world.guard(['--listen', '0', '--upstream', `http://127.0.0.1:${port}`]);
      const clients = await Promise.all([guard.origin, `http://127.0.0.1:${port}`].map((origin) => world.client(origin)));
      const [guarded, bare] = clients;
      assert.ok(guarded && bare);
      assert.ok((await call(guarded, 'count', { key: 'before' })).includes('counted before'));
      assert.ok((await call(bare, 'count', { key: 'control' })).includes('counted control'));
      for (const round of ['first', 'second']) {
        await kill(server);
        server = await start();
        await assert.rejects(call(bare, 'count', { key: 'control' }), sdk === '1.25' ? /No valid session ID/ : /Session not found/);
        for (const key of [`${round} a`, `${round} b`]) {
          assert.equal(await call(guarded, 'count', { key }), `counted ${key} in ${server.pid}`);
          assert.equal(world.timesExecuted(key), 1);
        }
      }
      // Two clients at the start, and one recovery for each kill.
      assert.equal(world.timesExecuted('session'), 4);
      assert.equal(world.timesExecuted('initialized'), 4);
      assert.equal(world.timesExecuted('control'), 1);
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
