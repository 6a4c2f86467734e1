import assert from 'node:assert/strict';
import { isSessionId, shortId } from '../../../../../src/guard/http/session/httpSession.ts';
import { isSessionRefusal } from '../../../../../src/guard/http/session/sessionExchange.ts';
import { isOnlyForTheOldServer, isStatelessEra, readClientMessage } from '../../../../../src/guard/http/transport/clientMessage.ts';
import { credentialHash, isRenewable } from '../../../../../src/guard/http/transport/credentialHash.ts';
import { endToEnd, flat } from '../../../../../src/guard/http/transport/headers.ts';
import { hostRefusal, isLoopback } from '../../../../../src/guard/options/allowedHosts.ts';

describe('isSessionRefusal', () => {
  const error = (code: number, message: string) => JSON.stringify({ jsonrpc: '2.0', id: null, error: { code, message } });
  for (const [status, body, expected] of [
    [404, error(-32001, 'Session not found'), true],
    [404, error(-32600, 'Session not found'), true],
    [404, 'Not Found', true],
    [404, error(-32601, 'Method not found'), false],
    [400, error(-32000, 'Bad Request: No valid session ID provided'), true],
    [400, error(-32000, 'Bad Request: Server not initialized'), true],
    [400, error(-32600, 'Invalid or expired session ID'), true],
    [400, 'Session expired', true],
    [400, error(-32000, 'Bad Request: Unsupported protocol version: 1'), false],
    [400, error(-32602, 'session not found in arguments'), false],
    [400, error(-32600, 'Invalid Request: Server already initialized'), false],
    [400, '', false],
    [401, error(-32001, 'Session not found'), false],
    [500, error(-32001, 'Session not found'), false],
    [200, error(-32001, 'Session not found'), false],
  ] as const) {
    it(`${status} ${body}: ${expected}`, () => assert.equal(isSessionRefusal(status, body), expected));
  }
});

describe('readClientMessage', () => {
  const read = (value: unknown) => readClientMessage(Buffer.from(JSON.stringify(value)));

  it('tells requests, answers and notifications', () => {
    assert.deepEqual(read({ id: 1, method: 'a', params: { x: 1 } }), {
      requestIds: [1],
      answerIds: [],
      methods: ['a'],
      toolCalls: [],
      single: { method: 'a', params: { x: 1 } },
    });
    assert.deepEqual(read({ id: 'r', result: {} }), { requestIds: [], answerIds: ['r'], methods: [], toolCalls: [], single: {} });
    assert.deepEqual(read([{ id: 1, method: 'a' }, { method: 'b' }]), {
      requestIds: [1],
      answerIds: [],
      methods: ['a', 'b'],
      toolCalls: [],
    });
    assert.equal(readClientMessage(Buffer.from('no')), undefined);
    assert.equal(read([]), undefined);
    assert.equal(read('x'), undefined);
  });

  it('knows the era by header and by what the request carries', () => {
    const meta = (version: string) =>
      read({ id: 1, method: 'tools/call', params: { _meta: { 'io.modelcontextprotocol/protocolVersion': version } } });
    assert.equal(isStatelessEra('2026-07-28', undefined), true);
    assert.equal(isStatelessEra('2025-11-25', undefined), false);
    assert.equal(isStatelessEra(undefined, meta('2026-07-28')), true);
    assert.equal(isStatelessEra(undefined, meta('2025-06-18')), false);
    assert.equal(isStatelessEra('2026-07-28', read({ id: 1, method: 'initialize' })), false);
    assert.equal(isStatelessEra('zzzz', undefined), false);
  });

  it('keeps from a new server what was meant for the old one', () => {
    const only = (value: unknown) => isOnlyForTheOldServer(read(value) ?? { requestIds: [], answerIds: [], methods: [], toolCalls: [] });
    assert.equal(only({ id: 3, result: {} }), true);
    assert.equal(only({ method: 'notifications/cancelled' }), true);
    assert.equal(only({ method: 'notifications/roots/list_changed' }), false);
    assert.equal(only({ id: 3, method: 'tools/call' }), false);
  });
});

describe('addresses', () => {
  it('knows what reaches this machine only', () => {
    for (const host of ['localhost', '127.0.0.1', '127.9.9.9', '::1', '[::1]', '::ffff:127.0.0.1']) {
      assert.equal(isLoopback(host), true, host);
    }
    for (const host of ['0.0.0.0', '192.168.1.1', 'localhost.evil', '127.0.0.1.evil', '1270.0.0.1', '']) {
      assert.equal(isLoopback(host), false, host);
    }
  });

  it('refuses what cannot be read', () => {
    const allowed = { hosts: [], origins: [] };
    for (const host of [undefined, '', 'localhost:port', 'user@localhost', 'localhost/path', '[::1', 'local host']) {
      assert.notEqual(hostRefusal(host, undefined, allowed), undefined, String(host));
    }
    assert.equal(hostRefusal('localhost:1', 'https://[::1]:5', allowed), undefined);
    assert.notEqual(hostRefusal('localhost:1', 'vscode-webview://x', allowed), undefined);
  });
});

describe('credentialHash', () => {
  it('differs by header and value, and is one for a person’s tokens', () => {
    const token = (claims: object) => `Bearer e30.${Buffer.from(JSON.stringify(claims)).toString('base64url')}.x`;
    const hash = (authorization: string) => credentialHash({ authorization });
    assert.notEqual(hash('Bearer a'), hash('Bearer b'));
    assert.notEqual(hash('x'), credentialHash({ 'x-api-key': 'x' }));
    assert.notEqual(hash('x'), credentialHash({}));
    assert.equal(hash(token({ iss: 'i', sub: 's', exp: 1 })), hash(token({ iss: 'i', sub: 's', exp: 2 })));
    assert.notEqual(hash(token({ iss: 'i', sub: 's' })), hash(token({ iss: 'i', sub: 't' })));
    assert.notEqual(hash(token({ sub: 's', exp: 1 })), hash(token({ sub: 's', exp: 2 })));
    assert.notEqual(hash(token({ iss: 'i', sub: 's' })), hash('["i","s"]'));
    assert.deepEqual(
      ['Bearer a', '["i","s"]', token({ sub: 's' }), token({ iss: 'i', sub: 's' })].map((authorization) => isRenewable({ authorization })),
      [true, true, true, false],
    );
    assert.equal(isRenewable({}), true);
    assert.equal(isRenewable({ authorization: token({ iss: 'i', sub: 's' }), 'x-api-key': 'k' }), false);
  });
});

describe('headers', () => {
  it('those of a connection stay with it', () => {
    const raw = [
      'Connection',
      'keep-alive, X-Hop',
      'X-Hop',
      '1',
      'Transfer-Encoding',
      'chunked',
      'Accept',
      'a',
      'accept',
      'b',
      'Host',
      'h',
    ];
    assert.deepEqual(flat(endToEnd(raw, 'keep-alive, X-Hop', ['host'])), ['Accept', 'a', 'accept', 'b']);
  });
});

describe('session ids', () => {
  it('are visible ASCII of a bounded length, and logs get a part', () => {
    assert.equal(isSessionId('a'.repeat(1_024)), true);
    for (const id of ['', 'a'.repeat(1_025), 'a b', 'ä', 'a\n', '\x7f']) {
      assert.equal(isSessionId(id), false, id);
    }
    assert.equal(shortId('0123456789abcdef0123456789abcdef'), '01234567…');
    assert.equal(shortId('abc'), 'a…');
  });
});
