import assert from 'node:assert/strict';
import { AnswerReader, maxReadBytes, type RpcResult } from '../../../../../src/guard/http/transport/answerReader.ts';
import { steps } from './countedSteps.ts';

const json = { headers: { 'content-type': 'application/json' } };
const stream = { headers: { 'content-type': 'text/event-stream; charset=utf-8' } };

/** Result that is found in a body of chunks of this size. */
function read(response: { readonly headers: Record<string, string> }, body: string, size: number, id?: number): RpcResult | undefined {
  const found: RpcResult[] = [];
  const reader = new AnswerReader(response, (result) => found.push(result), id);
  const bytes = Buffer.from(body);
  for (let at = 0; at < bytes.length; at += size) {
    reader.push(bytes.subarray(at, at + size));
  }
  reader.end();
  reader.end();
  assert.ok(found.length <= 1);
  return found[0];
}

describe('AnswerReader', () => {
  const message = (id: number, text = 'grüße 😀'): string => JSON.stringify({ jsonrpc: '2.0', id, result: { text } });
  const note = JSON.stringify({ jsonrpc: '2.0', method: 'notifications/message', params: {} });

  for (const size of [1, 2, 3, 7, 10_000]) {
    it(`reads JSON and events in chunks of ${size}`, () => {
      assert.deepEqual(read(json, message(1), size, 1), { text: 'grüße 😀' });
      const events = `: hello\n\nid: 1\ndata: ${note}\n\nevent: message\r\ndata: ${message(7)}\r\n\r\ndata:${message(1, 'b')}\n\n`;
      assert.deepEqual(read(stream, events, size, 1), { text: 'b' });
      assert.deepEqual(read(stream, events, size), { text: 'grüße 😀' });
      assert.deepEqual(read(stream, `data: ${message(1, 'a').replace(',', ',\ndata: ')}\r\r: next\r\r`, size, 1), { text: 'a' });
    });
  }

  it('finds nothing in another answer, an error, a cut event and bad JSON', () => {
    assert.equal(read(json, message(2), 5, 1), undefined);
    assert.equal(read(json, '{"id":1,"error":{"code":1,"message":"no"}}', 5, 1), undefined);
    assert.equal(read(json, message(1).slice(0, -1), 5, 1), undefined);
    assert.equal(read(json, `[${message(1)}]`, 5, 1), undefined);
    assert.equal(read(stream, `data: ${message(1)}\n`, 5, 1), undefined);
    assert.equal(read(stream, message(1), 5, 1), undefined);
  });

  it('has the result of a JSON body of known length with its last byte, before the end is told', () => {
    const found: RpcResult[] = [];
    const bytes = Buffer.from(message(1));
    const reader = new AnswerReader({ headers: { ...json.headers, 'content-length': String(bytes.length) } }, (result) =>
      found.push(result),
    );
    reader.push(bytes.subarray(0, 10));
    assert.equal(found.length, 0);
    reader.push(bytes.subarray(10));
    assert.equal(found.length, 1);
  });

  it('does not read what is larger than its limit', () => {
    assert.equal(read(json, message(1, 'x'.repeat(maxReadBytes)), 65_536, 1), undefined);
    assert.equal(read(stream, `data: ${message(1, 'x'.repeat(maxReadBytes))}\n\n`, 65_536, 1), undefined);
    assert.equal(read(stream, `${`data: ${note}\n\n`.repeat(20_000)}data: ${message(1)}\n\n`, 65_536, 1), undefined);
  });

  it('an answer of many chunks costs linear work', async () => {
    const workOf = async (response: typeof json, body: (chunks: number) => string, chunks: number): Promise<number> => {
      const text = body(chunks);
      return (await steps(() => read(response, text, Math.ceil(text.length / chunks), 1))) / text.length;
    };
    const bodies = [
      [json, (chunks: number) => message(1, '}'.repeat(chunks * 100))],
      [stream, (chunks: number) => `data: ${message(1, 'x'.repeat(chunks * 100))}\n\n`],
      [stream, (chunks: number) => `${`data: ${note}\n\n`.repeat(chunks)}data: ${message(1)}\n\n`],
      [stream, (chunks: number) => `data: {"id":1,\n${`data: "a":"${'x'.repeat(100)}",\n`.repeat(chunks)}data: "result":{}}\n\n`],
    ] as const;
    for (const [response, body] of bodies) {
      for (const chunks of [100, 2_000]) {
        const work = await workOf(response, body, chunks);
        assert.ok(work <= 5, `${work} steps a byte in ${chunks} chunks`);
      }
    }
    // The control: a reader that joins everything at each chunk needs one step a byte for every chunk.
    const chunks = Array.from({ length: 100 }, () => Buffer.alloc(100, 0x20));
    const joined = await steps(() => void chunks.map((_, at) => Buffer.concat(chunks.slice(0, at + 1))));
    assert.ok(joined / 10_000 > 50);
  });
});
