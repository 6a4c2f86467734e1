import assert from 'node:assert/strict';
import { type IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { Duplex, Readable } from 'node:stream';
import { type BeginSessionParts, beginSession } from '../../../../../src/guard/http/session/beginSession.ts';
import type { Exchange, ExchangeOutcome } from '../../../../../src/guard/http/session/sessionExchange.ts';
import { SessionTable } from '../../../../../src/guard/http/session/sessionTable.ts';
import { ownRequest } from '../../../../../src/guard/http/transport/ownRequest.ts';
import type { Upstream, UpstreamRequest } from '../../../../../src/guard/http/transport/upstream.ts';
import { steps } from '../transport/countedSteps.ts';

type Answer = Extract<ExchangeOutcome, { status: 'answer' }>;

/** An answer of a server that arrives in chunks of 32 bytes. */
function dribbled(text: string, contentType: string): Answer {
  const bytes = Buffer.from(text);
  const chunks = Array.from({ length: Math.ceil(bytes.length / 32) }, (_, at) => bytes.subarray(at * 32, at * 32 + 32));
  const headers = { 'content-type': contentType, 'mcp-session-id': 'a' };
  const head = { statusCode: 200, headers, rawHeaders: Object.entries(headers).flat(), complete: true };
  const response = Object.assign(
    new Readable({
      read() {
        this.push(chunks.shift() ?? null);
      },
    }),
    head,
  ) as unknown as IncomingMessage;
  return {
    status: 'answer',
    response,
    request: { destroy() {} } as Answer['request'],
    lease: { target: { url: new URL('http://127.0.0.1:1') } as Answer['lease']['target'], end() {} },
  };
}

const result = (size: number) => ({
  protocolVersion: '2025-06-18',
  capabilities: { tools: { listChanged: true } },
  text: 'x'.repeat(size),
});
const bodies = {
  'application/json': (id: unknown, size: number) => JSON.stringify({ jsonrpc: '2.0', id, result: result(size) }),
  'text/event-stream': (id: unknown, size: number) =>
    `event: message\ndata: ${JSON.stringify({ jsonrpc: '2.0', id, result: result(size) })}\n\n`,
};

describe('an answer that dribbles', () => {
  const sizes = [10_000, 300_000];

  for (const [type, body] of Object.entries(bodies)) {
    it(`costs linear work when a session begins (${type})`, async () => {
      for (const size of sizes) {
        const sessions = new SessionTable({ load: () => undefined, save() {}, forget() {}, prune() {} }, { max: 9, idleMs: 60_000 });
        const spoken: string[] = [];
        const parts = {
          sessions,
          log: { debug() {}, info() {}, warn() {}, error() {} },
          exchange: { sendPlain: async () => dribbled(body(1, size), type) },
          server: 's',
          spoke: (version: string) => spoken.push(version),
          asked() {},
        } as unknown as BeginSessionParts;
        const exchange = { path: '/mcp', message: { requestIds: [1], single: { params: { protocolVersion: '2025-06-18' } } } };
        const client = new ServerResponse({ method: 'POST', httpVersionMajor: 1, httpVersionMinor: 1, headers: {} } as IncomingMessage);
        const sink = new Duplex({ read() {}, write: (_chunk, _encoding, done) => done() });
        client.assignSocket(sink.on('drain', () => client.emit('drain')) as unknown as Socket);
        const work = await steps(() => beginSession(parts, exchange as unknown as Exchange, 'me', client));
        assert.deepEqual(spoken, ['2025-06-18']);
        assert.ok(work / size <= 6, `${work / size} steps a byte of ${size}`);
      }
    });

    it(`costs linear work when the guard itself asked (${type})`, async () => {
      for (const size of sizes) {
        const upstream = {
          send: async ({ body: sent }: UpstreamRequest) => dribbled(body(JSON.parse(String(sent?.bytes)).id, size), type),
        } as unknown as Upstream;
        let read: unknown;
        const work = await steps(async () => {
          const outcome = await ownRequest(upstream, { path: '/mcp', method: 'ping', asks: true, headers: [] });
          read = 'failed' in outcome ? outcome : outcome.result;
        });
        assert.deepEqual(read, result(size));
        assert.ok(work / size <= 9, `${work / size} steps a byte of ${size}`);
      }
    });
  }

  it('the control: joining everything at each chunk costs a step a byte for every chunk', async () => {
    const chunks: Buffer[] = [];
    const work = await steps(() => {
      for (let size = 0; size < 10_000; size += 32) {
        chunks.push(Buffer.alloc(32));
        Buffer.concat(chunks);
      }
    });
    assert.ok(work / 10_000 > 100);
  });
});
