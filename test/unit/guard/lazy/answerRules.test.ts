import assert from 'node:assert/strict';
import type { KeptAnswers } from '../../../../src/guard/lazy/answerFile.ts';
import { clientText, codeText, launchText, ordered } from '../../../../src/guard/lazy/answerKey.ts';
import {
  eagerByEvidence,
  handshakeDifference,
  isKept,
  requestText,
  usableAnswer,
  withAnswers,
  withDifference,
} from '../../../../src/guard/lazy/answerRules.ts';
import { sessionVariables } from '../../../../src/model/sessionVariables.ts';

const key = 'a'.repeat(64);
const empty: KeptAnswers = { schema: 1, sets: [], differences: [], asking: [], spared: 0 };
const tools = { tools: [{ name: 'read' }] };

describe('answers of a lazily started server', () => {
  it('obeys the lifetime of an answer of protocol 2026-07-28: what is left of it goes on, and without one the server is asked', () => {
    const kept = (ttlMs: unknown) => ({ request: 'tools/list {}', result: { ...tools, ttlMs, cacheScope: 'private' }, at: 1_000, same: 1 });
    assert.deepEqual(usableAnswer('tools/list', kept(5_000), true, 4_000), { ...tools, ttlMs: 2_000, cacheScope: 'private' });
    assert.equal(usableAnswer('tools/list', kept(5_000), true, 6_000), undefined);
    assert.equal(usableAnswer('tools/list', kept(undefined), true, 1_000), undefined);
    assert.deepEqual(usableAnswer('tools/list', { ...kept(0), result: tools }, false, 9e12), tools, 'earlier protocols have no lifetime');
    assert.deepEqual(
      [isKept('tools/list', { ttlMs: 0 }, true), isKept('tools/list', { ttlMs: 1 }, true), isKept('tools/list', tools, false)],
      [false, true, true],
    );
    assert.equal(isKept('tools/list', { ttlMs: 1, resultType: 'input_required' }, true), false);
  });

  it('resources are data: one start is not enough, and another answer begins anew', () => {
    const answer = (name: string) => ({ key, request: 'resources/list {}', result: { resources: [{ name }] }, at: 1 });
    const given = (...names: readonly string[]): unknown => {
      const kept = names.reduce((before, name) => withAnswers(before, [answer(name)], 2), empty);
      return usableAnswer('resources/list', kept.sets[0]?.answers[0], false, 3);
    };
    assert.equal(given('a'), undefined);
    assert.deepEqual(given('a', 'a'), { resources: [{ name: 'a' }] });
    assert.equal(given('a', 'a', 'b'), undefined);
  });

  it('pages are requests of their own; what a user names is not kept', () => {
    assert.notEqual(requestText('tools/list', { cursor: '2' }), requestText('tools/list', {}));
    assert.equal(requestText('tools/list', { _meta: { progressToken: 1 } }), requestText('tools/list', {}));
    assert.equal(requestText('resources/subscribe', { uri: 'file:///home/ada' }), 'resources/subscribe');
    assert.equal(isKept('resources/subscribe', { path: '/home/ada' }, false), false);
  });

  it('two differences of one key start its server with the session; another key is not affected', () => {
    const once = withDifference(withAnswers(empty, [{ key, request: 'tools/list {}', result: tools, at: 1 }], 1), key, 'tools/list', 2);
    assert.deepEqual(once.sets, []);
    assert.equal(eagerByEvidence(once, key), undefined);
    const twice = withDifference(once, key, 'tools/list', 3);
    assert.notEqual(eagerByEvidence(twice, key), undefined);
    assert.equal(eagerByEvidence(twice, 'b'.repeat(64)), undefined);
    assert.notEqual(eagerByEvidence({ ...empty, asking: [key] }, key), undefined);
  });

  it('a session cannot go on with another protocol version or other capabilities; instructions may differ', () => {
    const told = { protocolVersion: '2025-06-18', capabilities: { tools: {}, logging: {} }, instructions: 'a' };
    assert.equal(handshakeDifference(told, { ...told, capabilities: { logging: {}, tools: {} }, instructions: 'b' }), undefined);
    assert.match(handshakeDifference(told, { ...told, protocolVersion: '2025-03-26' }) ?? '', /version/);
    assert.match(handshakeDifference(told, { ...told, capabilities: { tools: {} } }) ?? '', /capabilities/);
    assert.match(handshakeDifference({ supportedVersions: ['a'] }, { supportedVersions: ['b'] }) ?? '', /version/);
  });
});

