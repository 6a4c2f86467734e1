import assert from 'node:assert/strict';
import { cpSync } from 'node:fs';
import { join } from 'node:path';
import { makeProject } from '../package/npmServers.ts';
import { GuardHome, guardBundle, isRunning, strictServer, until } from './guardedServer.ts';

describe('guard: the TypeScript SDK 2.x over stdio', function () {
  this.timeout(120_000);
  let home: GuardHome;
  beforeEach(async () => {
    home = new GuardHome();
    await makeProject(home.path('v2'), [
      '@modelcontextprotocol/server@2.4.0',
      '@modelcontextprotocol/client@2.4.0',
      '@modelcontextprotocol/node@2.1.2',
    ]);
    cpSync(join(import.meta.dirname, 'v2Stdio.mjs'), home.path('v2/v2Stdio.mjs'));
  });
  afterEach(() => home.clean());

  for (const mode of ['legacy', 'auto'] as const) {
    it(`A27 A29 ${mode}: its probe sibling does not lock its session out, and a restart is not noticed`, async () => {
      const command = [process.execPath, await guardBundle(), '--lock', 'name:v2', '--', 'python3', strictServer];
      const client = home.start(process.execPath, [home.path('v2/v2Stdio.mjs'), mode, ...command]);
      let read = 0;
      const next = async (): Promise<string> => {
        await until('it says more', () => client.lines.length > read || client.child.exitCode !== null, 60_000);
        const line = client.lines[read];
        read += 1;
        return line?.toString().trim() ?? assert.fail(client.stderr);
      };
      const call = (name: string): Promise<string> => {
        client.write(`${name}\n`);
        return next();
      };
      const guard = Number(/^connected (\d+)$/.exec(await next())?.[1]);
      const old = await call('pid');
      process.kill(guard, 'SIGUSR2');
      let now = old;
      await until('another server answers', async () => {
        now = await call('pid');
        assert.match(now, /^\d+$/);
        return now !== old;
      });
      const { initialize } = JSON.parse(await call('state'));
      assert.equal(initialize, mode === 'legacy' ? 1 : 0);
      client.child.stdin?.end();
      await client.ended;
      assert.ok(!isRunning(guard) && !isRunning(Number(now)));
    });
  }
});
