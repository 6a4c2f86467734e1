import assert from 'node:assert/strict';
import { until } from '../../../until.ts';
import { HttpWorld } from './httpWorld.ts';
import { RawClient } from './rawClient.ts';
import { json, sessionServer, WireServer } from './wireServer.ts';

const issuer = 'https://issuer';
const claimsOf = (sub: string, exp: number) => Buffer.from(JSON.stringify({ iss: issuer, sub, exp })).toString('base64url');
/** A token that the server of these tests accepts. */
const signed = (sub: string, exp = 1) => `Bearer e30.${claimsOf(sub, exp)}.signed`;
/** The same claims without a signature: anybody can write it. */
const forged = (sub: string) => `Bearer e30.${claimsOf(sub, 9)}.`;

describe('guard --http: credentials of sessions', () => {
  let world: HttpWorld;
  let server: WireServer;
  let memory: ReturnType<typeof sessionServer>;
  /** Credentials that the server refuses beside unsigned tokens. */
  let expired: Set<string>;

  beforeEach(async () => {
    world = new HttpWorld();
    memory = sessionServer();
    expired = new Set();
    server = new WireServer((seen, response, request) => {
      const { authorization = '' } = seen.headers;
      const accepted = /\.signed$|^Bearer opaque-\w+$/.test(authorization) && !expired.has(authorization);
      accepted ? memory.answer(seen, response, request) : json(response, 401, {}, { 'www-authenticate': 'Bearer' });
    });
    await server.start();
  });

  afterEach(async () => {
    await world.clean();
    await server.stop();
  });

  const guard = () => world.guard(['--listen', '0', '--upstream', server.origin, '--on-stale', 'off']);
  const client = async (origin: string, authorization: string): Promise<RawClient> => {
    const made = new RawClient(origin, { authorization });
    assert.equal((await made.initialize()).status, 200);
    return made;
  };
  /** A client that knows the session id of another one. */
  const intruder = (origin: string, authorization: string, session: string | undefined): RawClient => {
    const made = new RawClient(origin, { authorization });
    made.session = session;
    return made;
  };

  it('D14: a forged web token with the issuer and subject of the client opens no renewal', async () => {
    const { origin } = await guard();
    const alice = await client(origin, signed('alice'));
    // The second one is no token: its text is what the guard hashes for a token of Alice.
    for (const lie of [forged('alice'), JSON.stringify([issuer, 'alice'])]) {
      const opener = intruder(origin, lie, alice.session);
      await opener.tool('x');
      await opener.listen();
      await opener.end();
      for (const own of [signed('mallory'), 'Bearer opaque-mallory']) {
        const mallory = intruder(origin, own, alice.session);
        assert.equal((await mallory.tool('x')).status, 404, lie);
        assert.equal((await mallory.listen()).status, 404);
        assert.equal(await mallory.end(), 404);
      }
      assert.equal((await alice.tool('y')).status, 200);
    }
    // A renewed token of Alice goes on: before and after the server refused the earlier one, and beside it.
    assert.equal((await intruder(origin, signed('alice', 2), alice.session).tool('z')).status, 200);
    expired.add(signed('alice')).add(signed('alice', 2));
    assert.equal((await alice.tool('z')).status, 401);
    const renewed = intruder(origin, signed('alice', 3), alice.session);
    assert.equal((await renewed.tool('z')).status, 200);
    assert.equal((await renewed.tool('z')).status, 200);
  });

  it('D14: a request of a revision without sessions does not use or end the session of another credential', async () => {
    const { origin } = await guard();
    const alice = await client(origin, 'Bearer opaque-alice');
    const modern = { 'content-type': 'application/json', 'mcp-protocol-version': '2026-07-28' };
    const headers = { ...modern, authorization: 'Bearer opaque-mallory', 'mcp-session-id': alice.session ?? '' };
    const before = memory.executed.length;
    const body = JSON.stringify({ jsonrpc: '2.0', id: 7, method: 'tools/list' });
    await fetch(`${origin}/mcp`, { method: 'POST', headers, body });
    await fetch(`${origin}/mcp`, { method: 'DELETE', headers });
    assert.equal(memory.executed.length, before);
    assert.equal((await alice.tool('x')).status, 200, 'the control: her session is there and works');
    assert.equal(memory.executed.length, before + 1);
  });

  it('D14: an opaque token that the server accepts again after a 401 ends the renewal', async () => {
    const { origin } = await guard();
    const owner = await client(origin, 'Bearer opaque-owner');
    expired.add('Bearer opaque-owner');
    assert.equal((await owner.tool('x')).status, 401);
    expired.clear();
    assert.equal((await owner.tool('x')).status, 200);
    const other = intruder(origin, 'Bearer opaque-other', owner.session);
    assert.equal((await other.tool('x')).status, 404);
    assert.equal((await owner.tool('x')).status, 200);
  });

  it('D14: of two credentials that try to renew a session at the same time, the first that the server accepts has it', async () => {
    const { origin } = await guard();
    const owner = await client(origin, 'Bearer opaque-owner');
    expired.add('Bearer opaque-owner');
    assert.equal((await owner.tool('x')).status, 401);
    const { answer } = server;
    let release = (): void => undefined;
    server.answer = (seen, response, request) => {
      if (seen.headers.authorization === 'Bearer opaque-slow') {
        release = () => answer(seen, response, request);
      } else {
        answer(seen, response, request);
      }
    };
    const slow = intruder(origin, 'Bearer opaque-slow', owner.session);
    const late = slow.tool('late');
    const renewed = intruder(origin, 'Bearer opaque-renewed', owner.session);
    await until('the slow call has arrived', () => server.seen.some(({ headers }) => headers.authorization === 'Bearer opaque-slow'));
    assert.equal((await renewed.tool('x')).status, 200);
    release();
    assert.equal((await late).status, 404);
    server.answer = answer;
    assert.equal((await renewed.tool('x')).status, 200);
    assert.equal((await slow.tool('x')).status, 404);
  });

  it('D14: an answer to a call from before the 401 does not end the renewal', async () => {
    const { origin } = await guard();
    const owner = await client(origin, 'Bearer opaque-owner');
    const { answer } = server;
    let release: (() => void) | undefined;
    server.answer = (seen, response, request) => {
      if (seen.body.includes('long')) {
        release = () => memory.answer(seen, response, request);
      } else {
        answer(seen, response, request);
      }
    };
    const long = owner.tool('long');
    const finish = await until('the long call has arrived', () => release);
    expired.add('Bearer opaque-owner');
    assert.equal((await owner.tool('x')).status, 401);
    finish();
    assert.equal((await long).status, 200);
    assert.equal((await intruder(origin, 'Bearer opaque-renewed', owner.session).tool('x')).status, 200);
  });

  it('D14: while a session is renewed, another credential cannot end it at a server that does not run', async () => {
    const { origin } = await guard();
    const owner = await client(origin, 'Bearer opaque-owner');
    expired.add('Bearer opaque-owner');
    assert.equal((await owner.tool('x')).status, 401);
    await server.stop();
    assert.notEqual(await intruder(origin, 'Bearer opaque-other', owner.session).end(), 200);
    await server.start();
    assert.equal((await intruder(origin, 'Bearer opaque-renewed', owner.session).tool('x')).status, 200);
  });
});
