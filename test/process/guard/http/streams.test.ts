import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { request as httpRequest, type IncomingMessage, type ServerResponse } from 'node:http';
import { ToolListChangedNotificationSchema } from '@modelcontextprotocol/sdk/types.js';
import { until } from '../../../until.ts';
import { call, freePort, HttpWorld, kill } from './httpWorld.ts';
import { RawClient } from './rawClient.ts';
import { type Answering, json, sessionServer, WireServer } from './wireServer.ts';

describe('guard --http: event streams', () => {
  let world: HttpWorld;
  let server: WireServer;
  let memory: ReturnType<typeof sessionServer>;
  /** Open streams of GET, the newest last. */
  let streams: ServerResponse[];
  let usual: Answering;

  beforeEach(async () => {
    world = new HttpWorld();
    memory = sessionServer();
    streams = [];
    usual = (seen, response, request) => {
      memory.answer(seen, response, request);
      if (seen.method === 'GET' && response.headersSent && !response.writableEnded) {
        streams.push(response);
      }
    };
    server = new WireServer(usual);
    await server.start();
  });

  afterEach(async () => {
    await world.clean();
    await server.stop();
  });

  const guard = (...more: readonly string[]) => world.guard(['--listen', '0', '--upstream', server.origin, ...more]);
  /** Answers `tools/list` with these names, and other requests as before. */
  const listing =
    (names: readonly string[], stream = false): Answering =>
    (seen, response, request) => {
      const id = seen.headers['mcp-session-id'];
      if (seen.rpc?.method !== 'tools/list' || typeof id !== 'string' || !memory.known.has(id)) {
        usual(seen, response, request);
        return;
      }
      const message = {
        jsonrpc: '2.0',
        id: seen.rpc.id,
        result: { tools: names.map((name) => ({ name, inputSchema: { type: 'object' } })) },
      };
      if (stream) {
        response.writeHead(200, { 'content-type': 'text/event-stream' }).end(`event: message\ndata: ${JSON.stringify(message)}\n\n`);
      } else {
        json(response, 200, message);
      }
    };

  const gets = () => server.seen.filter(({ method }) => method === 'GET');

  it('D15, D22: a listening stream stays open over a restart, tells which lists have changed, and brings what the new server says', async () => {
    const client = new RawClient((await guard()).origin);
    await client.initialize();
    await client.request('tools/list');
    server.answer = listing(['other']);
    const listener = await client.listen();
    await until('the stream is there', () => streams.length === 1);
    streams[0]?.write('id: old-1\ndata: {"jsonrpc":"2.0","method":"notifications/message","params":{"data":"before"}}\n\n');
    await until('the event came', () => listener.text.includes('before'));
    memory.forget();
    await server.stop();
    await server.start();
    await until('the stream is there again', () => streams.length === 2);
    assert.equal(server.count('initialize'), 2);
    assert.equal(server.count('notifications/initialized'), 2);
    streams[1]?.write('id: new-1\ndata: {"jsonrpc":"2.0","method":"notifications/message","params":{"data":"after"}}\n\n');
    await until('the event of the new server came', () => listener.text.includes('after'));
    assert.ok(listener.text.includes('notifications/tools/list_changed'));
    assert.equal(listener.ended, 'no');
    // The new server does not know the ids of the earlier one.
    assert.equal(gets().at(-1)?.headers['last-event-id'], undefined);
    listener.stop();
    const again = await client.listen({ 'last-event-id': 'old-1' });
    assert.equal(gets().at(-1)?.headers['last-event-id'], undefined);
    again.stop();
    const later = await client.listen({ 'last-event-id': 'new-1' });
    assert.equal(gets().at(-1)?.headers['last-event-id'], 'new-1');
    later.stop();
  });

  for (const stream of [false, true]) {
    it(`D22: a list that is the same after a restart is not announced, one that differs is, over a restart of the guard too (${stream ? 'events' : 'JSON'})`, async () => {
      server.answer = listing(['one', 'two'], stream);
      const first = await guard();
      let client = new RawClient(first.origin);
      await client.initialize();
      await client.request('tools/list');
      let listener = await client.listen();
      await until('the stream is there', () => streams.length === 1);
      const restarted = async (what: string): Promise<void> => {
        const before = streams.length;
        memory.forget();
        await server.stop();
        await server.start();
        await until(`the stream is there again, ${what}`, () => streams.length === before + 1);
        streams.at(-1)?.write(`data: {"jsonrpc":"2.0","method":"notifications/message","params":{"data":"${what}"}}\n\n`);
        await until(`what the new server says came, ${what}`, () => listener.text.includes(what));
      };
      await restarted('same list');
      assert.ok(!listener.text.includes('list_changed'), listener.text);
      assert.equal(server.count('tools/list'), 2);
      listener.stop();
      await kill(first);

      const { session } = client;
      const second = await guard();
      client = new RawClient(second.origin);
      client.session = session;
      listener = await client.listen();
      await until('the stream is there', () => streams.length === 3);
      await restarted('same list, new guard');
      assert.ok(!listener.text.includes('list_changed'), listener.text);
      server.answer = listing(['one', 'three'], stream);
      await restarted('other list');
      assert.equal(listener.text.split('notifications/tools/list_changed').length, 2, 'once');
      listener.stop();
    });
  }

  it('D15: without a restart Last-Event-ID is the server’s business, and a connection that breaks is resumed with it', async () => {
    const client = new RawClient((await guard()).origin);
    await client.initialize();
    const listener = await client.listen({ 'last-event-id': 'from-the-client' });
    assert.equal(gets().at(-1)?.headers['last-event-id'], 'from-the-client');
    await until('the stream is there', () => streams.length === 1);
    streams[0]?.write('id: e7\ndata: {"jsonrpc":"2.0","method":"notifications/x"}\n\n');
    await until('the event came', () => listener.text.includes('e7'));
    streams[0]?.destroy();
    await until('the stream is there again', () => streams.length === 2);
    assert.equal(gets().at(-1)?.headers['last-event-id'], 'e7');
    assert.equal(server.count('initialize'), 1);
    streams[1]?.end();
    await until('the end came', () => listener.ended === 'ended');
  });

  for (const id of ['ereignis-日本', 'bell-\x07']) {
    it(`D15: an event id that no header can hold (${JSON.stringify(id)}) is not sent, and the stream goes on`, async () => {
      const { origin } = await guard();
      const client = new RawClient(origin);
      await client.initialize();
      const listener = await client.listen();
      await until('it is open', () => streams.length === 1);
      streams[0]?.write(`id: ${id}\nevent: message\ndata: {"jsonrpc":"2.0","method":"notifications/message"}\n\n`);
      await until('it came', () => listener.text.includes('notifications/message'));
      streams[0]?.destroy();
      await until('it is open again', () => streams.length === 2);
      assert.equal(gets().at(-1)?.headers['last-event-id'], undefined);
      streams[1]?.write('event: message\ndata: {"jsonrpc":"2.0","method":"notifications/later"}\n\n');
      await until('the next one came', () => listener.text.includes('notifications/later'));
      assert.equal(listener.ended, 'no');
      listener.stop();
    });

    it(`D10: an answer that breaks off after such an id (${JSON.stringify(id)}) is not asked for again`, async () => {
      const { origin } = await guard();
      const client = new RawClient(origin);
      await client.initialize();
      server.answer = (_seen, response) => {
        response.writeHead(200, { 'content-type': 'text/event-stream' });
        response.write(`id: ${id}\nevent: message\ndata: {"jsonrpc":"2.0","method":"notifications/message"}\n\n`);
        setTimeout(() => response.destroy(), 20);
      };
      const answer = await client.tool('x');
      assert.ok(answer.text.indexOf('notifications/message') < answer.text.indexOf('"executed":"unknown"'), answer.text);
      assert.ok(answer.text.includes('notifications/message'), answer.text);
      assert.equal(gets().length, 0);
    });
  }

  it('a protocol version that no header can hold does not fail the requests of its session', async () => {
    memory = sessionServer({ protocolVersion: () => '2025-06-18 日本' });
    const { origin } = await guard();
    const client = new RawClient(origin);
    await client.initialize();
    memory.forget();
    assert.equal((await client.tool('x')).status, 200);
  });

  it('an event that was cut in the middle is made harmless, and the next ones are read', async () => {
    const client = await world.client((await guard()).origin);
    const seen: unknown[] = [];
    client.setNotificationHandler(ToolListChangedNotificationSchema, (note) => {
      seen.push(note);
    });
    await until('the stream is there', () => streams.length === 1);
    streams[0]?.write('id: e1\nevent: message\ndata: {"jsonrpc":"2.0","method":"notifications/tools/list_ch');
    streams[0]?.destroy();
    await until('the stream is there again', () => streams.length === 2);
    streams[1]?.write('event: message\ndata: {"jsonrpc":"2.0","method":"notifications/tools/list_changed"}\n\n');
    await until('the event came', () => seen.length === 1);
    assert.deepEqual(client.errors, []);
  });

  it('a server that cuts every stream at once is asked less and less often', async () => {
    const client = new RawClient((await guard()).origin);
    await client.initialize();
    server.answer = (seen, response, request) => {
      memory.answer(seen, response, request);
      if (seen.method === 'GET') {
        setImmediate(() => response.destroy());
      }
    };
    const listener = await client.listen();
    const begin = performance.now();
    await until('it was asked some times', () => gets().length >= 6);
    // 20, 40, 80, 160, 320 ms between them.
    assert.ok(performance.now() - begin > 500);
    listener.stop();
  });

  it('a stream whose server does not come back is cut, so that the client notices', async () => {
    const client = new RawClient((await guard('--wait', '1')).origin);
    await client.initialize();
    const listener = await client.listen();
    await server.stop();
    await until('the stream is cut', () => listener.ended === 'cut');
  });

  it('D10: an answer that breaks off in its stream becomes an error at once, and is not asked for again', async () => {
    const client = new RawClient((await guard()).origin);
    await client.initialize();
    server.answer = (seen, response) => {
      memory.executed.push(seen.body);
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.write('data: {"jsonrpc":"2.0","method":"notifications/progress","params":{"progress":1}}\n\ndata: {"jsonrpc":"2.0","id":');
      setImmediate(() => response.destroy());
    };
    const answer = await client.tool('once');
    assert.ok(answer.text.includes('notifications/progress'));
    assert.ok(answer.text.includes('"id":2,"error":{"code":-31050,') && answer.text.includes('"executed":"unknown"'), answer.text);
    assert.ok(answer.text.includes('event: interrupted'));
    assert.equal(memory.executed.filter((body) => body.includes('once')).length, 1);
    // One that broke off after the answer has it.
    server.answer = (seen, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.write(`data: {"result":{"content":[]},"jsonrpc":"2.0","id":${seen.rpc?.id}}\n\n`);
      setImmediate(() => response.destroy());
    };
    const whole = await client.tool('twice');
    assert.equal(whole.text.split('"id":').length, 2);
    // When a server ends its stream without an answer, the client would wait too.
    server.answer = (_, response) => response.writeHead(200, { 'content-type': 'text/event-stream' }).end(': nothing\n\n');
    assert.ok((await client.tool('thrice')).text.includes('"executed":"unknown"'));
  });

  it('an answer that breaks off while its server lives on is resumed where it broke off', async () => {
    const client = new RawClient((await guard()).origin);
    await client.initialize();
    server.answer = (seen, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      if (seen.method === 'GET') {
        assert.equal(seen.headers['last-event-id'], 'p1');
        response.end('id: p2\ndata: {"jsonrpc":"2.0","id":2,"result":{"content":[{"type":"text","text":"resumed"}]}}\n\n');
        return;
      }
      response.write('id: p1\ndata: {"jsonrpc":"2.0","method":"notifications/x"}\n\n');
      setImmediate(() => response.destroy());
    };
    const answer = await client.tool('x');
    assert.ok(answer.text.includes('resumed'));
    assert.ok(!answer.text.includes('"executed"'), answer.text);
  });

  it('a client that asks for the rest of a stream of a server that is gone is told that it will not come', async () => {
    const client = new RawClient((await guard()).origin);
    await client.initialize();
    server.answer = (_, response) => response.writeHead(200, { 'content-type': 'text/event-stream' }).end('id: p1\nretry: 10\ndata:\n\n');
    assert.ok(!(await client.tool('x')).text.includes('error'));
    memory = sessionServer();
    server.answer = memory.answer;
    const listener = await client.listen({ 'last-event-id': 'p1' });
    await until('the error came', () => listener.ended === 'ended');
    assert.ok(listener.text.includes('"id":2,"error"'));
  });

  it('answers to requests of a server that is gone do not reach the new one', async () => {
    const client = new RawClient((await guard()).origin);
    await client.initialize();
    const listener = await client.listen();
    await until('the stream is there', () => streams.length === 1);
    streams[0]?.write('data: {"jsonrpc":"2.0","id":0,"method":"sampling/createMessage","params":{}}\n\n');
    await until('the request came', () => listener.text.includes('sampling'));
    memory.forget();
    assert.equal((await client.tool('x')).status, 200);
    server.seen.length = 0;
    assert.equal((await client.send({ jsonrpc: '2.0', id: 0, result: { role: 'assistant' } })).status, 202);
    assert.equal((await client.send({ jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: 1 } })).status, 202);
    assert.equal(server.seen.filter(({ body }) => body.includes('assistant')).length, 0);
    // Other messages in the batch are not lost.
    const beside = { jsonrpc: '2.0', id: 70, method: 'tools/call', params: { name: 'count', arguments: { key: 'beside' } } };
    await client.send([{ jsonrpc: '2.0', id: 0, result: { role: 'assistant' } }, beside]);
    assert.equal(server.seen.filter(({ body }) => body.includes('beside')).length, 1);
    listener.stop();
  });

  it('a call that is running when a real server is killed ends with an error; without the guard it never ends (control)', async () => {
    const port = await freePort();
    let real = await world.v1(port);
    const { origin } = await world.guard(['--listen', '0', '--upstream', `http://127.0.0.1:${port}`]);
    const guarded = await world.client(origin);
    const running = assert.rejects(call(guarded, 'slow', { key: 'guarded' }), /may have been executed/);
    await until('it runs', () => world.timesExecuted('guarded') === 1);
    await kill(real);
    await running;
    real = await world.v1(port);
    assert.ok((await call(guarded, 'count', { key: 'next' })).includes('counted next'));
    assert.equal(world.timesExecuted('guarded'), 1);

    // A server that ends before the answer begins is an error of its own.
    let begun = false;
    const direct = await world.client(`http://127.0.0.1:${port}`, {}, async (url, init) => {
      const response = await fetch(url, init);
      begun ||= typeof init?.body === 'string' && init.body.includes('"slow"');
      return response;
    });
    const silent = direct.callTool({ name: 'slow', arguments: { key: 'direct' } }, undefined, { timeout: 2_000 });
    const timedOut = assert.rejects(silent, /Request timed out/);
    await until('it runs', () => begun && world.timesExecuted('direct') === 1);
    await kill(real);
    await timedOut;
  });

  it('an answer of 10 MB of a real server passes whole', async () => {
    const port = await freePort();
    await world.v1(port);
    const client = new RawClient((await world.guard(['--listen', '0', '--upstream', `http://127.0.0.1:${port}`])).origin);
    await client.initialize();
    const answer = await client.request('tools/call', { name: 'big', arguments: { bytes: 10 * 1_048_576 } });
    assert.ok(answer.text.length > 10 * 1_048_576);
    assert.equal(answer.text.split('"id":').length, 2);
    // The SDK's own limit for a body is below 10 MB: its refusal passes, as any answer.
    assert.equal((await client.request('tools/call', { name: 'size', arguments: { text: 'y'.repeat(10 * 1_048_576) } })).status, 413);
  });

  it('one event of 250 MB passes while the memory stays flat, and no faster than the client reads', async () => {
    const { origin, pid } = await guard();
    const client = new RawClient(origin);
    await client.initialize();
    const piece = Buffer.alloc(65_536, 'x');
    const pieces = process.env.TEST_LONG === '1' ? 16_000 : 4_000;
    let written = 0;
    server.answer = (seen, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' }).write(`data: {"jsonrpc":"2.0","id":${seen.rpc?.id},"result":"`);
      const more = (): void => {
        while (written < pieces && !response.writableNeedDrain) {
          response.write(piece);
          written += 1;
        }
        if (written === pieces) {
          response.end('"}\n\n');
        }
      };
      response.on('drain', more);
      more();
    };
    const peak = () => Number(/VmHWM:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]);
    const before = peak();
    const request = httpRequest(`${origin}/mcp`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', accept: 'text/event-stream', 'mcp-session-id': client.session },
    }).end('{"jsonrpc":"2.0","id":77,"method":"tools/call","params":{"name":"x"}}');
    const [response]: IncomingMessage[] = await once(request, 'response');
    assert.ok(response);
    // The client does not read: the server can send only as much as the sockets on the way hold.
    // The delay is the subject: that it has to wait shows only in that nothing more is sent for a while.
    let last = -1;
    await until('the server has to wait', async () => {
      const still = last === written && written > 0;
      last = written;
      await new Promise((resolve) => setTimeout(resolve, 100));
      return still;
    });
    assert.ok(written < pieces / 4, `${written} of ${pieces} pieces were sent while the client did not read`);
    let size = 0;
    for await (const chunk of response) {
      size += chunk.length;
    }
    assert.ok(size > pieces * 65_536);
    assert.equal(written, pieces);
    const grown = peak() - before;
    assert.ok(grown < 150_000, `grew by ${grown} kB`);
    // Four times as much with the full counts.
  }).timeout(process.env.TEST_LONG === '1' ? 80_000 : 20_000);

  it('a request that is too large to be kept is streamed, and its session is set up again before', async () => {
    const client = new RawClient((await guard()).origin);
    await client.initialize();
    memory.forget();
    server.seen.length = 0;
    const answer = await client.tool('z'.repeat(6 * 1_048_576));
    assert.equal(answer.status, 200);
    assert.deepEqual(
      server.seen.map(({ rpc }) => rpc?.method),
      ['ping', 'initialize', 'notifications/initialized', 'tools/call'],
    );
    assert.equal(server.seen.at(-1)?.body.length, Number(server.seen.at(-1)?.headers['content-length']));
    server.answer = (seen, response) => json(response, 200, { jsonrpc: '2.0', id: seen.rpc?.id, result: {} });
  });
});
