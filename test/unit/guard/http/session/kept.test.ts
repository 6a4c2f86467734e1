import assert from 'node:assert/strict';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { PassThrough } from 'node:stream';
import { BodyPace } from '../../../../../src/guard/http/clientConnections.ts';
import { keptInitialize, newSession, sizeOf, subscribe } from '../../../../../src/guard/http/session/httpSession.ts';
import { SessionTable } from '../../../../../src/guard/http/session/sessionTable.ts';
import { BodyBudget, ByteCollector, readRequestBody } from '../../../../../src/guard/http/transport/bodies.ts';
import { readClientMessage } from '../../../../../src/guard/http/transport/clientMessage.ts';

describe('what the HTTP guard keeps of sessions', () => {
  const session = () => newSession('id', 'id', 'me', '/mcp', 0);

  it('of initialize three parameters, up to 16 kB', () => {
    const known = { protocolVersion: '1', capabilities: { a: {} }, clientInfo: { name: 'n' } };
    assert.deepEqual(JSON.parse(keptInitialize({ ...known, _meta: 'x'.repeat(100_000), more: 1 }) ?? ''), known);
    assert.equal(keptInitialize({ ...known, capabilities: { a: 'ä'.repeat(8_200) } }), undefined);
    assert.equal(keptInitialize({}), '{}');
  });

  it('subscriptions up to 64 kB', () => {
    const one = session();
    let count = 0;
    while (count < 1_000 && subscribe(one, `${count}:${'u'.repeat(1_000)}`)) {
      count += 1;
    }
    assert.ok(count > 50 && count < 70, String(count));
    assert.equal(subscribe(one, one.setup.subscriptions[0] ?? ''), true);
    assert.equal(one.setup.subscriptions.length, count);
    assert.equal(subscribe(session(), 'u'.repeat(4_097)), false);
    assert.ok(sizeOf(one) < 200_000);
  });

  it('32 MB in total: the session that was idle longest goes first', () => {
    const forgotten: string[] = [];
    const store = { load: () => undefined, save() {}, forget: (id: string) => forgotten.push(id), prune() {} };
    const table = new SessionTable(store, { max: 100_000, idleMs: 60_000 });
    const large = keptInitialize({ clientInfo: 'x'.repeat(16_000) });
    assert.ok(large);
    for (let index = 0; index < 3_000; index += 1) {
      const begun = table.begin(`s${index}`, 'me', '/mcp');
      begun.setup.initialize = large;
      table.keep(begun);
      assert.ok(table.bytes <= 33_554_432);
    }
    assert.ok(table.open > 900 && table.open < 1_100, String(table.open));
    assert.equal(forgotten[0], 's0');
    assert.equal(forgotten.length, 3_000 - table.open);
    assert.equal(table.admit('s2999', 'me').kind, 'known');
    const before = table.bytes;
    table.keep(table.begin('last', 'me', '/mcp'));
    assert.ok(Math.abs(table.bytes - before) < 40_000);
  });
});

describe('readClientMessage of a large message', () => {
  const read = (params: unknown) => readClientMessage(Buffer.from(JSON.stringify({ id: 1, method: 'tools/call', params })));
  const key = 'io.modelcontextprotocol/protocolVersion';

  it('keeps what the guard reads of its parameters', () => {
    const kept = read({ name: 'n', task: { a: 1 }, cursor: 'c'.repeat(9), _meta: { [key]: '2026-07-28' }, arguments: 'x'.repeat(20_000) });
    assert.deepEqual(kept?.single?.params, { name: 'n', task: {}, cursor: '', _meta: { [key]: '2026-07-28' } });
    assert.deepEqual(kept?.toolCalls, [{ id: 1, params: kept?.single?.params }]);
    assert.equal(kept?.single?.dropped, undefined);
    const meta = read({ _meta: { [key]: '2026-07-28', more: 'x'.repeat(20_000) } });
    assert.deepEqual(meta?.single?.params, { _meta: { [key]: '2026-07-28' } });
    assert.deepEqual(read({ clientInfo: 'x'.repeat(20_000) })?.single, { method: 'tools/call', params: {}, dropped: true });
    assert.deepEqual(read('x'.repeat(20_000))?.single, { method: 'tools/call' });
  });
});

