import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { declaredShutdown, postShutdown } from '../../../../src/action/execute/shutdownRequest.ts';
import type { ProcessIdentity } from '../../../../src/model/process.ts';
import { createProcessTable } from '../../../../src/process/createProcessTable.ts';
import { findPython } from '../../package/pythonWheels.ts';
import { shippedProgram } from '../../shippedProgram.ts';
import { freePort, imitation, startImitation } from '../../survey/ports/httpServer.ts';
import { makeWorld, type World } from '../../survey/world.ts';

async function identityOf(pid = 0): Promise<ProcessIdentity> {
  const row = (await (await createProcessTable(process.platform)).list()).find((one) => one.pid === pid);
  assert.ok(row);
  return row.identity;
}

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
      const own = await identityOf(child.pid);
      assert.equal(declaredShutdown(base, port, [await identityOf(process.pid)]), undefined, 'not for the port of another process');
      assert.equal(declaredShutdown(base, port + 1, [own]), undefined, 'not for another port');
      for (const [what, other] of Object.entries({ start: 'lx:1', bootId: 'another', pidNamespace: '1' })) {
        assert.equal(declaredShutdown(base, port, [{ ...own, [what]: other }]), undefined, `not for the same PID with another ${what}`);
      }
      const way = declaredShutdown(base, port, [own]);
      assert.equal(way?.path, '/shutdown');
      assert.match(way?.token ?? '', /^[0-9a-f]{64}$/);
      assert.equal(await postShutdown('127.0.0.1', port, { path: '/shutdown' }), false, 'C5: not without the secret');
      for (const wrong of [{ path: '/shut down' }, { path: '/\u00fc\u0100' }, { path: '/shutdown', token: 'a\nb' }]) {
        assert.equal(await postShutdown('127.0.0.1', port, wrong), false, 'what no request can hold');
      }
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
      assert.equal(declaredShutdown(join(world.runDir, 'v1'), server.port, [await identityOf(server.pid)]), undefined);
    } finally {
      await server.stop();
    }
  });
});
