import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { isGroupAlive } from '../../../../src/guard/process/serverProcess.ts';
import { until } from '../../../until.ts';
import { recordOf, restart, tokenOf } from './control.ts';
import { call, HttpWorld, health, type Program, v1Program } from './httpWorld.ts';
import { RawClient } from './rawClient.ts';

const rounds = process.env.TEST_LONG === '1' ? 10 : 1;

describe('guard --http: the server that it starts', function () {
  this.timeout(process.env.TEST_LONG === '1' ? 600_000 : 120_000);
  let world: HttpWorld;
  let v1: string;

  beforeEach(async () => {
    v1 = await v1Program();
    world = new HttpWorld();
  });

  afterEach(async () => {
    await world.clean();
  });

  /** A guard with a server of its own. */
  const serve = (options: readonly string[] = [], ...more: readonly string[]): Promise<Program & { readonly origin: string }> =>
    world.guard([
      '--listen',
      '0',
      '--grace',
      '5',
      ...options,
      '--',
      process.execPath,
      v1,
      '{port}',
      world.executedFile,
      'example',
      ...more,
    ]);

  const serverPid = async (origin: string, unlike?: number): Promise<number> => {
    let pid: number | null = null;
    await until(
      'the server runs',
      async () => {
        const { upstream } = await health(origin);
        pid = upstream.status === 'up' && upstream.pid !== unlike ? upstream.pid : null;
        return pid !== null;
      },
      60_000,
    );
    return pid ?? 0;
  };

  /** `count` workers that call one after the other until they are stopped. @returns ends them, with what went wrong */
  function traffic(clients: readonly RawClient[], each: number): { readonly done: () => number; stop(): Promise<string[]> } {
    const wrong: string[] = [];
    let going = true;
    let begun = 0;
    let done = 0;
    const workers = clients.flatMap((client) =>
      Array.from({ length: each }, async () => {
        while (going) {
          begun += 1;
          const key = `traffic-${begun}`;
          const { text } = await client.tool(key);
          done += 1;
          if (!text.includes(`counted ${key} `)) {
            wrong.push(`${key}: ${text}`);
          }
        }
      }),
    );
    return {
      done: () => done,
      async stop() {
        going = false;
        await Promise.all(workers);
        const lines = world.executed().filter((line) => line.startsWith('traffic-'));
        assert.equal(new Set(lines).size, lines.length, 'something was executed twice');
        assert.equal(lines.length, done);
        return wrong;
      },
    };
  }

  it('C13: a crashed server is started again on a port of its choice, and its clients go on', async () => {
    const { origin, pid: guard } = await serve();
    const client = await world.client(origin);
    const pid = await serverPid(origin);
    assert.equal(await call(client, 'count', { key: 'a' }), `counted a in ${pid}`);
    assert.equal(recordOf(world.runDir, guard)?.x?.ends, undefined);
    process.kill(pid, 'SIGKILL');
    const next = await serverPid(origin, pid);
    assert.equal(await call(client, 'count', { key: 'b' }), `counted b in ${next}`);
    assert.equal(world.timesExecuted('session'), 2);
    // A storm of restarts is judged by it.
    const ends = await until('the guard to record the end', () => recordOf(world.runDir, guard)?.x?.ends);
    const { last } = ends as { readonly last: readonly { readonly signal?: string }[] };
    assert.deepEqual([last.map(({ signal }) => signal), (ends as { readonly errors: unknown }).errors], [['SIGKILL'], []]);
  });

  it('the port can be passed in a variable', async () => {
    const script = `require('http').createServer((q, s) => s.end(process.env.SOME_PORT)).listen(process.env.SOME_PORT, '127.0.0.1')`;
    const { origin } = await world.guard(['--listen', '0', '--port-env', 'SOME_PORT', '--', process.execPath, '-e', script]);
    const response = await fetch(`${origin}/anything`);
    assert.equal(await response.text(), new URL((await health(origin)).upstream.url ?? '').port);
  });

  for (const overlap of [false, true]) {
    it(`a restart ${overlap ? 'with' : 'without'} overlap under 50 concurrent calls: no call fails, none is executed twice`, async () => {
      const { origin, pid } = await serve(overlap ? ['--overlap'] : []);
      const clients = await Promise.all(
        Array.from({ length: 5 }, async () => {
          const client = new RawClient(origin);
          await client.initialize();
          return client;
        }),
      );
      const running = traffic(clients, 10);
      let server = await serverPid(origin);
      for (let round = 0; round < rounds; round += 1) {
        const before = running.done();
        await until('calls are answered', () => running.done() > before + 100, 60_000);
        const answer = await restart(world.runDir, pid);
        assert.equal(answer.status, 'ok', JSON.stringify(answer));
        const next = await serverPid(origin, server);
        assert.ok(!isGroupAlive(server), 'the old server is gone');
        server = next;
      }
      const before = running.done();
      await until('calls are answered', () => running.done() > before + 100, 60_000);
      assert.deepEqual(await running.stop(), []);
      assert.equal(recordOf(world.runDir, pid)?.server?.pid, server);
    });
  }

  it('with overlap the new server crashes while the old one finishes a call: another one is started at once, and the call is finished', async () => {
    const { origin, pid: guard } = await serve(['--overlap']);
    const client = await world.client(origin);
    const old = await serverPid(origin);
    const file = join(world.runDir, 'go-on');
    const slow = call(client, 'wait', { key: 'slow', file });
    await until('the call is carried out', () => world.timesExecuted('slow') === 1);
    const asked = restart(world.runDir, guard);
    const second = await serverPid(origin, old);
    process.kill(second, 'SIGKILL');
    const third = await serverPid(origin, second);
    assert.notEqual(third, old);
    assert.equal(await call(client, 'count', { key: 'next' }), `counted next in ${third}`);
    writeFileSync(file, '');
    assert.equal(await slow, 'waited slow');
    assert.equal((await asked).status, 'ok');
    assert.equal(await serverPid(origin), third);
  });

  it('a server whose tools all say that they only read is overlapped without being told to, also when only the client asked for them', async () => {
    const program = `const { appendFileSync } = require('fs');
      const [, port, file, writes] = process.argv;
      const note = (what) => appendFileSync(file, what + '\\n');
      process.on('SIGTERM', () => { note('down'); process.exit(); });
      require('http').createServer((request, response) => {
        let body = '';
        request.on('data', (chunk) => { body += chunk; }).on('end', () => {
          const { id, method } = JSON.parse(body || '{}');
          const tools = [{ name: 'look', inputSchema: {}, annotations: { readOnlyHint: writes !== 'writes' } }];
          response.setHeader('content-type', 'application/json');
          response.end(JSON.stringify({ jsonrpc: '2.0', id, result: method === 'tools/list' ? { tools } : {} }));
        });
      }).listen(port, '127.0.0.1', () => note('up'));`;
    for (const [name, asks, more, expected] of [
      ['read', true, [], ['up', 'up', 'down']],
      ['unasked', false, [], ['up', 'down', 'up']],
      ['write', true, ['writes'], ['up', 'down', 'up']],
    ] as const) {
      const file = join(world.root, name);
      const { origin, pid } = await world.guard(['--listen', '0', '--', process.execPath, '-e', program, '{port}', file, ...more]);
      const client = new RawClient(origin);
      assert.equal((await client.request('ping')).status, 200);
      if (asks) {
        assert.ok((await client.request('tools/list')).text.includes('readOnlyHint'));
      }
      assert.equal((await restart(world.runDir, pid)).status, 'ok');
      const notes = () => readFileSync(file, 'utf8').split('\n').filter(Boolean);
      await until('the old one has ended', () => notes().length === 3);
      assert.deepEqual(notes(), expected, name);
    }
  });

  it('C15: with overlap a new server that does not start leaves the old one at work; without it calls wait for the next try', async () => {
    const flag = join(world.root, 'broken');
    const script = join(world.root, 'server.mjs');
    writeFileSync(
      script,
      `import { existsSync } from 'node:fs';\nif (existsSync(${JSON.stringify(flag)})) process.exit(3);\nawait import(${JSON.stringify(v1)});\n`,
    );
    const args = ['--', process.execPath, script, '{port}', world.executedFile];
    const kept = await world.guard(['--listen', '0', '--overlap', ...args]);
    const client = await world.client(kept.origin);
    const server = await serverPid(kept.origin);
    writeFileSync(flag, '');
    const answer = await restart(world.runDir, kept.pid);
    assert.ok(answer.status === 'refused' && /exit code 3/.test(answer.message), JSON.stringify(answer));
    assert.equal(await call(client, 'count', { key: 'kept' }), `counted kept in ${server}`);
    rmSync(flag);

    const stopping = await world.guard(['--listen', '0', '--wait', '60', ...args]);
    const other = await world.client(stopping.origin);
    writeFileSync(flag, '');
    assert.equal((await restart(world.runDir, stopping.pid)).status, 'refused');
    const { upstream } = await health(stopping.origin);
    assert.equal(upstream.status === 'up', false);
    assert.ok(upstream.lastFault?.includes('exit code 3'));
    const waiting = call(other, 'count', { key: 'waited' });
    rmSync(flag);
    assert.ok((await waiting).includes('counted waited'));
  });

  it('C15: a command that cannot be started is said, the guard stays up, and calls say that they were not executed', async () => {
    const { origin, said } = await world.guard(['--listen', '0', '--wait', '1', '--', '/no/such/program', '{port}']);
    const answer = await new RawClient(origin).tool('x');
    assert.equal(answer.json.error?.data?.executed, 'no');
    await until('the reason is told', () => /ENOENT/.test(said()));
  });

  it('C1: /health says who it is; what comes of the server stands beside it', async () => {
    const started = Date.now();
    const { origin, pid } = await serve();
    const server = await serverPid(origin);
    const page = await health(origin);
    assert.equal(page.status, 'ok');
    assert.equal(page.pid, pid);
    assert.equal(typeof page.version, 'string');
    assert.ok(Math.abs(Date.parse(page.started) - started) < 60_000);
    assert.ok(page.uptime >= 0 && page.uptime < 120);
    assert.deepEqual({ status: page.upstream.status, pid: page.upstream.pid }, { status: 'up', pid: server });
    assert.equal((await fetch(`${origin}/health`, { method: 'POST' })).status, 405);
    process.kill(server, 'SIGSTOP');
    assert.equal((await health(origin)).status, 'ok');
    process.kill(server, 'SIGCONT');
  });

  it('C8: the version of a script without a package is unknown, or what --server-version says of it', async () => {
    const guards = await Promise.all([serve(), serve(['--server-version', '1.2.3'])]);
    const versions = await Promise.all(guards.map(async ({ origin }) => [await serverPid(origin), (await health(origin)).version][1]));
    assert.deepEqual(versions, ['unknown', '1.2.3']);
  });

  it('C4: /shutdown answers first, lets the calls under way finish, ends the server and removes the record; asking twice is harmless', async () => {
    const { origin, pid, child } = await serve();
    const client = new RawClient(origin);
    await client.initialize();
    const server = await serverPid(origin);
    const headers = { authorization: `Bearer ${tokenOf(world.runDir, pid)}` };
    const file = join(world.root, 'go');
    const running = client.request('tools/call', { name: 'wait', arguments: { key: 'under way', file } });
    await until('it runs', () => world.timesExecuted('under way') === 1);
    for (const asked of ['first', 'second']) {
      const answer = await fetch(`${origin}/shutdown`, { method: 'POST', headers });
      assert.deepEqual([asked, answer.status, await answer.json()], [asked, 200, { status: 'shutting_down' }]);
    }
    assert.equal((await fetch(`${origin}/mcp`, { method: 'POST' })).status, 503);
    writeFileSync(file, '');
    assert.ok((await running).text.includes('waited under way'));
    await until('it ends', () => child.exitCode !== null, 30_000);
    assert.equal(child.exitCode, 0);
    assert.ok(!isGroupAlive(server));
    assert.equal(recordOf(world.runDir, pid), undefined);
    assert.deepEqual(readdirSync(join(world.runDir, 'v1/instances')), []);
  });

  it('C4: a server that ignores SIGTERM is killed after its time', async () => {
    const script = join(world.root, 'stubborn.mjs');
    writeFileSync(
      script,
      `await import(${JSON.stringify(v1)});\nprocess.removeAllListeners('SIGTERM');\nprocess.on('SIGTERM', () => {});\n`,
    );
    const guard = await world.guard(['--listen', '0', '--grace', '1', '--', process.execPath, script, '{port}', world.executedFile]);
    const server = await serverPid(guard.origin);
    guard.child.kill('SIGTERM');
    await until('it ends', () => guard.child.exitCode !== null, 30_000);
    assert.equal(guard.child.exitCode, 0);
    assert.ok(!isGroupAlive(server));
  });

  it('C5: /shutdown requires POST and the secret, and refuses pages of other sites', async () => {
    const { origin, pid } = await serve();
    const authorization = `Bearer ${tokenOf(world.runDir, pid)}`;
    const ask = (method: string, headers: Readonly<Record<string, string>>) =>
      fetch(`${origin}/shutdown`, { method, headers }).then(({ status }) => status);
    assert.equal(await ask('GET', { authorization }), 405);
    assert.equal(await ask('POST', {}), 401);
    assert.equal(await ask('POST', { authorization: `Bearer ${'0'.repeat(64)}` }), 401);
    assert.equal(await ask('POST', { authorization, origin: 'https://evil.example' }), 403);
    assert.equal((await health(origin)).status, 'ok');
  });

  it('C20: when the guard is killed its server is gone within its time, and locks and sessions are there for the next one', async () => {
    const guard = await serve(['--grace', '1', '--lock', 'name:http-test']);
    const client = new RawClient(guard.origin);
    await client.initialize();
    const server = await serverPid(guard.origin);
    guard.child.kill('SIGKILL');
    await until('the server is gone', () => !isGroupAlive(server), 30_000);
    const next = await serve(['--lock', 'name:http-test']);
    const again = new RawClient(next.origin);
    again.session = client.session;
    assert.equal((await again.tool('x')).status, 200);
  });

  it('B25: with --lock a second guard neither listens nor starts anything, and says who holds it', async () => {
    const first = await serve(['--lock', 'name:http-test']);
    const server = await serverPid(first.origin);
    const taken = new URL(first.origin).port;
    const second = await world.failingGuard([
      '--listen',
      taken,
      '--lock',
      'name:http-test',
      '--',
      process.execPath,
      v1,
      '{port}',
      world.executedFile,
    ]);
    assert.equal(second.child.exitCode, 75);
    // The lock is taken before the port, so the message is about the lock.
    assert.ok(
      ['http-test', ` by PID ${server} `].every((part) => second.said().includes(part)),
      second.said(),
    );
    assert.equal(world.executed().filter((line) => line.startsWith('listening')).length, 1);
    // Without a lock the message is about the port.
    const third = await world.failingGuard(['--listen', taken, '--upstream', 'http://127.0.0.1:9']);
    assert.equal(third.child.exitCode, 1);
    assert.ok(third.said().includes(`port ${taken} `), third.said());
  });

  it('C21: nothing is written to standard output', async () => {
    const guard = await serve();
    let text = '';
    guard.child.stdout?.on('data', (chunk: Buffer) => {
      text += chunk.toString();
    });
    await world.client(guard.origin);
    guard.child.kill('SIGTERM');
    await until('it ends', () => guard.child.exitCode !== null, 30_000);
    assert.equal(text, '');
  });

  it('C19: restarts leave no descriptor, process or session behind', async () => {
    const { origin, pid } = await serve();
    const client = new RawClient(origin);
    await client.initialize();
    const fds = () => readdirSync(`/proc/${pid}/fd`).length;
    await client.tool('a');
    await restart(world.runDir, pid);
    await client.tool('b');
    const before = fds();
    for (let count = 0; count < (process.env.TEST_LONG === '1' ? 100 : 1); count += 1) {
      assert.equal((await restart(world.runDir, pid)).status, 'ok');
      assert.equal((await client.tool(`c-${count}`)).status, 200);
    }
    await until('descriptors are given back', () => fds() <= before + 2);
    assert.equal((await health(origin)).sessions.open, 1);
    const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ');
    // The server and the watchdog.
    assert.equal(children.length, 2);
    assert.ok(existsSync(`/proc/${pid}`));
  });
});