describe('BodyBudget', () => {
  it('bounds all bodies, and leaves room for small ones', () => {
    const budget = new BodyBudget();
    let large = 0;
    while (budget.take(1_000_000, 4_000_000)) {
      large += 1;
    }
    assert.equal(large, 50);
    let small = 0;
    while (budget.take(60_000, 60_000)) {
      small += 1;
    }
    assert.ok(small > 200 && budget.held <= 67_108_864, String(budget.held));
    budget.give(1_000_000);
    assert.equal(budget.take(60_000, 60_000), true);
  });

  it('gets back what a request took when its connection is done, however it ends', async () => {
    const budget = new BodyBudget();
    const begin = () => {
      const request = Object.assign(new PassThrough(), { complete: true });
      const response = Object.assign(new PassThrough(), {});
      const body = readRequestBody(request as unknown as IncomingMessage, response as unknown as ServerResponse, budget, 1_000);
      return { request, response, body };
    };
    const whole = begin();
    whole.request.end('x'.repeat(500));
    assert.equal(((await whole.body) as { bytes: Buffer }).bytes.length, 500);
    const larger = begin();
    larger.request.write('x'.repeat(2_000));
    assert.equal(((await larger.body) as { bytes: Buffer }).bytes.length, 2_000);
    const broken = begin();
    broken.request.write('x'.repeat(100));
    setImmediate(() => broken.request.destroy());
    assert.equal(await broken.body, 'broken');
    assert.equal(budget.held, 2_600);
    budget.take(50_331_648 - 2_600, 100_000);
    const full = begin();
    full.request.write(Buffer.alloc(70_000));
    assert.equal(await full.body, 'full');
    for (const { response } of [whole, larger, broken, full]) {
      response.destroy();
    }
    await new Promise((resolve) => setImmediate(resolve));
    assert.equal(budget.held, 50_331_648 - 2_600);
  });
});

describe('ByteCollector', () => {
  it('holds few buffers, whatever the size of the chunks', () => {
    const collector = new ByteCollector();
    const text = 'grüße 😀'.repeat(50);
    for (const byte of Buffer.from(text)) {
      collector.push(Buffer.of(byte));
    }
    assert.equal(collector.bytes.toString('utf8'), text);
    assert.equal(collector.size, Buffer.byteLength(text));
    assert.ok(collector.bytes.buffer.byteLength <= 2 * collector.size);
    assert.equal(new ByteCollector().bytes.length, 0);
  });

  it('does not write into a chunk that it was given', () => {
    const pool = Buffer.from('abcdef');
    const collector = new ByteCollector();
    collector.push(pool.subarray(0, 2));
    collector.push(Buffer.from('xy'));
    assert.equal(pool.toString(), 'abcdef');
    assert.equal(collector.bytes.toString(), 'abxy');
  });
});

describe('BodyPace', () => {
  /** Seconds until a body with these bytes in each second is too slow; the last entry repeats. */
  const cutAfter = (limitMs: number, ...bytes: readonly number[]): number | undefined => {
    const pace = new BodyPace(limitMs);
    let sum = 0;
    for (let second = 1; second <= 3_000; second += 1) {
      sum += bytes[second - 1] ?? bytes.at(-1) ?? 0;
      if (pace.isTooSlow(1_000, sum)) {
        return second;
      }
    }
    return undefined;
  };

  it('counts the last ten seconds: what came before earns no time', () => {
    assert.equal(cutAfter(30_000, 4_000_000, 0), 30);
    assert.equal(cutAfter(30_000, ...Array.from({ length: 60 }, () => 60_000), 0), 70);
    assert.equal(cutAfter(1_000, 4_000_000, 0), 11);
  });

  it('leaves every body its time, and a steady one all it needs', () => {
    assert.equal(cutAfter(30_000, 0), 30);
    assert.equal(cutAfter(30_000, 1_000), 30);
    assert.equal(cutAfter(30_000, 1_024), undefined);
    assert.equal(cutAfter(30_000, ...Array.from({ length: 2_990 }, (_, second) => (second % 9 === 0 ? 12_000 : 0)), 12_000), undefined);
  });
});
