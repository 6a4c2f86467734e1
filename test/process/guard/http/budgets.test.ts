import assert from 'node:assert/strict';
import { readdirSync, statSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { assertNames } from '../../../names.ts';
import { until } from '../../../until.ts';
import { HttpWorld } from './httpWorld.ts';
import { RawClient } from './rawClient.ts';
import { sessionServer, WireServer } from './wireServer.ts';

describe('guard --http: what clients can make it keep', function () {
  this.timeout(60_000);
  let world: HttpWorld;
  let server: WireServer;
  let memory: ReturnType<typeof sessionServer>;
  const sockets: Socket[] = [];

  beforeEach(async () => {
    world = new HttpWorld();
    memory = sessionServer();
    server = new WireServer(memory.answer);
    await server.start();
  });

  afterEach(async () => {
    for (const socket of sockets.splice(0)) {
      socket.destroy();
    }
    await world.clean();
    await server.stop();
  });

  const guard = (...more: readonly string[]) => world.guard(['--listen', '0', '--upstream', server.origin, '--on-stale', 'off', ...more]);

  async function begin(origin: string, params: Readonly<Record<string, unknown>>): Promise<RawClient> {
    const client = new RawClient(origin);
    client.session = (await client.request('initialize', params)).headers.get('mcp-session-id') ?? undefined;
    assert.ok(client.session);
    return client;
  }
  const params = { protocolVersion: '2025-06-18', capabilities: { sampling: {} }, clientInfo: { name: 'large', version: '1' } };

  it('of initialize it keeps version, capabilities and client, in memory and on disk', async () => {
    const { origin } = await guard();
    const client = await begin(origin, { ...params, _meta: { padding: 'x'.repeat(600_000) } });
    const folder = join(world.runDir, 'shepherd/sessions');
    // A file that is being written has another name first, which is gone the next moment.
    const sizes = (): number[] =>
      readdirSync(folder).flatMap((name) => statSync(join(folder, name), { throwIfNoEntry: false })?.size ?? []);
    await until('it is stored', () => sizes().length === 1);
    const bytes = sizes();
    assert.ok(bytes.length === 1 && bytes.every((size) => size < 40_000), String(bytes));
    memory.forget();
    server.seen.length = 0;
    assert.equal((await client.tool('x')).status, 200);
    assert.deepEqual(server.seen.find(({ rpc }) => rpc?.method === 'initialize')?.rpc?.params, params);
  });

  it('a session whose initialize is too large is not set up again, and guard and client are told; before and after a restart of the guard', async () => {
    const first = await guard();
    const client = await begin(first.origin, { ...params, clientInfo: { name: 'y'.repeat(20_000), version: '1' } });
    assert.equal((await client.tool('x')).status, 200);
    await until('it is said', () => first.said().includes('16 kB'));
    first.child.kill('SIGKILL');
    await until('it is gone', () => first.child.signalCode !== null);
    const second = await guard();
    const same = new RawClient(second.origin);
    same.session = client.session;
    assert.equal((await same.tool('x')).status, 200);
    memory.forget();
    server.seen.length = 0;
    const refused = await same.tool('x');
    assert.equal(refused.status, 404);
    assertNames(refused.json.error?.message, '16 kB');
    assert.equal(server.count('initialize'), 0);
  });

  it('bodies that it holds are bounded in total: a further large one is refused as not sent, small ones pass', async () => {
    const { origin } = await guard();
    const client = await begin(origin, params);
    const head = 'POST /mcp HTTP/1.1\r\nHost: localhost\r\nContent-Length: 4194304\r\n\r\n';
    const heard: string[] = [];
    const part = Buffer.alloc(4_100_000, 0x20);
    const count = 30;
    for (let index = 0; index < count; index += 1) {
      const socket = connect(Number(new URL(origin).port), '127.0.0.1');
      sockets.push(socket);
      socket.setEncoding('latin1').on('error', () => undefined);
      socket.on('data', (chunk: string) => heard.push(chunk));
      socket.write(head);
      socket.write(part);
    }
    await until('the last ones are refused', () => heard.length >= count - 12, 20_000);
    assert.ok(
      heard.every((text) => /^HTTP\/1\.1 503 [\s\S]*not executed/.test(text)),
      heard[0],
    );
    assert.equal((await client.tool('small')).status, 200);
    const large = { jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 'count', arguments: { key: 'x'.repeat(4_000_000) } } };
    assert.equal((await client.send(large)).status, 503);
    for (const socket of sockets.splice(0)) {
      socket.destroy();
    }
    await until('there is room again', async () => (await client.send(large)).status === 200);
  });

  it('one connection has at most 32 requests in flight: each would hold an answer and a connection to the server', async () => {
    const { origin } = await guard();
    server.answer = () => undefined;
    const body = '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{}}';
    const one = `POST /mcp HTTP/1.1\r\nHost: localhost\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
    const open = (): { readonly socket: Socket; readonly closed: () => boolean } => {
      let closed = false;
      const socket = connect(Number(new URL(origin).port), '127.0.0.1').on('error', () => undefined);
      sockets.push(socket.on('close', () => (closed = true)));
      return { socket, closed: () => closed };
    };
    const some = open();
    some.socket.write(one.repeat(32));
    await until('all reach the server', () => server.seen.length === 32);
    const many = open();
    many.socket.write(one.repeat(200));
    await until('it is closed', many.closed);
    assert.ok(server.seen.length <= 64, String(server.seen.length));
    assert.equal(some.closed(), false);
  });
});
