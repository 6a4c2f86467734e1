import assert from 'node:assert/strict';
import { PassThrough } from 'node:stream';
import { membersOf } from '../../../../src/guard/message/jsonSpans.ts';
import { type LineLimits, LineSplitter, lineLimits } from '../../../../src/guard/message/lineSplitter.ts';
import { failedTool } from '../../../../src/guard/message/ownAnswers.ts';
import { Relay } from '../../../../src/guard/relay/relay.ts';
import type { CallGate } from '../../../../src/guard/relay/relayContext.ts';
import type { ServerLink } from '../../../../src/guard/relay/serverLink.ts';
import * as longLines from '../../../../src/guard/relay/unreadLines.ts';
import { assertNames } from '../../../names.ts';
import { fakeServer } from '../fakeServer.ts';

const limits: LineLimits = { kept: 100, longest: 1_000 };

/** What a splitter makes of chunks: whole lines, and parts of long lines. */
function split(chunks: readonly string[]): string[] {
  const seen: string[] = [];
  const splitter = new LineSplitter(
    {
      line: (bytes) => seen.push(`line ${bytes.length}`),
      part: (bytes, ends) => seen.push(`${ends ? 'last part' : 'part'} ${bytes.length}`),
      cut: () => seen.push('cut'),
      endless: () => seen.push('endless'),
    },
    limits,
  );
  for (const chunk of chunks) {
    splitter.push(Buffer.from(chunk));
  }
  seen.push(`rest ${splitter.rest().length}`);
  return seen;
}

