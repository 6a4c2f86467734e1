import assert from 'node:assert/strict';
import { until } from '../../../until.ts';
import { HttpWorld, health } from './httpWorld.ts';
import { RawClient } from './rawClient.ts';
import { json, refusals, sessionServer, WireServer } from './wireServer.ts';

describe('guard --http: sessions on the wire', () => {
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

  for (const [name, refusal] of Object.entries(refusals)) {
    it(`D3, D11: a stale call is recovered with exactly one initialize and initialized, then sent again (${name})`, async () => {
      memory = sessionServer({ refusal });
      server.answer = memory.answer;
      const client = new RawClient((await guard()).origin);
      await client.initialize();
      await client.request('logging/setLevel', { level: 'warning' });
      await client.request('resources/subscribe', { uri: 'file:///a' });
      await client.request('resources/subscribe', { uri: 'file:///b' });
      await client.request('resources/unsubscribe', { uri: 'file:///a' });
      memory.forget();
      server.seen.length = 0;
      const answer = await client.tool('x');
      assert.equal(answer.status, 200);
      assert.equal(answer.headers.get('mcp-session-id'), client.session);
      assert.deepEqual(
        server.seen.map(({ rpc }) => rpc?.method),
        ['tools/call', 'initialize', 'notifications/initialized', 'logging/setLevel', 'resources/subscribe', 'tools/call'],
      );
      const [, initialize, , level, subscribe] = server.seen;
      assert.deepEqual(initialize?.rpc?.params, {
        protocolVersion: '2025-06-18',
        capabilities: { sampling: {} },
        clientInfo: { name: 'raw', version: '7' },
      });
      assert.equal(initialize?.headers['mcp-session-id'], undefined);
      assert.deepEqual(level?.rpc?.params, { level: 'warning' });
      assert.deepEqual(subscribe?.rpc?.params, { uri: 'file:///b' });
      assert.equal(level?.headers['mcp-protocol-version'], '2025-06-18');
      assert.equal(memory.executed.filter((body) => body.includes('tools/call')).length, 1);
    });
  }

  it('D3: a stale initialize begins a new session', async () => {
    const client = new RawClient((await guard()).origin);
    await client.initialize();
    const { session } = client;
    memory.forget();
    const answer = await client.request('initialize', {
      protocolVersion: '2025-06-18',
      capabilities: {},
      clientInfo: { name: 'raw', version: '8' },
    });
    assert.equal(answer.status, 200);
    assert.notEqual(answer.headers.get('mcp-session-id'), session);
  });

  it('D4: 20 stale requests at once share one recovery', async () => {
    const client = new RawClient((await guard()).origin);
    await client.initialize();
    memory.forget();
    server.seen.length = 0;
    const answers = await Promise.all(Array.from({ length: 20 }, (_, index) => client.tool(`call-${index}`)));
    assert.deepEqual([...new Set(answers.map(({ status }) => status))], [200]);
    assert.equal(server.count('initialize'), 1);
    assert.equal(server.count('notifications/initialized'), 1);
    assert.equal(memory.executed.filter((body) => body.includes('tools/call')).length, 20);
  });

  it('D5: an id that was never issued is set up for the client that sends it; no id of it is garbage, and garbage costs nothing', async () => {
    const { origin } = await guard();
    const client = new RawClient(origin);
    client.session = 'from-another-life';
    const answer = await client.tool('x');
    assert.equal(answer.status, 200);
    assert.equal(answer.headers.get('mcp-session-id'), 'from-another-life');
    assert.equal((await client.tool('y')).status, 200);
    assert.equal(server.count('initialize'), 1);
    server.seen.length = 0;
    for (const garbage of ['x'.repeat(10_000), 'a b', 'caf\u00e9', '\u00ff\u00fe']) {
      client.session = garbage;
      const refused = await client.tool('z');
      assert.equal(refused.status, 400, garbage.slice(0, 20));
      assert.equal(refused.json.error?.code, -32_001);
    }
    assert.equal(server.seen.length, 0);
    assert.equal((await health(origin)).sessions.open, 1);
  });

  it('D4, D5: requests that come at once with an id that was never issued share one session', async () => {
    const { origin } = await guard();
    const client = new RawClient(origin);
    client.session = 'from-another-life';
    const early: (() => void)[] = [];
    server.answer = (seen, response, request) => {
      const answer = () => memory.answer(seen, response, request);
      if (seen.headers['mcp-session-id'] !== client.session) {
        answer();
      } else if (early.push(answer) === 10) {
        // Refuses none before all have arrived.
        for (const one of early) {
          one();
        }
      }
    };
    const answers = await Promise.all(Array.from({ length: 10 }, (_, index) => client.tool(`call-${index}`)));
    assert.deepEqual([...new Set(answers.map(({ status }) => status))], [200]);
    assert.equal(new Set(answers.map(({ json: { result } }) => result?.content?.[0]?.text)).size, 1);
    assert.equal(server.count('initialize'), 1);
    assert.equal((await health(origin)).sessions.open, 1);
  });

  it('D6: neither session nor initialize is the server’s to refuse, and is not recovered', async () => {
    const answer = await new RawClient((await guard()).origin).tool('x');
    assert.equal(answer.status, 400);
    assert.ok(answer.text.includes('Missing session ID'), 'the answer of the server');
    assert.equal(server.count('initialize'), 0);
  });

  it('D7: what the client ended stays ended, over a restart of server and guard too', async () => {
    const first = await guard();
    const client = new RawClient(first.origin);
    await client.initialize();
    assert.equal(await client.end(), 200);
    assert.equal((await client.tool('x')).status, 404);
    memory.forget();
    assert.equal((await client.tool('y')).status, 404);
    assert.equal(await client.end(), 404);
    first.child.kill('SIGKILL');
    const second = await guard();
    const again = new RawClient(second.origin);
    again.session = client.session;
    assert.equal((await again.tool('z')).status, 404);
    assert.equal(server.count('initialize'), 1);
  });

  it('D7: ending works while the server is away, and after it forgot', async () => {
    const { origin } = await guard();
    const client = new RawClient(origin);
    await client.initialize();
    memory.forget();
    assert.equal((await health(origin)).sessions.open, 1);
    assert.equal(await client.end(), 200);
    assert.equal((await health(origin)).sessions.open, 0);
    const other = new RawClient(origin);
    await other.initialize();
    await server.stop();
    assert.equal(await other.end(), 200);
    await server.start();
    assert.equal((await other.tool('x')).status, 404);
  });

  it('D7: what waits for the server when its client ends the session does not set it up again', async () => {
    const { origin } = await guard();
    const client = new RawClient(origin);
    await client.initialize();
    const listener = await client.listen();
    await server.stop();
    const waiting = client.tool('x');
    await until('the guard sees that the server is away', () => health(origin).then(({ upstream }) => upstream.status === 'down'));
    assert.equal(await client.end(), 200);
    memory.forget();
    await server.start();
    const answer = await waiting;
    assert.equal(answer.status, 404, answer.text);
    await until('the stream is closed', () => listener.ended !== 'no');
    assert.equal(server.count('initialize'), 1);
  });

  it('D8: in strict mode an unknown id gets the 404 of the specification, whatever the server says, and nothing is made', async () => {
    memory = sessionServer({ refusal: refusals['python <= 1.25'] });
    server.answer = memory.answer;
    const { origin } = await guard('--unknown-session', '404');
    const client = new RawClient(origin);
    client.session = 'from-another-life';
    const answer = await client.tool('x');
    assert.equal(answer.status, 404);
    assert.equal(answer.json.error?.code, -32_001);
    assert.equal((await client.listen()).status, 404);
    assert.equal(await client.end(), 404);
    assert.equal(server.count('initialize'), 0);
    assert.equal((await health(origin)).sessions.open, 0);
    // Sessions that it issued are still recovered.
    await client.initialize();
    memory.forget();
    assert.equal((await client.tool('y')).status, 200);
  });

  it('D9: 401 and 403 pass, with their headers, and are never recovered', async () => {
    const client = new RawClient((await guard()).origin);
    await client.initialize();
    for (const status of [401, 403]) {
      server.answer = (_, response) => json(response, status, { error: 'no' }, { 'www-authenticate': 'Bearer realm="x"' });
      const answer = await client.tool('x');
      assert.equal(answer.status, status);
      assert.equal(answer.headers.get('www-authenticate'), 'Bearer realm="x"');
    }
    assert.equal(server.count('initialize'), 1);
    // The same when it is the recovery that is refused.
    server.answer = (seen, response) =>
      seen.rpc?.method === 'initialize'
        ? json(response, 401, { error: 'token' }, { 'www-authenticate': 'Bearer' })
        : json(response, 404, { error: 'gone' });
    const answer = await client.tool('y');
    assert.equal(answer.status, 401);
    assert.equal(answer.headers.get('www-authenticate'), 'Bearer');
  });

  it('D10: a call whose connection is cut is never sent again; the error says that it may have run', async () => {
    const client = new RawClient((await guard()).origin);
    await client.initialize();
    server.answer = (seen, response) => {
      memory.executed.push(seen.body);
      response.destroy();
    };
    const answer = await client.tool('once');
    assert.equal(answer.status, 200);
    assert.equal(answer.json.error?.data?.executed, 'unknown');
    assert.equal(memory.executed.filter((body) => body.includes('once')).length, 1);
  });

  it('D10: a call waits for a server that accepts no connections, and then fails as not executed', async () => {
    const client = new RawClient((await guard('--wait', '1')).origin);
    await client.initialize();
    await server.stop();
    const refused = await client.tool('x');
    assert.equal(refused.json.error?.data?.executed, 'no');
    assert.equal((await client.notify('notifications/roots/list_changed')).status, 503);
  });

  it('D11, D12: other refusals are the client’s, and a second refusal too', async () => {
    const client = new RawClient((await guard()).origin);
    await client.initialize();
    server.answer = (_, response) =>
      json(response, 400, { jsonrpc: '2.0', id: 1, error: { code: -32602, message: 'Bad Request: no key' } });
    assert.equal((await client.tool('x')).status, 400);
    server.answer = (_, response) => json(response, 404, { jsonrpc: '2.0', id: 1, error: { code: -32601, message: 'Method not found' } });
    assert.equal((await client.tool('x')).status, 404);
    assert.equal(server.count('initialize'), 1);
    server.seen.length = 0;
    // A server that issues ids and knows none of them.
    server.answer = (seen, response) =>
      seen.rpc?.method === 'initialize'
        ? memory.answer(seen, response, undefined as never)
        : json(response, 404, { error: { message: 'Session not found, really' } });
    const answer = await client.tool('y');
    assert.equal(answer.status, 404);
    assert.ok(answer.text.includes('really'));
    assert.equal(server.count('initialize'), 1);
    assert.equal(server.count('tools/call'), 2);
    // And it is not given a session with every further request.
    assert.equal((await client.tool('z')).status, 404);
    assert.equal(server.count('initialize'), 1);
  });

  it('D21: a revision of the protocol that was not tested is logged once, and passes', async () => {
    memory = sessionServer({ protocolVersion: () => '2031-01-01' });
    server.answer = memory.answer;
    const { origin, said } = await guard();
    for (let count = 0; count < 2; count += 1) {
      const client = new RawClient(origin);
      await client.initialize();
      assert.equal((await client.tool('x')).status, 200);
    }
    assert.equal(said().split('not tested with protocol version "2031-01-01"').length, 2);
  });

  it('D7, D14: the id of a removed session goes to no other credential and stays ended; the same for sessions from before the guard', async () => {
    const { origin } = await guard('--max-sessions', '2');
    const early = new RawClient(server.origin);
    await early.initialize();
    const through = new RawClient(origin);
    through.session = early.session;
    assert.equal(await through.end(), 200);
    assert.equal((await through.tool('x')).status, 404);
    const owner = new RawClient(origin, { authorization: 'Bearer owner' });
    await owner.initialize();
    const ended = new RawClient(origin);
    await ended.initialize();
    assert.equal(await ended.end(), 200);
    for (let index = 0; index < 3; index += 1) {
      await new RawClient(origin).initialize();
    }
    const thief = new RawClient(origin, { authorization: 'Bearer thief' });
    thief.session = owner.session;
    assert.equal((await thief.tool('x')).status, 404);
    assert.equal((await owner.tool('x')).status, 200, 'its own client goes on');
    assert.equal((await ended.tool('x')).status, 404);
    assert.equal((await through.tool('x')).status, 404);
  });

  it('D13: sessions are bounded; the one that was idle longest goes, and an idle one goes by itself', async () => {
    const { origin } = await guard('--max-sessions', '5', '--session-idle', '3600');
    for (let index = 0; index < 12; index += 1) {
      const client = new RawClient(origin);
      client.session = `unknown-${index}`;
      assert.equal((await client.tool('x')).status, 200);
    }
    assert.equal((await health(origin)).sessions.open, 5);
    const { origin: quick } = await guard('--session-idle', '0');
    const client = new RawClient(quick);
    await client.initialize();
    await client.initialize();
    await until('the idle session is gone', async () => (await health(quick)).sessions.open <= 1);
  });

  it('D14: another credential cannot take a session over, before and after a restart of the guard; a renewed token of the same person can go on', async () => {
    const first = await guard();
    const owner = new RawClient(first.origin, { authorization: 'Bearer owner-secret-1' });
    await owner.initialize();
    const thief = new RawClient(first.origin, { authorization: 'Bearer thief-secret-2' });
    thief.session = owner.session;
    const anonymous = new RawClient(first.origin);
    anonymous.session = owner.session;
    server.seen.length = 0;
    for (const other of [thief, anonymous]) {
      const answer = await other.tool('x');
      assert.equal(answer.status, 404);
      assert.equal(await other.end(), 404);
    }
    assert.equal(server.seen.length, 0);
    assert.equal((await owner.tool('y')).status, 200);
    first.child.kill('SIGKILL');
    const second = await guard();
    const later = new RawClient(second.origin, { authorization: 'Bearer thief-secret-2' });
    later.session = owner.session;
    assert.equal((await later.tool('x')).status, 404);

    const token = (time: number) =>
      `Bearer e30.${Buffer.from(JSON.stringify({ iss: 'https://issuer', sub: 'me', exp: time })).toString('base64url')}.sig${time}`;
    const person = new RawClient(second.origin, { authorization: token(1) });
    await person.initialize();
    const renewed = new RawClient(second.origin, { authorization: token(2) });
    renewed.session = person.session;
    assert.equal((await renewed.tool('x')).status, 200);

    // A token without claims: the server refuses the old one, whatever it is sent with, then takes the new one.
    for (const refused of [
      (client: RawClient) => client.tool('x').then(({ status }) => status),
      (client: RawClient) => client.listen().then(({ status }) => status),
      (client: RawClient) => client.end(),
    ]) {
      const opaque = new RawClient(second.origin, { authorization: 'Bearer old-token-aaaa' });
      await opaque.initialize();
      const fresh = new RawClient(second.origin, { authorization: 'Bearer new-token-bbbb' });
      fresh.session = opaque.session;
      assert.equal((await fresh.tool('x')).status, 404);
      server.answer = (_, response) => json(response, 401, {});
      assert.equal(await refused(opaque), 401);
      server.answer = memory.answer;
      assert.equal((await fresh.tool('x')).status, 200);
      assert.equal((await opaque.tool('x')).status, 404);
    }
  });

  it('D16: the protocol version goes on; a server that speaks another one after an upgrade is said clearly, and no session is left behind', async () => {
    let version = '2025-06-18';
    memory = sessionServer({ protocolVersion: () => version });
    server.answer = memory.answer;
    const client = new RawClient((await guard()).origin);
    await client.initialize();
    await client.request('tools/call', { name: 'x' }, { 'mcp-protocol-version': '2025-06-18' });
    assert.equal(server.seen.at(-1)?.headers['mcp-protocol-version'], '2025-06-18');
    memory.forget();
    version = '2025-11-25';
    const answer = await client.tool('x');
    assert.equal(answer.status, 404);
    assert.ok(['2025-11-25', '2025-06-18'].every((one) => answer.json.error?.message.includes(one)));
    assert.equal(memory.known.size, 0);
    assert.equal(server.count('tools/call'), 2);
  });

  it('D18: to a server without sessions the guard adds nothing', async () => {
    server.answer = (seen, response) =>
      json(response, 200, {
        jsonrpc: '2.0',
        id: seen.rpc?.id,
        result: seen.rpc?.method === 'initialize' ? { protocolVersion: '2025-06-18', capabilities: {} } : { content: [] },
      });
    const { origin } = await guard();
    const client = new RawClient(origin);
    await client.initialize();
    assert.equal(client.session, undefined);
    await server.stop();
    await server.start();
    const answer = await client.tool('x');
    assert.equal(answer.status, 200);
    assert.equal(answer.headers.get('mcp-session-id'), null);
    assert.equal(server.count('initialize'), 1);
    assert.equal((await health(origin)).sessions.open, 0);
  });

  it('D19: one warning for each recovery, with a part of the id only', async () => {
    const one = await guard();
    const client = new RawClient(one.origin, { authorization: 'Bearer owner-secret-1' });
    await client.initialize();
    for (let round = 1; round <= 2; round += 1) {
      memory.forget();
      await Promise.all([client.tool('a'), client.tool('b'), client.tool('c')]);
      await until('the warning', () => one.said().split('was set up again').length === round + 1);
    }
    assert.ok(client.session);
    assert.ok(one.said().includes(`session ${client.session.slice(0, 5)}`));
    assert.ok(!one.said().includes(client.session));
    assert.ok(!one.said().includes('owner-secret'));
  });

  it('an id that a server gives twice does not mix two clients up', async () => {
    // Ids 1, 2, 3 …, from 1 again after a restart.
    let count = 0;
    const known = new Map<string, string>();
    server.answer = (seen, response) => {
      const id = String(seen.headers['mcp-session-id']);
      if (seen.rpc?.method === 'initialize') {
        count += 1;
        known.set(String(count), JSON.stringify(seen.rpc.params?.clientInfo));
        json(
          response,
          200,
          { jsonrpc: '2.0', id: seen.rpc.id, result: { protocolVersion: '2025-06-18', capabilities: {} } },
          { 'mcp-session-id': String(count) },
        );
      } else if (known.has(id)) {
        json(response, 200, { jsonrpc: '2.0', id: seen.rpc?.id, result: { content: [{ type: 'text', text: known.get(id) }] } });
      } else {
        json(response, 404, { error: { message: 'Session not found' } });
      }
    };
    const { origin } = await guard();
    const who = async (client: RawClient) => (await client.tool('x')).json.result?.content?.[0]?.text;
    const older = new RawClient(origin);
    const info = (name: string) => ({ protocolVersion: '2025-06-18', capabilities: {}, clientInfo: { name } });
    older.session = (await older.request('initialize', info('older'))).headers.get('mcp-session-id') ?? '';
    assert.equal(older.session, '1');
    known.clear();
    count = 0;
    const newer = new RawClient(origin);
    newer.session = (await newer.request('initialize', info('newer'))).headers.get('mcp-session-id') ?? '';
    assert.notEqual(newer.session, '1');
    assert.equal(await who(newer), '{"name":"newer"}');
    assert.equal(await who(older), '{"name":"older"}');
    assert.equal(await who(newer), '{"name":"newer"}');
  });
});
