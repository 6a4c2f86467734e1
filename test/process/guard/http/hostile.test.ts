import assert from 'node:assert/strict';
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { request as httpRequest } from 'node:http';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { until } from '../../../until.ts';
import { call, freePort, HttpWorld, health } from './httpWorld.ts';
import { RawClient } from './rawClient.ts';
import { json, sessionServer, WireServer } from './wireServer.ts';

describe('guard --http: hostile and broken peers', function () {
  this.timeout(process.env.TEST_LONG === '1' ? 300_000 : 60_000);
  let world: HttpWorld;
  let server: WireServer;
  let memory: ReturnType<typeof sessionServer>;

  beforeEach(async () => {
    world = new HttpWorld();
    memory = sessionServer();
    server = new WireServer(memory.answer);
    await server.start();
  });

  afterEach(async () => {
    await world.clean();
    await server.stop();
  });

  const guard = (...more: readonly string[]) => world.guard(['--listen', '0', '--upstream', server.origin, ...more]);
  const descriptors = (pid: number) => readdirSync(`/proc/${pid}/fd`).length;

  /** Bytes as they are. */
  function speak(origin: string, text: string): { readonly socket: Socket; readonly heard: () => string; readonly closed: () => boolean } {
    let heard = '';
    let closed = false;
    const socket = connect(Number(new URL(origin).port), '127.0.0.1');
    socket.setEncoding('latin1').on('data', (chunk: string) => {
      heard += chunk;
    });
    socket
      .on('error', () => undefined)
      .on('close', () => {
        closed = true;
      });
    socket.write(text, 'latin1');
    return { socket, heard: () => heard, closed: () => closed };
  }

  function status(origin: string, headers: Readonly<Record<string, string>>): Promise<number | undefined> {
    return new Promise((resolve, reject) => {
      httpRequest(`${origin}/health`, { headers }, (response) => {
        response.resume();
        resolve(response.statusCode);
      })
        .on('error', reject)
        .end();
    });
  }

  it('a page whose name was made to point here gets nothing: neither its Host nor its Origin is allowed', async () => {
    const { origin } = await guard('--allow-host', 'box.example', '--allow-origin', 'https://app.example');
    const { host } = new URL(origin);
    for (const [headers, expected] of [
      [{ host }, 200],
      [{ host: 'localhost' }, 200],
      [{ host: '[::1]:80' }, 200],
      [{ host: 'box.example:1234' }, 200],
      [{ host: 'evil.example' }, 403],
      [{ host: '127.0.0.1.evil.example' }, 403],
      [{ host: 'localhost.evil.example' }, 403],
      [{ host, origin: 'http://localhost:6274' }, 200],
      [{ host, origin: 'https://app.example' }, 200],
      [{ host, origin: 'https://evil.example' }, 403],
      [{ host, origin: 'http://127.0.0.1.evil.example' }, 403],
      [{ host, origin: 'null' }, 403],
      [{ host, 'sec-fetch-site': 'cross-site' }, 403],
      [{ host, 'sec-fetch-site': 'cross-site', origin: 'https://app.example' }, 200],
      [{ host, 'sec-fetch-site': 'same-origin' }, 200],
    ] as const) {
      assert.equal(await status(origin, headers), expected, JSON.stringify(headers));
    }
    const nameless = speak(origin, 'GET /health HTTP/1.0\r\n\r\n');
    await until('it is refused', () => /^HTTP\/1\.1 403/.test(nameless.heard()));
    const twofold = speak(origin, 'GET /health HTTP/1.1\r\nHost: localhost\r\nhost: evil.example\r\nConnection: close\r\n\r\n');
    await until('two hosts are none', () => /^HTTP\/1\.1 400/.test(twofold.heard()));
    // The host in the target would override the header.
    const absolute = speak(origin, 'GET http://evil.example/mcp HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n');
    await until('it is refused too', () => /^HTTP\/1\.1 400/.test(absolute.heard()));
    assert.equal(server.seen.length, 0);
  });

  it('other machines are let in only by name', async () => {
    const refused = await world.failingGuard(['--listen', '0.0.0.0:0', '--upstream', server.origin]);
    assert.equal(refused.child.exitCode, 2);
    assert.ok(refused.said().includes('other machines'), refused.said());
  });

  it('a client that dribbles its head is cut off, half a body or half a connection leaves nothing behind', async () => {
    const { origin, pid } = await guard();
    const client = new RawClient(origin);
    await client.initialize();
    const before = descriptors(pid);
    // They send nothing, and do not close their halves when the guard has closed the others.
    const address = { port: Number(new URL(origin).port), host: '127.0.0.1', allowHalfOpen: true };
    const silent = Array.from({ length: 5 }, () => connect(address).resume());
    const loris = speak(origin, 'POST /mcp HTTP/1.1\r\nHost: localhost\r\nX-');
    const body = JSON.stringify({ jsonrpc: '2.0', id: 5, method: 'tools/call', params: {} });
    const head = `POST /mcp HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nAccept: application/json, text/event-stream\r\nMcp-Session-Id: ${client.session}\r\nContent-Length: ${body.length}\r\n\r\n`;
    server.seen.length = 0;
    const half = speak(origin, head + body.slice(0, 20));
    half.socket.end();
    await until('it is closed', half.closed);
    // A client that closes its half before the answer counts as disconnected, as for any server on Node: listening streams would outlive their clients otherwise.
    let dropped = 0;
    server.answer = (_seen, _response, request) => {
      request.socket.on('close', () => {
        dropped += 1;
      });
    };
    const closing = speak(origin, head + body);
    await until('it reached the server', () => server.count('tools/call') === 1);
    closing.socket.end();
    await until('the server learns of it', () => dropped === 1 && closing.closed());
    const garbage = speak(origin, '\x16\x03\x01 no http\r\n\r\n');
    await until('it is refused', () => /^HTTP\/1\.1 400/.test(garbage.heard()));
    await until('the slow one is cut off', loris.closed, 40_000);
    await until('descriptors are given back', () => descriptors(pid) <= before + 1);
    for (const socket of silent) {
      socket.destroy();
    }
  });

  it('1,000 idle sessions cost little and are all there after a restart of the guard', async () => {
    const count = process.env.TEST_LONG === '1' ? 1_000 : 100;
    const port = await freePort();
    const options = ['--listen', String(port), '--upstream', server.origin];
    const first = await world.guard(options);
    const client = new RawClient(first.origin);
    const sessions: string[] = [];
    for (let index = 0; index < count; index += 1) {
      await client.initialize();
      sessions.push(client.session ?? '');
      client.session = undefined;
    }
    assert.equal((await health(first.origin)).sessions.open, count);
    const memoryOf = (pid: number) => Number(/VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]);
    assert.ok(memoryOf(first.pid) < 250_000);
    first.child.kill('SIGKILL');
    await until('it is gone', () => first.child.signalCode !== null);
    memory.forget();
    await world.guard(options);
    for (const session of [sessions[0], sessions.at(-1)]) {
      client.session = session;
      const answer = await client.tool('x');
      assert.equal(answer.status, 200, answer.text);
      assert.equal(answer.headers.get('mcp-session-id'), session);
    }
  });

  it('what is kept of sessions is for this user only, and holds neither ids nor credentials nor what the client said', async () => {
    const { origin } = await guard();
    const client = new RawClient(origin, { authorization: 'Bearer very-secret-token' });
    await client.initialize();
    memory.forget();
    await client.tool('x');
    const folder = join(world.runDir, 'shepherd/sessions');
    const files = readdirSync(folder);
    assert.equal(files.length, 1);
    assert.equal(statSync(folder).mode & 0o777, 0o700);
    for (const file of files) {
      assert.equal(statSync(join(folder, file)).mode & 0o777, 0o600);
      const text = file + readFileSync(join(folder, file), 'utf8');
      for (const secret of ['very-secret-token', client.session ?? '', ...memory.known, 'sampling', 'raw']) {
        assert.ok(!text.includes(secret), secret);
      }
      // A damaged file counts as missing.
      writeFileSync(join(folder, file), '{"v":1,"sealed":"AAAA"}');
    }
  });

  it('clients of both SDKs’ kind go on when the guard itself is killed and started again', async () => {
    const port = await freePort();
    const real = await freePort();
    const running = await world.v1(real);
    const options = ['--listen', String(port), '--upstream', `http://127.0.0.1:${real}`];
    let proxy = await world.guard(options);
    const client = await world.client(proxy.origin);
    for (const round of [1, 2]) {
      proxy.child.kill('SIGKILL');
      await until('it is gone', () => proxy.child.signalCode !== null);
      proxy = await world.guard(options);
      assert.equal(await call(client, 'count', { key: `round ${round}` }), `counted round ${round} in ${running.pid}`);
    }
    // The server still runs, and so does its session.
    assert.equal(world.timesExecuted('session'), 1);
  });

  it('a server that hangs delays no other client, and a client that gives up leaves nothing behind', async () => {
    const { origin, pid } = await guard();
    const client = new RawClient(origin);
    await client.initialize();
    const before = descriptors(pid);
    let dropped = 0;
    server.answer = (seen, response, request) => {
      if (seen.body.includes('hang')) {
        request.socket.on('close', () => {
          dropped += 1;
        });
        return;
      }
      memory.answer(seen, response, request);
    };
    const end = new AbortController();
    const hanging = Array.from({ length: 20 }, () =>
      fetch(`${origin}/mcp`, {
        method: 'POST',
        signal: end.signal,
        headers: {
          'content-type': 'application/json',
          accept: 'application/json, text/event-stream',
          'mcp-session-id': client.session ?? '',
        },
        body: '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"hang"}}',
      }).catch(() => 'gave up'),
    );
    await until('they hang', () => server.seen.filter(({ body }) => body.includes('hang')).length === 20);
    assert.equal((await client.tool('quick')).status, 200);
    end.abort();
    assert.deepEqual(new Set(await Promise.all(hanging)), new Set(['gave up']));
    await until('the server learns of it', () => dropped === 20);
    await until('descriptors are given back', () => descriptors(pid) <= before + 2);
  });

  it('a server that is none (HTML, 500, nothing at all) is passed on as it is, and recovery says what it met', async () => {
    const { origin, said } = await guard();
    const client = new RawClient(origin);
    await client.initialize();
    const html = '<html><h1>Not found</h1></html>';
    server.answer = (_, response) => response.writeHead(404, { 'content-type': 'text/html' }).end(html);
    const answer = await client.tool('x');
    assert.deepEqual([answer.status, answer.headers.get('content-type'), answer.text], [404, 'text/html', html]);
    await until('it is told', () => said().includes('initialize') && said().includes('404'));
    server.answer = (_, response) => response.writeHead(200, { 'content-type': 'text/html' }).end(html);
    assert.equal((await client.tool('x')).text, html);
    server.answer = (_, response) => json(response, 500, { error: 'broken' });
    assert.equal((await client.tool('x')).status, 500);
    server.answer = (_, response) => response.destroy();
    assert.equal((await client.tool('x')).json.error?.data?.executed, 'unknown');
    // Half a body that is no event stream takes the connection with it, as it would without the guard.
    server.answer = (_, response) => {
      response.writeHead(200, { 'content-type': 'application/json', 'content-length': '100' }).write('{"jsonrpc":');
      setImmediate(() => response.destroy());
    };
    await assert.rejects(client.tool('x'));
    server.answer = memory.answer;
    assert.equal((await client.tool('y')).status, 200);
  });

  it('what the server answers arrives as it was: status, reason, headers that occur twice, trailing bytes', async () => {
    const { origin } = await guard();
    server.answer = (seen, response) => {
      response.writeHead(203, 'Odd', [
        ['Set-Cookie', 'a=1'],
        ['Set-Cookie', 'b=2'],
        ['X-Path', seen.path],
        ['X-Custom', String(seen.headers['x-custom'])],
        ['X-Host', String(seen.headers.host)],
      ] as never);
      response.end(seen.body);
    };
    const body = '{"odd":\u00a0"bytes", "n": 1.0}\n\n';
    const response = await fetch(`${origin}/some/path?q=1`, { method: 'PUT', headers: { 'x-custom': 'kept' }, body });
    assert.deepEqual([response.status, response.statusText, response.headers.getSetCookie()], [203, 'Odd', ['a=1', 'b=2']]);
    assert.equal(response.headers.get('x-path'), '/some/path?q=1');
    assert.equal(response.headers.get('x-custom'), 'kept');
    assert.equal(response.headers.get('x-host'), new URL(server.origin).host);
    assert.equal(await response.text(), body);
  });

  /** A server that answers every request with these bytes. @returns its origin */
  async function bytesServer(bytes: string, use: (origin: string) => Promise<void>): Promise<void> {
    const open = new Set<Socket>();
    const raw = createServer((socket) => {
      open.add(socket);
      socket.on('error', () => undefined).on('data', () => socket.write(bytes, 'latin1'));
    });
    await new Promise<void>((resolve) => raw.listen(0, '127.0.0.1', resolve));
    try {
      await use(`http://127.0.0.1:${(raw.address() as AddressInfo).port}`);
    } finally {
      raw.close();
      for (const socket of open) {
        socket.destroy();
      }
    }
  }

  it('a head that Node reads from a server and would not write does not end the guard; a switch of protocols and a status below 200 are errors', async () => {
    for (const [bytes, expected] of [
      ['HTTP/1.1 200 a\x01b\r\nContent-Length: 2\r\n\r\n{}', /^\{\}$/],
      [
        'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n',
        /switched to another protocol.*may have been executed/,
      ],
      ['HTTP/1.1 099 Odd\r\nContent-Length: 2\r\n\r\n{}', /answered with status 99.*may have been executed/],
    ] as const) {
      await bytesServer(bytes, async (upstream) => {
        const { origin, child } = await world.guard(['--listen', '0', '--upstream', upstream, '--on-stale', 'off']);
        for (const key of ['a', 'b']) {
          const { status, text } = await new RawClient(origin).tool(key);
          assert.deepEqual([status, expected.test(text)], [200, true], text);
        }
        assert.equal(child.exitCode, null);
        assert.equal((await health(origin)).status, 'ok');
      });
    }
  });

  it('a redirect to another path of the server leads through the guard, one to elsewhere stays', async () => {
    const { origin } = await guard();
    const location = async (to: string) => {
      server.answer = (_seen, response) => response.writeHead(307, { location: to }).end();
      return (await fetch(`${origin}/mcp`, { method: 'POST', body: '{}', redirect: 'manual' })).headers.get('location');
    };
    assert.equal(await location(`${server.origin}/mcp/?a=//b`), `${origin}/mcp/?a=//b`);
    for (const other of ['/mcp/', 'https://login.example/a', `${server.origin}0/mcp`, `${server.origin}.evil.example/mcp`]) {
      assert.equal(await location(other), other);
    }
  });

  it('what one client says of its body’s length never reaches into the request of another one', async () => {
    const { origin } = await guard('--on-stale', 'off');
    const hidden = 'GET /shutdown HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n';
    const chunked = `${hidden.length.toString(16)}\r\n${hidden}\r\n0\r\n\r\n`;
    for (const text of [
      `GET /a HTTP/1.1\r\nHost: localhost\r\nContent-Length: 40\r\n\r\n${'a'.repeat(40)}`,
      `DELETE /a HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n${chunked}`,
      `OPTIONS /a HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n${chunked}`,
      `DELETE /a HTTP/1.1\r\nHost: localhost\r\nConnection: content-length\r\nContent-Length: ${hidden.length}\r\n\r\n${hidden}`,
    ]) {
      server.seen.length = 0;
      server.answer = (_seen, response) => json(response, 200, {});
      const client = speak(origin, text);
      await until('it is answered', () => /^HTTP\/1\.1 200/.test(client.heard()));
      const next = await new RawClient(origin).tool('next');
      assert.equal(next.status, 200);
      assert.deepEqual(
        server.seen.map(({ method, path }) => `${method} ${path}`),
        [`${text.slice(0, text.indexOf(' '))} /a`, 'POST /mcp'],
        text,
      );
      client.socket.destroy();
    }
  });

  it('a body that dribbles is cut off, one that keeps coming is not; what cannot be read is no answer to the call before it', async () => {
    const { origin, pid } = await guard('--on-stale', 'off', '--body-timeout', '0.3');
    const before = descriptors(pid);
    const head = (length: number, more = '') => `POST /mcp HTTP/1.1\r\nHost: localhost\r\n${more}Content-Length: ${length}\r\n\r\n`;
    server.answer = (seen, response) => json(response, 200, { got: seen.body.length });
    // A body that the guard reads, one for a page of the guard, and one that would be streamed.
    const slow = [head(1_000), head(1_000).replace('/mcp', '/health'), head(5_000_000)].map((text) => speak(origin, text));
    const dribble = setInterval(() => {
      for (const { socket } of slow) {
        socket.write('x', () => undefined);
      }
    }, 50);
    const steady = speak(origin, head(40_000));
    const feed = setInterval(() => steady.socket.write('y'.repeat(4_000)), 100);
    await until('the steady one is answered', () => /"got":40000/.test(steady.heard()));
    clearInterval(feed);
    await until('the slow ones are cut off', () => slow.every(({ closed }) => closed()));
    clearInterval(dribble);
    const heard = slow[0]?.heard() ?? '';
    assert.ok(heard.startsWith('HTTP/1.1 408 ') && heard.includes('--body-timeout'), heard);
    steady.socket.destroy();
    await until('descriptors are given back', () => descriptors(pid) <= before + 1);

    const large = speak(origin, `GET /mcp HTTP/1.1\r\nHost: localhost\r\nX: ${'a'.repeat(20_000)}\r\n\r\n`);
    await until('it is too large', () => /^HTTP\/1\.1 431/.test(large.heard()));
    server.answer = () => undefined;
    const call = '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{}}';
    const both = speak(origin, `${head(call.length)}${call}no http\r\n\r\n`);
    await until('it is closed', both.closed);
    assert.equal(both.heard(), '');
  });
});
