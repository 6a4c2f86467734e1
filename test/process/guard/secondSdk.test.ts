import assert from 'node:assert/strict';
import { cpSync } from 'node:fs';
import { join } from 'node:path';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import { until } from '../../until.ts';
import { makeProject } from '../package/npmServers.ts';
import { childrenOf, GuardHome, guardBundle, isRunning, strictServer, watchdogOf } from './guardedServer.ts';

/** So many calls, eight at a time. */
const burst = 4_000;

describe('guard: clients on the TypeScript SDKs over stdio', function () {
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

  /** Lets a client call while its server is replaced again and again. @returns what it says at the end */
  async function replacing(guard: number, burst: Promise<string>): Promise<string> {
    let over = false;
    const result = burst.finally(() => {
      over = true;
    });
    const servers = new Set<number>();
    const serverOf = (): number | undefined => childrenOf(guard).find((pid) => pid !== watchdogOf(guard) && !servers.has(pid));
    while (!over && servers.size < 4) {
      let server: number | undefined;
      await until('another server runs', () => {
        server = serverOf();
        return over || server !== undefined;
      });
      if (server !== undefined) {
        servers.add(server);
        const calls = home.calls().length;
        await until('calls are carried out', () => over || home.calls().length > calls + 20);
        process.kill(guard, 'SIGUSR2');
      }
    }
    const said = await result;
    assert.ok(servers.size >= 3, `${servers.size} servers were replaced while it called`);
    return said;
  }

  /** Each call was carried out, and none twice. */
  function carriedOutOnce(): void {
    const numbers = home
      .calls()
      .filter((line) => line.includes(' echo '))
      .map((line) => line.split(' ')[2]);
    assert.deepEqual([numbers.length, new Set(numbers).size], [burst, burst]);
  }

  for (const mode of ['legacy', 'auto'] as const) {
    it(`A27 A29 ${mode}: its probe sibling does not lock its session out, and restarts are not noticed, also in the middle of calls`, async () => {
      const command = [
        process.execPath,
        await guardBundle(),
        '--lock',
        'name:v2',
        '--',
        'python3',
        strictServer,
        `--log=${home.path('calls')}`,
      ];
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
        assert.ok(Number(now) > 0, now);
        return now !== old;
      });
      const { initialize } = JSON.parse(await call('state'));
      assert.equal(initialize, mode === 'legacy' ? 1 : 0);
      assert.equal(await replacing(guard, call(`burst ${burst}`)), `${burst} right`);
      carriedOutOnce();
      client.child.stdin?.end();
      await client.ended;
      assert.ok(!isRunning(guard) && !isRunning(Number(now)));
    });
  }

  it('A29 the SDK 1.x: restarts in the middle of calls are not noticed', async () => {
    const client = new Client({ name: 'v1', version: '1' });
    const transport = new StdioClientTransport({
      command: process.execPath,
      args: [await guardBundle(), '--run-dir', home.run, '--', 'python3', strictServer, `--log=${home.path('calls')}`],
      env: { HOME: home.root, PATH: process.env.PATH ?? '' },
      stderr: 'ignore',
    });
    await client.connect(transport);
    try {
      let next = 0;
      let right = 0;
      const worker = async (): Promise<void> => {
        for (let n = next++; n < burst; n = next++) {
          const { content } = await client.callTool({ name: 'echo', arguments: { text: `${n}`, n } });
          right += JSON.stringify(content) === JSON.stringify([{ type: 'text', text: `${n}` }]) ? 1 : 0;
        }
      };
      const all = Promise.all(Array.from({ length: 8 }, worker)).then(() => `${right} right`);
      assert.equal(await replacing(transport.pid ?? -1, all), `${burst} right`);
      carriedOutOnce();
    } finally {
      await client.close();
    }
  });
});