describe('the key of kept answers', () => {
  const command = { command: 'node', args: ['server.js'], cwd: '/work', env: { HOME: '/home/ada', TOKEN: 'x' } };

  it('every variable counts but those that a client or a terminal sets anew for each session', () => {
    for (const name of Object.values(sessionVariables).flat()) {
      assert.equal(launchText({ ...command, env: { ...command.env, [name]: '1' } }), launchText(command), name);
    }
    assert.notEqual(launchText({ ...command, env: { ...command.env, OTHER: '1' } }), launchText(command));
    assert.notEqual(launchText({ ...command, env: { ...command.env, TOKEN: 'y' } }), launchText(command));
    assert.equal(launchText({ ...command, env: { TOKEN: 'x', HOME: '/home/ada' } }), launchText(command), 'in any order');
    for (const other of [{ command: 'bun' }, { args: [] }, { cwd: '/other' }]) {
      assert.notEqual(launchText({ ...command, ...other }), launchText(command));
    }
  });

  it('what the client states of itself counts, without what belongs to one request', () => {
    const stated = { protocolVersion: '2025-06-18', capabilities: { roots: {} }, clientInfo: { name: 'c', version: '1' } };
    assert.equal(clientText('initialize', { ...stated, _meta: { progressToken: 1 } }), clientText('initialize', stated));
    assert.notEqual(clientText('initialize', { ...stated, capabilities: {} }), clientText('initialize', stated));
    const meta = { 'io.modelcontextprotocol/protocolVersion': '2026-07-28', 'io.modelcontextprotocol/clientCapabilities': {} };
    assert.equal(
      clientText('tools/list', { _meta: { ...meta, progressToken: 1, traceparent: 'x' } }),
      clientText('tools/list', { _meta: meta }),
    );
    assert.equal(clientText('tools/list', {}), undefined);
    assert.equal(ordered({ b: 1, a: [{ d: 1, c: 2 }] }), '{"a":[{"c":2,"d":1}],"b":1}');
  });

  it('code counts only where it is known, whole, installed and at rest', () => {
    const own = { ecosystem: 'npm', name: 'demo', version: '1.0.0', root: '/m/demo', content: 'code-1' } as const;
    const ref = { ecosystem: 'npm', entry: '/m/demo/index.js', environment: '/m', name: 'demo' } as const;
    const loaded = { status: 'ok', packages: [own], changedAt: 0, watch: [] } as const;
    const of = (changes: object, now = 10_000) => codeText({ ref, unknown: undefined, loaded, ...changes }, now);
    const withOwn = (changes: object) => of({ loaded: { ...loaded, packages: [{ ...own, ...changes }] } });
    assert.ok('code' in of({}));
    assert.notDeepEqual(withOwn({ content: 'code-2' }), of({}));
    assert.notDeepEqual(of({ loaded: { ...loaded, packages: [own, { ...own, name: 'zod', version: '4.0.0' }] } }), of({}));
    for (const unknown of [
      of({ ref: undefined, loaded: undefined, unknown: 'what npx starts is known only when it runs' }),
      of({ ref: { ...ref, editable: true } }),
      withOwn({ content: undefined }),
      withOwn({ name: 'mcp-remote' }),
      of({ loaded: { ...loaded, ownOnly: 'too many' } }),
      of({ loaded: { ...loaded, changedAt: 9_000 } }),
    ]) {
      assert.ok('unknown' in unknown, JSON.stringify(unknown));
    }
  });
});