describe('guard: lines that are too long to be kept', () => {
  it('come in parts above the limit, and only those', () => {
    const [half, line] = ['x'.repeat(60), `${'x'.repeat(99)}\n`];
    assert.deepEqual(split([line, `${half}\n`]), ['line 100', 'line 61', 'rest 0']);
    assert.deepEqual(split([`x${line}`, line]), ['last part 101', 'line 100', 'rest 0']);
    assert.deepEqual(split([half, half, half, `${half}\nab\n`]), ['part 60', 'part 60', 'part 60', 'last part 61', 'line 3', 'rest 0']);
    assert.deepEqual(split([half, `${half}\n${half}`]), ['part 60', 'last part 61', 'rest 60']);
    assert.deepEqual(split([half, half]), ['part 60', 'part 60', 'cut', 'rest 0']);
  });

  it('end at the limit for all lines: nothing follows', () => {
    const chunks = Array.from({ length: 30 }, () => 'x'.repeat(50));
    const seen = split([...chunks, '\n', 'one more\n']);
    assert.deepEqual(seen.slice(-3), ['endless', 'cut', 'rest 0']);
    assert.equal(seen.filter((one) => one === 'part 50').length, 20);
  });

  it('a negative index that is not -1, as Node gives it beyond 2 GiB, ends a search', () => {
    const wrong = (bytes: Buffer): Buffer => {
      let calls = 0;
      return Object.assign(bytes, {
        indexOf: () => {
          calls += 1;
          assert.ok(calls < 10, 'the search does not end');
          return -2_147_483_648;
        },
      });
    };
    assert.equal(membersOf(wrong(Buffer.from('{"a":1}'))), undefined);
    const splitter = new LineSplitter({ line: assert.fail, part: assert.fail, cut: assert.fail, endless: assert.fail }, lineLimits);
    splitter.push(wrong(Buffer.from('{"a":1}')));
    assert.equal(splitter.rest().length, 7);
  });

  const filler = 'x'.repeat(300);
  const call = (id: number): string => `{"jsonrpc":"2.0","method":"tools/call","params":{"name":"write","text":"${filler}"},"id":${id}}\n`;
  const answer = (id: number): string => `{"result":{"text":"${filler}"},"jsonrpc":"2.0","id":${id}}\n`;

  it('of the server pass unread, settle their request, and no other message gets between their bytes', async () => {
    const { input, output, servers, relay } = relayed(gate());
    input.write('{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"read"}}\n');
    await turn();
    assert.equal(relay.current?.inFlight.size, 1);
    const line = answer(1);
    servers[0]?.output.write(`{"jsonrpc":"2.0","method":"before"}\n${line.slice(0, 150)}`);
    await turn();
    input.write('{"jsonrpc":"2.0","id":2,"method":"tools/call","params":{"name":"write"}}\n');
    await turn();
    servers[0]?.output.write(line.slice(150, 200));
    await turn();
    servers[0]?.output.write(`${line.slice(200)}{"jsonrpc":"2.0","method":"after"}\n`);
    await turn();
    const [before, whole, ...others] = linesOf(output);
    assertNames(before, 'before');
    assert.equal(whole, line.trim());
    assert.deepEqual(others.map((one) => /"id":2|after/.exec(one)?.[0]).sort(), ['"id":2', 'after']);
    assert.equal(relay.current?.inFlight.size, 0, 'it is the answer');
  });

  it('of two servers at once reach the client one after the other', async () => {
    const { output, servers } = relayed(undefined, 2);
    const [first, second] = [answer(1), answer(2)];
    servers[0]?.output.write(first.slice(0, 200));
    await turn();
    servers[1]?.output.write(`${second.slice(0, 200)}`);
    await turn();
    servers[1]?.output.write(`${second.slice(200)}{"jsonrpc":"2.0","method":"after"}\n`);
    await turn();
    servers[0]?.output.write(first.slice(200));
    await turn();
    assert.deepEqual(linesOf(output), [first.trim(), second.trim(), '{"jsonrpc":"2.0","method":"after"}']);
  });

  it('that the end of a server cuts off spoil no other message, and its requests are answered', async () => {
    const { input, output, servers, relay } = relayed();
    input.write('{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"read"}}\n');
    await turn();
    servers[0]?.output.write(`{"jsonrpc":"2.0","id":1,"result":{"text":"${filler}`);
    await turn();
    servers[0]?.output.end();
    await turn();
    relay.disconnect(relay.current as ServerLink, 'The server ended');
    await turn();
    const [broken, lost] = linesOf(output);
    assert.match(broken ?? '', /^\{"jsonrpc":"2.0","id":1,"result":\{"text":"x+$/);
    assertNames(lost, '"id":1', 'The server ended');
  });

  it('of the client are refused where calls are judged, with the reason', async () => {
    const { input, output, servers, relay } = relayed(gate());
    const line = call(7);
    input.write(line.slice(0, 250));
    await turn();
    input.write(`${line.slice(250)}{"jsonrpc":"2.0","id":8,"method":"tools/call","params":{"name":"read"}}\n`);
    await turn();
    assert.equal(
      String(servers[0]?.input.read()),
      '{"jsonrpc":"2.0","id":8,"method":"tools/call","params":{"name":"read"}}\n',
      'the server gets nothing of it',
    );
    const refusal = JSON.parse(linesOf(output)[0] ?? '');
    assert.equal(refusal.id, 7);
    assert.equal(refusal.result.isError, true);
    assertNames(refusal.result.content[0].text, '64 MB');
    assert.equal(relay.refusals.summary?.calls, 1);
  });

  it('of the client that answer a request of the server become an error where calls are judged: the server waits for it', async () => {
    const { input, output, servers } = relayed(gate());
    servers[0]?.output.write('{"jsonrpc":"2.0","id":"ask-1","method":"sampling/createMessage"}\n');
    await turn();
    input.write(`{"jsonrpc":"2.0","result":{"text":"${filler}"},"id":"ask-1"}\n`);
    await turn();
    const told = JSON.parse(String(servers[0]?.input.read()));
    assert.equal(told.id, 'ask-1');
    assertNames(told.error.message, '64 MB');
    assert.equal(linesOf(output).length, 1);
  });

  it('of the client pass where nothing is judged, and are in flight until they are answered', async () => {
    const { input, output, servers, relay } = relayed();
    const line = call(7);
    for (let at = 0; at < line.length; at += 60) {
      input.write(line.slice(at, at + 60));
      await turn();
    }
    assert.equal(String(servers[0]?.input.read()), line);
    assert.deepEqual([...(relay.current?.inFlight.keys() ?? [])], [7]);
    servers[0]?.output.write('{"jsonrpc":"2.0","id":7,"result":{}}\n');
    await turn();
    assert.equal(relay.current?.inFlight.size, 0);
    assert.equal(linesOf(output).length, 1);
  });

  it('of the client whose server ends within them are answered, and their rest goes to no other server', async () => {
    const { input, output, relay } = relayed();
    const line = call(7);
    input.write(line.slice(0, 200));
    await turn();
    relay.disconnect(relay.current as ServerLink, 'The server ended');
    const next = fakeServer();
    relay.release(relay.connect(next.server));
    input.write(line.slice(200));
    await turn();
    assert.equal(next.input.read(), null);
    const told = JSON.parse(linesOf(output)[0] ?? '');
    assert.deepEqual([told.id, told.result.isError], [7, true]);
  });

  it('that do not end: the output of the server is closed and its requests are answered with the reason; the input of the client is closed', async () => {
    const { input, output, servers, relay } = relayed();
    input.write('{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"read"}}\n');
    await turn();
    for (let count = 0; count < 40; count += 1) {
      servers[0]?.output.write(filler);
      await turn();
    }
    assert.equal(servers[0]?.output.destroyed, true);
    relay.disconnect(relay.current as ServerLink, 'The server ended (SIGTERM)');
    const sent = linesOf(output);
    assert.ok((sent[0]?.length ?? 0) <= limits.longest);
    assertNames(sent[1], '"id":1', 'ended before');
    const next = fakeServer();
    relay.release(relay.connect(next.server));
    for (let count = 0; count < 4; count += 1) {
      input.write(filler);
      await turn();
    }
    assert.equal(input.destroyed, true);
  });
});

/** A gate that passes calls of `read`. */
function gate(): CallGate {
  return {
    admit: ({ tool }) => (tool === 'read' ? 'pass' : { answer: failedTool('no', false) }),
    answered: () => undefined,
    serves: () => undefined,
    listed: () => undefined,
    toolsChanged: () => undefined,
    isOff: false,
    amends: false,
    amend: (line) => line,
  };
}

function relayed(judge?: CallGate, count = 1) {
  const [input, output] = [new PassThrough(), new PassThrough()];
  const relay = new Relay(input, output, limits);
  relay.longLines = longLines;
  relay.gate = judge;
  const servers = Array.from({ length: count }, fakeServer);
  for (const { server } of servers) {
    relay.release(relay.connect(server));
  }
  return { input, output, servers, relay };
}

function linesOf(stream: PassThrough): string[] {
  const text = String(stream.read() ?? '');
  return text === '' ? [] : text.replace(/\n$/, '').split('\n');
}

function turn(): Promise<unknown> {
  return new Promise((resolve) => setImmediate(() => setImmediate(resolve)));
}
