import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { declaredShutdown, postShutdown } from '../../../../src/action/execute/shutdownRequest.ts';
import { findPython } from '../../package/pythonWheels.ts';
import { shippedProgram } from '../../shippedProgram.ts';
import { freePort, imitation, startImitation } from '../../survey/ports/httpServer.ts';
import { makeWorld, type World } from '../../survey/world.ts';

describe('/shutdown as a record declares it', function () {
  this.timeout(120_000);
  let world: World;
  let guard = '';

  before(async function () {
    if (process.platform !== 'linux' || !(await findPython())) {
      console.log('skipped: needs /proc and python3');
      this.skip();
    }
    world = makeWorld();
    guard = join(world.root, 'guard.cjs');
    await shippedProgram('guard', world.root);
  });
  after(() => world?.remove());

  it('is found by port and process, asked with its secret, and ends a real guard with its server', async () => {
    const port = await freePort();
    const args = [guard, '--http', '--listen', `127.0.0.1:${port}`, '--run-dir', world.runDir, '--', 'python3', imitation, '{port}'];
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'ignore', 'pipe'] });
    try {
      for await (const line of createInterface({ input: child.stderr })) {
        if (line.includes('listening on')) {
          break;
        }
      }
      const base = join(world.runDir, 'v1');
      assert.equal(declaredShutdown(base, port, [process.pid]), undefined, 'not for the port of another process');
      assert.equal(declaredShutdown(base, port + 1, [child.pid ?? 0]), undefined, 'not for another port');
      const way = declaredShutdown(base, port, [child.pid ?? 0]);
      assert.equal(way?.path, '/shutdown');
      assert.match(way?.token ?? '', /^[0-9a-f]{64}$/);
      assert.equal(await postShutdown('127.0.0.1', port, { path: '/shutdown' }), false, 'C5: not without the secret');
      assert.equal(child.exitCode, null);
      const gone = once(child, 'exit');
      assert.equal(await postShutdown('127.0.0.1', port, way ?? { path: '' }), true);
      assert.equal((await gone)[0], 0);
    } finally {
      child.kill('SIGKILL');
    }
  });

  it('is not there for a server without a record', async () => {
    const server = await startImitation([]);
    try {
      assert.equal(declaredShutdown(join(world.runDir, 'v1'), server.port, [server.pid]), undefined);
    } finally {
      await server.stop();
    }
  });
});
